"""Coupons: given to members, reserved for a bill, handed in with a purchase, and restored with its return."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID, uuid5

from domain import refusals as no
from domain.basket import CouponUse
from domain.command import AgreedCommand, Command, Decision, History, Streams, Wanted
from domain.commands.clock import CLOCK, by_name
from domain.commands.corrections import OfMember
from domain.commands.redemptions import account_of
from domain.correcting import refuse_if_closed
from domain.coupon import Coupon, CouponIssued, CouponReleased, CouponReserved, CouponVoided, coupon_stream
from domain.fact import Fact, message_id
from domain.member import Member
from domain.purchase import Purchase
from domain.receipt import Receipt
from domain.refusals import Refusal, WindowEndsBeforeItBegins
from domain.stream import Draft

STAFF = "staff"
"""The reference of a coupon that somebody gave."""
RESERVED_MINUTES = 15


class HandedIn(NamedTuple):
    """The coupons of a purchase that were issued to its buyer, and what is recorded of them; others are paper to us."""

    kinds: dict[str, str]
    """By code."""
    drafts: list[Draft]
    funded_minor: int = 0
    """What points have bought them to pay."""


NO_COUPONS = HandedIn({}, [])


def hand_in(
    streams: Streams, uses: Sequence[CouponUse], *, member_id: UUID | None, purchase_id: UUID, at: datetime, strictly: bool,
    quote_id: UUID | None = None,
) -> HandedIn:  # fmt: skip
    """Use coupons for a purchase. One that is not good is refused, or flagged where nobody is there to be refused.

    Good is one that is set aside for the quote by which it is sold, or by the reservation that it is named with.

    Refused in this order, coupon by coupon: not yours, void, used, not yet valid, expired, reserved.
    """
    kinds: dict[str, str] = {}
    drafts: list[Draft] = []
    funded_minor = 0
    for use in uses:
        coupon = streams.get(Coupon, coupon_stream(use["code"]))
        if coupon.issued is None:
            continue
        try:
            if use["code"] in kinds:
                raise no.CouponUsed(code=use["code"], purchase_id=purchase_id)
            check_for(streams, coupon, member_id, at=at, reservations=reservations_of(use, quote_id))
        except Refusal as refusal:
            if strictly:
                raise
            drafts += coupon.flag(purchase_id=purchase_id, problem=refusal.name)
        else:
            kinds[use["code"]] = coupon.issued.kind
            funded_minor += coupon.funded_minor
            drafts += coupon.redeem(purchase_id=purchase_id)
    return HandedIn(kinds, drafts, funded_minor)


def reservations_of(use: CouponUse, quote_id: UUID | None = None) -> list[UUID]:
    """The reservations by which a coupon is used."""
    return [one for one in (use.get("reservation"), quote_id) if one is not None]


def check_for(
    streams: Streams, coupon: Coupon, member_id: UUID | None, *, at: datetime, reservations: Collection[UUID] = ()
) -> None:
    """Whether a member can use a coupon at an instant: whom it was issued to, or who they live on in."""
    assert coupon.issued is not None, "only a coupon that was issued is anybody's"
    holder: UUID | None = coupon.issued.member_id
    while holder is not None and holder != member_id:
        holder = streams.get(Member, holder).merged_into
    if member_id is None or holder is None:
        raise no.CouponNotYours(code=coupon.issued.code)
    coupon.check(at, reservations=reservations)


def check_coupons(
    streams: Streams, uses: Sequence[CouponUse], *, member_id: UUID | None, at: datetime, quote_id: UUID
) -> None:
    """Whether all of these that were issued are good for a purchase of a member; what they open is not quoted twice."""
    for use in uses:
        coupon = streams.get(Coupon, coupon_stream(use["code"]))
        if coupon.issued is not None:
            check_for(streams, coupon, member_id, at=at, reservations=reservations_of(use, quote_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCoupon(Command):
    """When something brings a member a coupon, then it is issued, with a code that nobody can guess."""

    scope = "issued-coupon"

    member_id: UUID
    kind_id: str
    valid_from: datetime
    valid_until: datetime
    reference: str
    amount_minor: int | None = None
    reason: str | None = None
    code: str | None = None
    """One that was drawn before, where other facts name it."""

    @classmethod
    def of(
        cls, cause: Command, *, member_id: UUID, kind_id: str, valid_from: datetime, valid_until: datetime,
        reference: str, amount_minor: int | None = None, reason: str | None = None, code: str | None = None,
    ) -> Self:  # fmt: skip
        return cls(
            id=cause.id, source=cause.source, external_id=cause.external_id, occurred_at=cause.occurred_at,
            actor=cause.actor, fingerprint=cause.fingerprint, member_id=member_id, kind_id=kind_id,
            valid_from=valid_from, valid_until=valid_until, reference=reference, amount_minor=amount_minor,
            reason=reason, code=code,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - its code is drawn when it is decided
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        code = self.code or streams.new_code()
        coupon = streams.get(Coupon, coupon_stream(code))
        return Decision(
            coupon.issue(
                member_id=self.member_id, code=code, kind=self.kind_id, valid_from=self.valid_from,
                valid_until=self.valid_until, amount_minor=self.amount_minor, reference=self.reference,
                reason=self.reason,
            )
        )  # fmt: skip


def issued_answer(facts: Sequence[Fact]) -> dict[str, Any] | None:
    """The coupon that a command issued, if it did."""
    return next(iter(issued_answers(facts)), None)


def issued_answers(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """The coupons that a command issued."""
    told = {"code", "kind", "valid_from", "valid_until", "amount_minor"}
    return [fact.model_dump(include=told) for fact in facts if isinstance(fact, CouponIssued)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveCoupon(OfMember):
    """Staff gives a member a coupon."""

    scope = "coupon"

    kind_id: str
    valid_from: datetime
    valid_until: datetime
    amount_minor: int | None
    reason: str

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: member, closed, window."""
        refuse_if_closed(account_of(streams, self.member_id), self.occurred_at)
        if self.valid_until <= self.valid_from:
            raise WindowEndsBeforeItBegins(starts_at=self.valid_from, ends_at=self.valid_until)
        issuing = IssueCoupon.of(
            self, member_id=self.member_id, kind_id=self.kind_id, valid_from=self.valid_from,
            valid_until=self.valid_until, reference=STAFF, amount_minor=self.amount_minor, reason=self.reason,
        )  # fmt: skip
        return Decision([], [issuing])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The coupon."""
        issued = next(fact for fact in facts if isinstance(fact, CouponIssued))
        return {"member_id": issued.member_id, **(issued_answer(facts) or {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfCoupon(AgreedCommand):
    """A command about one coupon, named by its code."""

    code: str

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Coupon, coupon_stream(self.code)

    def target(self, streams: Streams) -> str:  # noqa: ARG002 - it is named
        return self.code

    def coupon(self, streams: Streams) -> Coupon:
        """The coupon, once it was issued."""
        coupon = streams.get(Coupon, coupon_stream(self.code))
        if coupon.issued is None:
            raise no.CouponUnknown(code=self.code)
        return coupon


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveCoupon(OfCoupon):
    """Set a coupon aside for a bill, so that it is not used twice at once."""

    scope = "coupon-reservation"

    member_id: UUID
    minutes: int | None

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown, not yours, void, used, not yet valid, expired, reserved."""
        coupon = self.coupon(streams)
        check_for(streams, coupon, self.member_id, at=self.occurred_at)
        until = self.occurred_at + timedelta(minutes=self.minutes or RESERVED_MINUTES)
        return Decision(coupon.reserve(reservation_id=self.id, at=self.occurred_at, until=until))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The reservation, which the purchase names."""
        reserved = next(fact for fact in facts if isinstance(fact, CouponReserved))
        return reserved.model_dump(include={"code", "member_id", "reservation_id", "until"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCoupon(OfCoupon):
    """Give a reservation up."""

    scope = "coupon-release"

    reservation_id: UUID

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown, not reserved."""
        coupon = self.coupon(streams)
        return Decision(coupon.release(reservation_id=self.reservation_id, at=self.occurred_at))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The coupon that can be used again."""
        released = next(fact for fact in facts if isinstance(fact, CouponReleased))
        return released.model_dump(include={"code", "member_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidCoupon(OfCoupon):
    """Take a coupon back before it is used; a reservation of it ends."""

    scope = "coupon-void"

    reason: str

    def agree(self, streams: Streams) -> Decision:
        """Refused in this order: unknown, void, used."""
        return Decision(self.coupon(streams).take_back(reason=self.reason))

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """The coupon that is void."""
        voided = next(fact for fact in facts if isinstance(fact, CouponVoided))
        return voided.model_dump(include={"code", "member_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreCoupons(Command):
    """When all of a purchase went back, then the coupons that it had used can be used again, as long as they are good."""

    scope = "coupons-back"

    purchase_id: UUID

    @classmethod
    def of(cls, cause: Command, *, purchase_id: UUID) -> Self:
        return cls(
            id=cause.id, source=cause.source, external_id=cause.external_id, occurred_at=cause.occurred_at,
            actor=cause.actor, fingerprint=cause.fingerprint, purchase_id=purchase_id,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        purchase = streams.get(Purchase, self.purchase_id)
        if not purchase.nothing_left:
            return Decision([])
        coupons = [streams.get(Coupon, coupon_stream(code)) for code in purchase.coupon_kinds]
        return Decision([
            draft for one in coupons for draft in one.restore(purchase_id=self.purchase_id, at=self.occurred_at)
        ])  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCouponExpiry(Command):
    """Record that a coupon was not used in its time. Done twice it finds nothing, so it needs no claim."""

    scope = "coupon-expiry"

    coupon: UUID

    @classmethod
    def of(cls, stream_id: UUID, *, now: datetime) -> Self:
        external_id = f"{stream_id}:{now.isoformat()}"
        return cls(
            id=message_id(CLOCK, external_id), source=CLOCK, external_id=external_id, occurred_at=now, actor=CLOCK,
            fingerprint=external_id, coupon=stream_id,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield Coupon, self.coupon

    def decide(self, streams: Streams) -> Decision:
        """Dated at its instant, and never recorded ahead of time."""
        drafts = streams.get(Coupon, self.coupon).expire(min(self.occurred_at, streams.recorded_at))
        cause = uuid5(self.coupon, "expiry")
        return Decision([draft._replace(what={**draft.what, "correlation_id": cause}) for draft in drafts])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """How many facts of each kind were recorded."""
        return by_name(facts)
