"""What a member holds at an instant, added up from the facts of the log themselves, each row with the fact that it came from."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.activity import KeepAlive
from domain.lots import Hold, Lot
from domain.parts import Taken
from projections.balances import Balances
from projections.explaining.recorded import Recorded
from projections.held import Holdings
from projections.told import Told

FREEING = ("spent", "settled", "sent")
"""What can come back to a lot."""


class Row(NamedTuple):
    """A row that a fact adds to what is known of points."""

    position: int
    table: str
    values: Sequence[Any]


def rows_of(movements: Iterable[Recorded]) -> list[Row]:
    """The rows that facts of an account add, as they would to the read model."""
    balances = Balances(generation=0, schema="")
    return [
        Row(one.position, table, values)
        for one in movements
        for table, added in balances.fold([Told(one.name, one.position, b"", one.state)]).items()
        for values in added
    ]


class Ledger:
    """The rows of one account up to an instant and a position."""

    def __init__(self, rows: Iterable[Row], *, as_of: datetime, upto: int) -> None:
        self.as_of = as_of
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.position <= upto and _at(row) <= as_of:
                self.rows[row.table].append(row)
        self.came: dict[UUID, int] = {UUID(row.values[1]): row.position for row in self.rows["lots"]}
        """The fact that each lot came with."""

    def holdings(self) -> Holdings:
        """What the clock makes of the rows: the arithmetic of every answer about points."""
        held = Holdings(at=self.as_of)
        for version in sorted({row.values[4] for row in self.rows["debts"]}):
            together = [row.values for row in self.rows["debts"] if row.values[4] == version]
            held.owe(sum(one[2] if one[1] == "raised" else -one[2] for one in together), _instant(together[0][3]))
        ended = {row.values[1] for row in self.rows["hold_ends"] if row.values[3] != "timed-out"}
        held.holds += list(self._holds(ended))
        moved, freed = self._moved(), self._freed(ended)
        for row in self.rows["lots"]:
            lot, purchase_id = _lot(row.values)
            for bucket, points in moved[lot.id].items():
                name = "points" if bucket == "received" else bucket
                setattr(lot, name, getattr(lot, name) + points)
            lot.freed_at = max(freed[lot.id], default=None)
            held.add(lot, received=row.values[5], purchase_id=purchase_id)
        held.live_on(sorted(self._activity()))
        held.settle()
        return held

    def _moved(self) -> defaultdict[UUID, defaultdict[str, int]]:
        moved: defaultdict[UUID, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in self.rows["movements"]:
            moved[UUID(row.values[1])][row.values[2]] += row.values[3]
        return moved

    def _freed(self, ended: set[str]) -> defaultdict[UUID, list[datetime]]:
        """By lot, when some of it became free again."""
        freed: defaultdict[UUID, list[datetime]] = defaultdict(list)
        for row in self.rows["movements"]:
            _, lot_id, bucket, points, at, _ = row.values
            if points < 0 and bucket in FREEING:
                freed[UUID(lot_id)].append(_instant(at))
        ends = {row.values[1]: _instant(row.values[2]) for row in self.rows["hold_ends"] if row.values[1] in ended}
        for row in self.rows["holds"]:
            if row.values[1] in ends:
                freed[UUID(row.values[2])].append(ends[row.values[1]])
        return freed

    def _holds(self, ended: set[str]) -> Iterator[Hold]:
        parts: defaultdict[tuple[str, str, str], list[Taken]] = defaultdict(list)
        for row in self.rows["holds"]:
            _, hold_id, lot_id, points, at, until = row.values
            if hold_id not in ended:
                parts[hold_id, at, until].append(Taken(lot_id=UUID(lot_id), points=points))
        for (hold_id, at, until), held in parts.items():
            yield Hold(UUID(hold_id), _instant(at), _instant(until), held)

    def _activity(self) -> Iterator[KeepAlive]:
        """A purchase that went back as a whole has kept nothing alive."""
        gone = {row.values[5] for row in self.rows["entries"] if row.values[3] == "full-return"}
        for row in self.rows["keep_alives"]:
            _, purchase_id, at, until = row.values
            if purchase_id not in gone:
                yield KeepAlive(_instant(at), _instant(until))


AT = {"lots": 9, "movements": 4, "holds": 4, "hold_ends": 2, "debts": 3, "keep_alives": 2, "entries": 2}
"""Where in a row its business time stands."""


def _at(row: Row) -> datetime:
    return _instant(row.values[AT[row.table]]) if row.table in AT else datetime.min.replace(tzinfo=UTC)


def _lot(values: Sequence[Any]) -> tuple[Lot, UUID | None]:
    _, lot_id, part, purchase_id, points, _, earned_at, active_from, expires_at, at, _ = values
    lot = Lot(
        UUID(lot_id), part, points, _instant(earned_at), _instant(active_from),
        _instant(expires_at) if expires_at else None, came_at=_instant(at),
    )  # fmt: skip
    return lot, UUID(purchase_id) if purchase_id else None


_instant = datetime.fromisoformat
