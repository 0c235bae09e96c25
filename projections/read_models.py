"""All projections of one process, and how a polled batch moves them: rows and offsets in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

from psycopg import Connection

from projections import offsets, parking
from projections.chain import Cursor, follow
from projections.offsets import Move
from projections.parking import DATA_ERRORS, Parked
from projections.projection import Projection, Rows
from projections.told import Record, Told

Facts = dict[str, list[Told]]
"""What each generation has to fold, by its schema."""


class Batch(NamedTuple):
    """What was read once and folded for every projection at once, and not yet written."""

    moves: list[Move]
    facts: Facts
    rows: list[tuple[Projection, Rows]] | None
    """None where the facts need care: one cannot be folded, or a member is parked."""
    parked: Parked


class ReadModels:
    """Moves by batches, each whole or not at all: 1. fold: keep what `prev` chains on, drop repeats, make rows.
    2. write, in one transaction: move the offsets by compare-and-set, then add the rows.

    One thread may fold the next batch while another writes the last one.
    """

    def __init__(self, connection: Connection[Any], projections: Sequence[Projection]) -> None:
        self._connection = connection
        self._assigning = Lock()
        self.follow(projections)

    @property
    def projections(self) -> Sequence[Projection]:
        """The generations that are moved."""
        return self._projections

    def follow(self, projections: Sequence[Projection]) -> None:
        """Move these generations from now on; nothing is folded before partitions are assigned anew."""
        with self._assigning:
            self._projections = projections
            self._wanted = {f"loyalty.{name}".encode(): name for p in projections for name in p.handlers}
            self._cursors: offsets.Cursors = {}
            self._parked: Parked = {}

    def assign(self, partitions: Iterable[int], connection: Connection[Any] | None = None) -> Mapping[int, int]:
        """Read where these partitions stand; the answer says from which offset each is to be read."""
        connection = connection or self._connection
        with self._assigning:
            cursors = offsets.read(connection, self._projections, partitions)
            self._parked = parking.parked_keys(connection, self._projections)
            self._cursors.update(cursors)
        return {
            partition: min(cursor.next_offset for cursor in by_schema.values())
            for partition, by_schema in cursors.items()
        }

    def revoke(self, partitions: Iterable[int]) -> None:
        """Forget partitions that are others' now."""
        for partition in partitions:
            self._cursors.pop(partition, None)

    def take_in(self, polled: Mapping[int, Sequence[Record]]) -> None:
        """Fold and write."""
        self.write(self.fold(polled))

    def fold(self, polled: Mapping[int, Sequence[Record]]) -> Batch:
        """Go on from where the last batch ends, written or not: should writing it fail, this one is dropped as well."""
        moves: list[Move] = []
        facts: Facts = {projection.schema: [] for projection in self._projections}
        for partition, records in polled.items():
            self._follow(partition, records, moves, facts)
        return Batch(moves, facts, self._rows(facts), self._parked)

    def write(self, batch: Batch) -> None:
        """Where a fact spoils the batch, it is found and its member parked."""
        if not batch.moves:
            return
        try:
            if batch.rows is not None and batch.parked is self._parked:
                self._write(batch.moves, batch.rows)
                return
        except DATA_ERRORS:
            pass  # looked into below, fact by fact
        self._write_carefully(batch.moves, batch.facts)

    def _follow(self, partition: int, records: Sequence[Record], moves: list[Move], facts: Facts) -> None:
        """Generations that stand at the same place, as they nearly always do, share one look at the records.

        One without a cursor was dropped by somebody else.
        """
        cursors = self._cursors.get(partition, {})
        followed: dict[Cursor, tuple[list[Told], Cursor]] = {}
        for projection in self._projections:
            before = cursors.get(projection.schema)
            if before is None:
                continue
            if before not in followed:
                followed[before] = follow(before, records, self._wanted)
            told, after = followed[before]
            if after != before:
                cursors[projection.schema] = after
                moves.append(Move(projection, partition, before, after))
                facts[projection.schema] += told

    def _rows(self, facts: Facts) -> list[tuple[Projection, Rows]] | None:
        if any(self._parked.values()):
            return None
        try:
            return [(projection, projection.fold(facts[projection.schema])) for projection in self._projections]
        except DATA_ERRORS:
            return None

    def _write(self, moves: Sequence[Move], rows: Sequence[tuple[Projection, Rows]]) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            offsets.move(cursor, moves)
            for projection, added in rows:
                projection.write(cursor, added)

    def _write_carefully(self, moves: Sequence[Move], facts: Facts) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            offsets.move(cursor, moves)
            for projection in self._projections:
                good, late = parking.apart(facts[projection.schema], self._parked[projection.schema])
                parking.park(cursor, projection, late, "parked before")
                parking.fold_or_park(cursor, projection, good)
        self._parked = parking.parked_keys(self._connection, self._projections)
