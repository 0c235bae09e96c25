"""A coupon that a member was given: one state machine, from issued to redeemed, expired or void.

issued → reserved → redeemed → restored (issued again), and from issued or reserved: expired, void. A reservation that
times out, and the expiry, need no fact: both are judged by business time.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from domain import refusals as no
from domain.calendar_days import day_ends, local_day
from domain.fact import Fact
from domain.ids import named
from domain.programme import Policy
from domain.stream import Draft, Stream, evolves

COUPONS = UUID("9d3c1e52-70b4-5f0a-8c6e-2f4b7a915e08")
"""The name space of the streams of coupons."""
BOUGHT = "reward:"
"""How the references of coupons begin that points have bought."""


class CouponIssued(Fact, name="CouponIssued.v1"):
    """A member was given a coupon. It is good from `valid_from` until, and not at, `valid_until`."""

    member_id: UUID
    code: str
    kind: str
    """A word that campaigns and tills know it by."""
    valid_from: datetime
    valid_until: datetime
    amount_minor: int | None = None
    """What it takes off a bill, in minor units, where it is money."""
    reference: str
    """What it came with, as `reward:<redemption>` or `campaign:<id>`; `staff` where somebody gave it."""
    reason: str | None = None


class CouponReserved(Fact, name="CouponReserved.v1"):
    """A coupon was set aside for a bill until `until`, by business time."""

    member_id: UUID
    code: str
    reservation_id: UUID
    until: datetime


class CouponReleased(Fact, name="CouponReleased.v1"):
    """A reservation was given up: the coupon can be used for another bill."""

    member_id: UUID
    code: str
    reservation_id: UUID


class CouponRedeemed(Fact, name="CouponRedeemed.v1"):
    """A coupon was handed in with a purchase."""

    member_id: UUID
    code: str
    kind: str
    purchase_id: UUID


class CouponFlagged(Fact, name="CouponFlagged.v1"):
    """A purchase that could not be refused names a coupon that was not good for it; the coupon stays as it was."""

    member_id: UUID
    code: str
    purchase_id: UUID
    problem: str
    """The name of the refusal that the till was not there to hear."""


class CouponRestored(Fact, name="CouponRestored.v1"):
    """All of the purchase went back while the coupon was still good: it can be used again."""

    member_id: UUID
    code: str
    purchase_id: UUID
    valid_until: datetime


class CouponVoided(Fact, name="CouponVoided.v1"):
    """A coupon was taken back; one that was used before is not restored with its purchase."""

    member_id: UUID
    code: str
    reason: str


class CouponExpired(Fact, name="CouponExpired.v1"):
    """Recorded later: a coupon was not used in its time, which is when this occurred. A use from before still counts."""

    member_id: UUID
    code: str


def coupon_stream(code: str) -> UUID:
    return named(COUPONS, code)


def good_through(policy: Policy, at: datetime, days: int) -> datetime:
    """The end of a coupon's window: through so many local days after the day on which it is issued."""
    return day_ends(local_day(at, policy.zone) + timedelta(days=days), policy.zone)


class Coupon(Stream):
    """One coupon; its code is the claim on the stream."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.issued: CouponIssued | None = None
        self.reserved: CouponReserved | None = None
        self.used_by: UUID | None = None
        """The purchase that it was handed in with."""
        self.void = False
        self.expiry_recorded = False

    def issue(self, **what: object) -> list[Draft]:
        """Give it to a member."""
        return [Draft(self, CouponIssued, what)]

    def check(self, at: datetime, *, reservations: Collection[UUID] = ()) -> None:
        """Whether it can be used at an instant, or for one of these reservations.

        Refused in this order: void, used, not yet valid, expired, reserved.
        """
        coupon = self._known()
        self._check_unused(coupon)
        if at < coupon.valid_from:
            raise no.CouponNotYetValid(code=coupon.code, valid_from=coupon.valid_from)
        if at >= coupon.valid_until:
            raise no.CouponExpired(code=coupon.code, valid_until=coupon.valid_until)
        held = self.reservation(at)
        if held is not None and held.reservation_id not in reservations:
            raise no.CouponReserved(code=coupon.code, until=held.until)

    def reservation(self, at: datetime) -> CouponReserved | None:
        """The reservation that is open at an instant."""
        return self.reserved if self.reserved is not None and at < self.reserved.until else None

    def reserve(
        self, *, reservation_id: UUID, at: datetime, until: datetime, instead_of: Collection[UUID] = ()
    ) -> list[Draft]:
        """Set it aside for a bill, where it was not before or by one of these reservations; refused as `check` says."""
        self.check(at, reservations=instead_of)
        return [self._move(CouponReserved, reservation_id=reservation_id, until=until)]

    def release(self, *, reservation_id: UUID, at: datetime) -> list[Draft]:
        """Give a reservation up; refused where it is not open, or another one is."""
        held = self.reservation(at)
        if held is None or held.reservation_id != reservation_id:
            raise no.CouponNotReserved(code=self._known().code)
        return [self._move(CouponReleased, reservation_id=reservation_id)]

    def give_up(self, *, reservation_id: UUID, at: datetime) -> list[Draft]:
        """Release what was set aside together with other things, if it still is."""
        held = self.reservation(at)
        mine = held is not None and held.reservation_id == reservation_id
        return self.release(reservation_id=reservation_id, at=at) if mine else []

    def redeem(self, *, purchase_id: UUID) -> list[Draft]:
        """Hand it in with a purchase; `check` comes before."""
        return [self._move(CouponRedeemed, kind=self._known().kind, purchase_id=purchase_id)]

    def flag(self, *, purchase_id: UUID, problem: str) -> list[Draft]:
        """Keep that a purchase named it although it was not good."""
        return [self._move(CouponFlagged, purchase_id=purchase_id, problem=problem)]

    def restore(self, *, purchase_id: UUID, at: datetime) -> list[Draft]:
        """Let it be used again, where that purchase had used it and there is time left."""
        until = self._known().valid_until
        if self.void or self.used_by != purchase_id or at >= until:
            return []
        return [self._move(CouponRestored, purchase_id=purchase_id, valid_until=until)]

    def take_back(self, *, reason: str) -> list[Draft]:
        """Void it. Refused in this order: void before, used."""
        self._check_unused(self._known())
        return [self._move(CouponVoided, reason=reason)]

    def revoke(self, *, reason: str) -> list[Draft]:
        """Void it with what had brought it, unless it is void. One that was used stays used, and does not come back."""
        return [] if self.void else [self._move(CouponVoided, reason=reason)]

    def withdraw(self, *, at: datetime, reason: str) -> list[Draft]:
        """Void it with what it had come with, unless it is void; refused where it was used, or a bill waits for it."""
        if self.void:
            return []
        held = self.reservation(at)
        if held is not None and self.used_by is None:
            raise no.CouponReserved(code=held.code, until=held.until)
        return self.take_back(reason=reason)

    def expire(self, now: datetime) -> list[Draft]:
        """Record that it was not used in its time."""
        due = self.expires_at
        return [] if due is None or due > now else [self._move(CouponExpired, occurred_at=due)]

    @property
    def expires_at(self) -> datetime | None:
        """When its expiry is to be recorded, if it is."""
        if self.issued is None or self.used_by is not None or self.void or self.expiry_recorded:
            return None
        return self.issued.valid_until

    @property
    def funded_minor(self) -> int:
        """What points have bought it to pay; 0, where it was a gift or is no money."""
        coupon = self._known()
        return (coupon.amount_minor or 0) if coupon.reference.startswith(BOUGHT) else 0

    def _known(self) -> CouponIssued:
        assert self.issued is not None, "only a coupon that was issued has a state"
        return self.issued

    def _check_unused(self, coupon: CouponIssued) -> None:
        if self.void:
            raise no.CouponVoided(code=coupon.code)
        if self.used_by is not None:
            raise no.CouponUsed(code=coupon.code, purchase_id=self.used_by)

    def _move(self, fact: type[Fact], **what: object) -> Draft:
        coupon = self._known()
        return Draft(self, fact, {"member_id": coupon.member_id, "code": coupon.code, **what})

    @evolves(CouponIssued)
    def _issued(self, fact: CouponIssued) -> None:
        self.issued = fact

    @evolves(CouponReserved)
    def _reserved(self, fact: CouponReserved) -> None:
        self.reserved = fact

    @evolves(CouponReleased)
    def _released(self, fact: CouponReleased) -> None:  # noqa: ARG002 - there is one at a time
        self.reserved = None

    @evolves(CouponRedeemed)
    def _redeemed(self, fact: CouponRedeemed) -> None:
        self.reserved, self.used_by, self.expiry_recorded = None, fact.purchase_id, False

    @evolves(CouponFlagged)
    def _flagged(self, fact: CouponFlagged) -> None:
        """It stays as it was."""

    @evolves(CouponRestored)
    def _restored(self, fact: CouponRestored) -> None:  # noqa: ARG002 - it is as it was issued
        self.used_by = None

    @evolves(CouponVoided)
    def _voided(self, fact: CouponVoided) -> None:  # noqa: ARG002 - why is for those who read it
        self.reserved, self.void = None, True

    @evolves(CouponExpired)
    def _expired(self, fact: CouponExpired) -> None:  # noqa: ARG002 - nothing that the clock did not know
        self.expiry_recorded = True
