"""One member's points, tallied from the JSON of the facts and nothing else.

Neither the write side's account nor a read model is used, so that what they say can be held against this. Only the
shapes of a lot and a hold are shared, and what the clock makes of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic_core import from_json

from domain.lots import Hold, Lot
from domain.parts import Taken
from projections.proofs.points import Points, Violation, equal, known, not_below_nothing, sum_of

Told = tuple[UUID, int, str, bytes]
"""A fact as it is stored: member, position, name and JSON."""

Body = Mapping[str, Any]
Teller = TypeVar("Teller", bound=Callable[..., None])

TELLERS: dict[str, Callable[["Tally", Body], None]] = {}
"""By stored name, how a fact moves points. Facts of other names move none."""


LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Redeemed(NamedTuple):
    """Points that were spent, and those of them that came back."""

    points: int
    back: int


def tells(name: str) -> Callable[[Teller], Teller]:
    """Mark the method that tallies facts of this stored name."""

    def mark(method: Teller) -> Teller:
        TELLERS[name] = method
        return method

    return mark


class Tally(Points):
    """What one member's facts add up to so far. A fact that does not add up raises a violation."""

    def __init__(self) -> None:
        super().__init__()
        self.position = 0
        """Of the last fact that was told."""
        self.latest = LONG_AGO
        """The latest business time that was told."""
        self.clawed: Counter[UUID] = Counter()
        self.redemptions: dict[str, Redeemed] = {}
        self.grants: dict[str, int] = {}
        self.across: Counter[str] = Counter()
        """What went to other members less what came from them, by transfer or redemption: with theirs it comes to nothing."""

    def tell(self, facts: Iterable[Told]) -> None:
        """Tally the next facts of the member."""
        for _, self.position, name, state in facts:
            body = from_json(state)
            self._at = instant(body["occurred_at"])
            self.latest = max(self.latest, self._at)
            TELLERS[name](self, body)

    @tells("AccountOpened.v1")
    def opening(self, body: Body) -> None:  # noqa: ARG002 - whose it is, is known
        self.opened = True

    @tells("PointsEarned.v1")
    def earned(self, body: Body) -> None:
        for part in body["parts"]:
            if part["points"]:
                self._issue(part, self._at, body["active_from"], body.get("expires_at"))
        if "keeps_alive_until" in body:
            self.keeps[UUID(body["purchase_id"])] = self._at, instant(body["keeps_alive_until"])

    @tells("PointsRevoked.v1")
    def revoked(self, body: Body) -> None:
        if body["nothing_left"]:
            self.keeps.pop(UUID(body["purchase_id"]), None)
        for part in body["parts"]:
            if not part["points"]:  # a discount that a budget need not bear any more
                continue
            others = part.get("others", ())
            elsewhere = part.get("debt", 0) + part.get("forgiven", 0) + part.get("forwarded", 0) + sum_of(others)
            lot = self._lot(part)
            self.clawed[lot.id] += part["points"]
            if self.clawed[lot.id] > lot.points:
                raise Violation(
                    "returns take no more than was granted", bucket="clawed", expected=lot.points,
                    found=self.clawed[lot.id], lot_id=lot.id,
                )  # fmt: skip
            self._move("revoked", [{"lot_id": part["lot_id"], "points": part["points"] - elsewhere}, *others])
            self._owe("raised", part.get("debt", 0))

    @tells("PointsHeld.v1")
    def held(self, body: Body) -> None:
        equal("a hold is what it sets aside", "held", body["points"], sum_of(body["parts"]))
        parts = [Taken(lot_id=self._lot(part).id, points=part["points"]) for part in body["parts"]]
        hold_id = UUID(body["hold_id"])
        self.holds[hold_id] = Hold(hold_id, self._at, instant(body["until"]), in_order(parts))

    @tells("HoldReleased.v1")
    def released(self, body: Body) -> None:
        self.end(UUID(body["hold_id"]), "released", self._at)

    @tells("HoldTimedOut.v1")
    @tells("PointsExpired.v1")
    def lapsed(self, body: Body) -> None:
        """The clock knew."""

    @tells("PointsRedeemed.v1")
    def redeemed(self, body: Body) -> None:
        equal("a redemption is what it takes and owes", "spent", body["points"], sum_of(body["parts"]) + body["debt"])
        self.redemptions[body["redemption_id"]] = Redeemed(body["points"], 0)
        if "hold_id" in body:
            self.end(UUID(body["hold_id"]), "captured", self._at)
        self._move("spent", body["parts"])
        self._owe("raised", body["debt"])

    @tells("RedemptionReversed.v1")
    def reversed(self, body: Body) -> None:
        forwarded = body.get("forwarded", 0)
        undone = body["cancelled"] + sum_of(body["unsettled"]) + forwarded + body["waived"]
        equal("a reversal is what it brings back", "spent", body["points"], sum_of(body["parts"]) + undone)
        points, back = known(self.redemptions, body["redemption_id"], "what comes back was spent")
        back += body["points"] + body["refused_in_cash"]
        self.redemptions[body["redemption_id"]] = Redeemed(points, back)
        not_below_nothing("redeemed", points - back)
        self._move_back("spent", body["parts"])
        self._undo_debt(body)
        self._across(f"debt undone of {body['redemption_id']}", forwarded)

    @tells("DebtReversed.v1")
    def debt_reversed(self, body: Body) -> None:
        self._undo_debt(body)
        self._across(f"debt undone of {body['redemption_id']}", -body["cancelled"] - sum_of(body["unsettled"]))

    @tells("PointsProlonged.v1")
    def prolonged(self, body: Body) -> None:
        """What leaves a lot is in the one that names it."""
        self._move("sent", ({"lot_id": lot["from_lot"], "points": lot["points"]} for lot in body["lots"]))
        self._give(body["lots"], received=True)

    @tells("DebtSettled.v1")
    def settled(self, body: Body) -> None:
        self._move("settled", body["parts"])
        self._owe("settled", sum_of(body["parts"]))

    @tells("DebtWaived.v1")
    def waived(self, body: Body) -> None:
        self._owe("waived", body["points"])

    @tells("PointsAdjusted.v1")
    def adjusted(self, body: Body) -> None:
        given = [body["lot"]] if "lot" in body else []
        made = sum_of(given) - sum_of(body["parts"]) - body["debt"]
        equal("an adjustment is what it gives or takes", "adjusted", body["points"], made)
        self._give(given)
        self._move("revoked", body["parts"])
        self._owe("raised", body["debt"])

    @tells("OpeningBalanceImported.v1")
    def imported(self, body: Body) -> None:
        self._give(body["lots"])
        self._owe("raised", body["debt"])

    @tells("PointsGranted.v1")
    def granted(self, body: Body) -> None:
        self._give([body["lot"]])
        self.grants[body["grant_id"]] = body["lot"]["points"]

    @tells("GrantRevoked.v1")
    def grant_revoked(self, body: Body) -> None:
        """Whole, and once; what is missing here is the survivor's."""
        if "from_member_id" not in body:
            taken = sum_of(body["parts"]) + body["debt"] + body["forgiven"] + sum_of(body["forwarded"])
            equal("a grant is revoked whole, and once", "revoked", self.grants.pop(body["grant_id"], None), taken)
        self._move("revoked", body["parts"])
        self._owe("raised", body["debt"])

    @tells("PointsSent.v1")
    def sent(self, body: Body) -> None:
        self._move("sent", body["parts"])
        self._owe("cancelled", body["debt"])
        self._move_across(body, sum_of(body["parts"]), body["debt"])

    @tells("PointsReceived.v1")
    def receiving(self, body: Body) -> None:
        self._give(body["lots"], received=True)
        self._owe("raised", body["debt"])
        self._move_across(body, -sum_of(body["lots"]), -body["debt"])

    @tells("PointsGivenBack.v1")
    def given_back(self, body: Body) -> None:
        """What had been received shrinks by it."""
        for part in body["parts"]:
            lot = self._lot(part)
            lot.points -= part["points"]
            not_below_nothing("free", lot.free, lot.id)
        self._owe("cancelled", body["debt"])
        self._move_across(body, sum_of(body["parts"]), body["debt"])

    @tells("PointsTakenBack.v1")
    def taken_back(self, body: Body) -> None:
        self._move_back("sent", body["parts"])
        self._owe("raised", body["debt"])
        self._move_across(body, -sum_of(body["parts"]), -body["debt"])

    @tells("ReceivedRevoked.v1")
    def received_revoked(self, body: Body) -> None:
        self._move("revoked", body["parts"])
        self._owe("raised", body["debt"])

    def _issue(
        self, lot: Body, earned_at: datetime, active_from: str, expires_at: str | None, *, received: bool = False
    ) -> None:
        lot_id, ends = UUID(lot["lot_id"]), None if expires_at is None else instant(expires_at)
        self.issue(lot_id, lot["points"], earned_at, instant(active_from), ends, at=self._at, received=received)

    def _give(self, lots: Iterable[Body], *, received: bool = False) -> None:
        for lot in lots:
            self._issue(lot, instant(lot["earned_at"]), lot["active_from"], lot.get("expires_at"), received=received)

    def _lot(self, part: Body) -> Lot:
        return known(self.lots, UUID(part["lot_id"]), "what moves was issued")

    def _move(self, bucket: str, parts: Iterable[Body], *, sign: int = 1) -> None:
        """Points of lots go into a bucket; neither it nor what is free falls below nothing."""
        for part in parts:
            lot = self._lot(part)
            moved = getattr(lot, bucket) + sign * part["points"]
            setattr(lot, bucket, moved)
            not_below_nothing(bucket, moved, lot.id)
            not_below_nothing("free", lot.free, lot.id)

    def _move_back(self, bucket: str, parts: Iterable[Body]) -> None:
        self._move(bucket, parts, sign=-1)
        for part in parts:
            self.free(UUID(part["lot_id"]), self._at)

    def _owe(self, kind: str, points: int) -> None:
        if points:
            self.owe(kind, points, self._at)
            not_below_nothing("debt", self.debt)

    def _undo_debt(self, body: Body) -> None:
        """Debt that lots had paid counts as cancelled after all, as they have their points again."""
        paid = sum_of(body["unsettled"])
        self._move_back("settled", body["unsettled"])
        self._owe("settled", -paid)
        self._owe("cancelled", body["cancelled"] + paid)

    def _move_across(self, body: Body, points: int, debt: int) -> None:
        self._across(f"points of transfer {body['transfer_id']}", points)
        self._across(f"debt of transfer {body['transfer_id']}", debt)

    def _across(self, what: str, points: int) -> None:
        if points:
            self.across[what] += points


@lru_cache(maxsize=1 << 16)
def instant(text: str) -> datetime:
    """A time as facts write it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def in_order(parts: Iterable[Taken]) -> list[Taken]:
    """Parts of a hold by lot, as the read model keeps no order of them."""
    return sorted(parts, key=lambda part: part["lot_id"])
