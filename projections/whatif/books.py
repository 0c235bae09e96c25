"""Books: what became of points, month by month, as the facts tell it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.calendar_days import local_day
from domain.fact import Fact
from domain.grants import GrantRevoked, PointsGranted
from domain.lots import total
from domain.movements import (
    DebtReversed,
    DebtSettled,
    OpeningBalanceImported,
    PointsAdjusted,
    PointsEarned,
    PointsGivenBack,
    PointsProlonged,
    PointsReceived,
    PointsRedeemed,
    PointsRevoked,
    PointsSent,
    PointsTakenBack,
    ReceivedRevoked,
    RedemptionReversed,
)
from domain.tier_moves import TierMoved

Entries = Iterable[tuple[str, int]]


class Books:
    """Points by local month and bucket, and the moves between tiers."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._points: dict[tuple[date, str], int] = {}
        """By local day, which is known by then, and bucket."""
        self.moves: Counter[tuple[str, str, str]] = Counter()
        """By month, the tier that was left, and the one that was reached."""

    def note(self, kind: type[Fact], fact: Any) -> None:
        """A movement of an account."""
        entries = _ENTRIES.get(kind)
        if entries is not None:
            day, counted = local_day(fact.occurred_at, self._zone), self._points
            for bucket, points in entries(fact):
                key = day, bucket
                counted[key] = counted.get(key, 0) + points
        elif kind is TierMoved:
            self.moves[self.month(fact.occurred_at), fact.from_tier, fact.to_tier] += 1

    def by_month(self) -> Iterator[tuple[str, str, int]]:
        """Points with their month and bucket, day by day."""
        for (day, bucket), points in self._points.items():
            yield _month(day), bucket, points

    def month(self, at: datetime) -> str:
        """The local month of an instant, as in `2026-11`."""
        return _month(local_day(at, self._zone))


def _month(day: date) -> str:
    return f"{day.year:04}-{day.month:02}"


def _earned(fact: PointsEarned) -> Entries:
    return (("issued", sum([part["points"] for part in fact.parts])),)


def _revoked(fact: PointsRevoked) -> Entries:
    """What was owed, forgiven, or had gone on with a merge was taken from no lot here."""
    yield (
        "revoked",
        sum(
            part["points"] - part.get("debt", 0) - part.get("forgiven", 0) - part.get("forwarded", 0)
            for part in fact.parts
        ),
    )


def _taken(fact: GrantRevoked | ReceivedRevoked) -> Entries:
    yield "revoked", total(fact.parts)


def _adjusted(fact: PointsAdjusted) -> Entries:
    yield "issued", 0 if fact.lot is None else fact.lot["points"]
    yield "revoked", total(fact.parts)


def _imported(fact: OpeningBalanceImported) -> Entries:
    yield "issued", total(fact.lots)


def _granted(fact: PointsGranted) -> Entries:
    yield "issued", fact.lot["points"]


def _redeemed(fact: PointsRedeemed) -> Entries:
    yield "spent", total(fact.parts)


def _reversed(fact: RedemptionReversed) -> Entries:
    yield "spent", -total(fact.parts)
    yield "settled", -total(fact.unsettled)


def _settled(fact: DebtSettled) -> Entries:
    yield "settled", total(fact.parts)


def _debt_reversed(fact: DebtReversed) -> Entries:
    yield "settled", -total(fact.unsettled)


def _sent(fact: PointsSent) -> Entries:
    yield "sent", total(fact.parts)


def _received(fact: PointsReceived) -> Entries:
    yield "received", total(fact.lots)


def _given_back(fact: PointsGivenBack) -> Entries:
    yield "received", -total(fact.parts)


def _taken_back(fact: PointsTakenBack) -> Entries:
    yield "sent", -total(fact.parts)


def _prolonged(fact: PointsProlonged) -> Entries:
    yield "sent", total(fact.lots)
    yield "received", total(fact.lots)


_ENTRIES: Mapping[type[Fact], Callable[[Any], Entries]] = {
    PointsEarned: _earned,
    PointsRevoked: _revoked,
    GrantRevoked: _taken,
    ReceivedRevoked: _taken,
    PointsAdjusted: _adjusted,
    OpeningBalanceImported: _imported,
    PointsGranted: _granted,
    PointsRedeemed: _redeemed,
    RedemptionReversed: _reversed,
    DebtSettled: _settled,
    DebtReversed: _debt_reversed,
    PointsSent: _sent,
    PointsReceived: _received,
    PointsGivenBack: _given_back,
    PointsTakenBack: _taken_back,
    PointsProlonged: _prolonged,
}
