"""An account that lives through decisions, each at its own time, with lots of any life: for tests of spending."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.fact import Fact
from domain.lots import Buckets
from domain.movements import AccountOpened, GivenLot, OpeningBalanceImported
from domain.parts import Taken
from domain.points_account import PointsAccount
from domain.refusals import Refusal
from domain.stream import Draft
from tests.builders import ANN, LONG_AGO
from tests.spec import STREAM, fact, numbered

NOON = datetime(2023, 5, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MIDNIGHT = NOON + 12 * HOUR
HOLD, OTHER_HOLD, REDEMPTION = UUID(int=0x401D), UUID(int=0x401E), UUID(int=0x4ED)


def lot_id(name: str) -> UUID:
    return uuid5(STREAM, name)


def lot(
    name: str,
    points: int,
    *,
    ends: datetime | None = None,
    active: datetime = LONG_AGO,
    earned: datetime = LONG_AGO,
) -> GivenLot:
    """Points that never lapse, unless told otherwise."""
    made = GivenLot(lot_id=lot_id(name), points=points, earned_at=earned, active_from=active)
    if ends is not None:
        made["expires_at"] = ends
    return made


def taken(**points: int) -> list[Taken]:
    """Points of lots by their names."""
    return [Taken(lot_id=lot_id(name), points=number) for name, number in points.items()]


class Life:
    """Decisions come one after the other; after each, what can pay debt pays, and everything adds up."""

    def __init__(self, *lots: GivenLot, debt: int = 0) -> None:
        self.account = PointsAccount(STREAM)
        self._happened([
            fact(AccountOpened, member_id=ANN, registered_at=LONG_AGO),
            fact(OpeningBalanceImported, member_id=ANN, lots=list(lots), debt=debt, reason="", occurred_at=LONG_AGO),
        ])  # fmt: skip

    def do(self, decide: Callable[..., list[Draft]], *, at: datetime, **what: Any) -> list[Any]:
        """The facts that it led to, and those that settle debt after it."""
        facts = self._happened(self._facts(decide(self.account, at=at, **what), at))
        facts += self._happened(self._facts(self.account.settle(at), at))
        self.check(max(at, self.account.latest or at))
        return facts

    def record(self, what_time_brought: Callable[[PointsAccount, datetime], list[Draft]], *, at: datetime) -> list[Any]:
        """The clock records what has come about by itself."""
        return self.do(lambda account, at: what_time_brought(account, at), at=at)  # noqa: PLW0108 - by position

    def refuses(self, refusal: Refusal, decide: Callable[..., list[Draft]], *, at: datetime, **what: Any) -> None:
        try:
            decide(self.account, at=at, **what)
        except Refusal as found:
            assert found == refusal  # noqa: PT017 - the fields are what the test is about
        else:
            raise AssertionError("nothing was refused")

    def buckets(self, at: datetime) -> dict[str, int]:
        """Those buckets that are not empty."""
        self.check(at)
        return {name: points for name, points in asdict(self.account.buckets(at)).items() if points}

    def check(self, at: datetime) -> None:
        """Nothing is lost, nothing is below nothing, and nothing is available while something is owed."""
        found: Buckets = self.account.buckets(at)
        told = asdict(found)
        assert all(points >= 0 for points in told.values()), told
        came = told.pop("issued") + told.pop("received")
        debt = told.pop("debt")
        assert came == sum(told.values())
        assert not (debt and told["available"])
        assert found.available == self.account.available(at)

    @staticmethod
    def _facts(drafts: Sequence[Draft], at: datetime) -> list[Fact]:
        return [fact(draft.kind, **{"occurred_at": at, **draft.what}) for draft in drafts]

    def _happened(self, facts: list[Fact]) -> list[Any]:
        numbered(facts, self.account)
        return facts
