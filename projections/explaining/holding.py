"""What a member holds at an instant, added up from the facts of the log themselves, each row with the fact that it came from."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from projections.balances import Balances
from projections.explaining.recorded import Recorded
from projections.held import Holdings
from projections.holdings_in_memory import holdings_in_memory
from projections.told import Told


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

    def __init__(self, rows: Iterable[Row], member_id: UUID, *, as_of: datetime, upto: int) -> None:
        self.as_of = as_of
        self._member_id = member_id
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.position <= upto and _at(row) <= as_of:
                self.rows[row.table].append(row)
        self.came: dict[UUID, int] = {UUID(row.values[1]): row.position for row in self.rows["lots"]}
        """The fact that each lot came with."""

    def holdings(self) -> Holdings:
        """What the clock makes of the rows: the arithmetic of every answer about points."""
        rows = {table: [row.values for row in some] for table, some in self.rows.items()}
        held = holdings_in_memory(rows, [self._member_id], as_of=self.as_of)
        return held.get(self._member_id) or Holdings(at=self.as_of)  # as before the account was opened


AT = {"lots": 9, "movements": 4, "holds": 4, "hold_ends": 2, "debts": 3, "keep_alives": 2, "entries": 2}
"""Where in a row its business time stands."""


def _at(row: Row) -> datetime:
    return _instant(row.values[AT[row.table]]) if row.table in AT else datetime.min.replace(tzinfo=UTC)


_instant = datetime.fromisoformat
