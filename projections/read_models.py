"""All projections of one process, and how a polled batch moves them: rows and offsets in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection

from projections import offsets, parking
from projections.chain import follow
from projections.offsets import Move
from projections.parking import DATA_ERRORS
from projections.projection import Projection
from projections.told import Record, Told

Facts = dict[str, list[Told]]
"""What each projection has to fold."""


class ReadModels:
    """Folds for every projection at once what was read once."""

    def __init__(self, connection: Connection[Any], projections: Sequence[Projection]) -> None:
        self._connection = connection
        self._projections = projections
        self._wanted = {f"loyalty.{name}".encode(): name for p in projections for name in p.handlers}
        self._cursors: offsets.Cursors = {}
        self._parked: parking.Parked = {}

    def assign(self, partitions: Iterable[int], connection: Connection[Any] | None = None) -> Mapping[int, int]:
        """Read where these partitions stand; the answer says from which offset each is to be read."""
        connection = connection or self._connection
        cursors = offsets.read(connection, self._projections, partitions)
        self._parked = parking.parked_keys(connection, self._projections)
        self._cursors.update(cursors)
        return {
            partition: min(cursor.next_offset for cursor in by_name.values()) for partition, by_name in cursors.items()
        }

    def revoke(self, partitions: Iterable[int]) -> None:
        """Forget partitions that are others' now."""
        for partition in partitions:
            self._cursors.pop(partition, None)

    def take_in(self, polled: Mapping[int, Sequence[Record]]) -> None:
        """Move on by a polled batch, whole or not at all.

        1. Keep what `prev` chains on, drop repeats. 2. Fold for every projection. 3. In one transaction: move the
        offsets by compare-and-set, then write. Where a fact spoils the batch, it is found and its member parked.
        """
        before = {partition: self._cursors[partition] for partition in polled if partition in self._cursors}
        moves, facts = self._follow(polled)
        if not moves:
            return
        try:
            self._write(moves, facts)
        except DATA_ERRORS:
            self._write_carefully(moves, facts)
        self._moved(moves, before)

    def _follow(self, polled: Mapping[int, Sequence[Record]]) -> tuple[list[Move], Facts]:
        """Projections that stand at the same place, as they nearly always do, share one look at the records."""
        moves: list[Move] = []
        facts: Facts = defaultdict(list)
        for partition, records in polled.items():
            followed: dict[Any, Any] = {}
            for projection in self._projections if partition in self._cursors else ():
                before = self._cursors[partition][projection.name]
                if before not in followed:
                    followed[before] = follow(before, records, self._wanted)
                told, after = followed[before]
                if after != before:
                    moves.append(Move(projection, partition, before, after))
                    facts[projection.name] += told
        return moves, facts

    def _write(self, moves: Sequence[Move], facts: Facts) -> None:
        kept = {p: parking.apart(facts[p.name], self._parked[p.name]) for p in self._projections}
        rows = [(projection, projection.fold(good)) for projection, (good, _) in kept.items()]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            offsets.move(cursor, moves)
            for projection, added in rows:
                projection.write(cursor, added)
            for projection, (_, late) in kept.items():
                parking.park(cursor, projection, late, "parked before")

    def _write_carefully(self, moves: Sequence[Move], facts: Facts) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            offsets.move(cursor, moves)
            for projection in self._projections:
                good, late = parking.apart(facts[projection.name], self._parked[projection.name])
                parking.park(cursor, projection, late, "parked before")
                parking.fold_or_park(cursor, projection, good)
        self._parked = parking.parked_keys(self._connection, self._projections)

    def _moved(self, moves: Sequence[Move], before: offsets.Cursors) -> None:
        """A partition that was assigned anew meanwhile has newer cursors than ours."""
        for move in moves:
            if self._cursors.get(move.partition) is before[move.partition]:
                self._cursors[move.partition][move.projection.name] = move.after
