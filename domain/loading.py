"""Streams brought from the log: folded from all of their facts, or, where accounts or campaigns are long, from a snapshot on."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent

from domain import campaign_books, snapshots
from domain.books import ClosedBooks
from domain.campaign import Campaign
from domain.fact import Fact
from domain.points_account import PointsAccount
from domain.stream import OtherStream, Stream

FACTS_BETWEEN = 200
"""As many facts are folded in two milliseconds; whoever had to fold more of an account leaves a snapshot of it."""


class Log(Protocol):
    """What of the log is needed to bring streams."""

    def select_streams(self, ids: Sequence[UUID], *, snapshots: str, whole: Sequence[UUID]) -> Iterable[Notification]:
        """All facts of some streams, each stream in its order; where there is a snapshot of that name, it and what follows."""

    def keep_snapshots(self, taken: Sequence[StoredEvent]) -> None:
        """Keep snapshots, each instead of the one before."""


class Loader:
    """Brings streams, and takes snapshots of long accounts and campaigns as it does so."""

    def __init__(self, log: Log, decode: Callable[[StoredEvent], Fact], *, facts_between: int = FACTS_BETWEEN) -> None:
        self._log = log
        self._facts_between = facts_between
        self._decode = decode
        self._taken: dict[UUID, StoredEvent] = {}
        self._whole: set[UUID] = set()

    def begin(self) -> None:
        """Keep what was taken with the last batch, now that it is over and the writers' lock was given back."""
        self._whole.clear()
        if self._taken:
            self._log.keep_snapshots(list(self._taken.values()))
            self._taken.clear()

    def whole(self, *stream_ids: UUID) -> None:
        """For this batch, fold all facts of these streams: something in their closed books was asked for."""
        self._whole.update(stream_ids)

    def load(self, missing: dict[UUID, type[Stream]]) -> Iterable[Stream]:
        """Many streams in one query; blank ones where nothing was recorded."""
        streams = {stream_id: kind(stream_id) for stream_id, kind in missing.items()}
        folded: Counter[UUID] = Counter()
        closed = ClosedBooks()
        for stored in self._log.select_streams(list(missing), snapshots=snapshots.NAME, whole=list(self._whole)):
            stream_id = stored.originator_id
            assert isinstance(stream_id, UUID), "our streams have no other ids"
            if stored.topic == snapshots.NAME:
                books = campaign_books if stored.state.startswith(campaign_books.BEGINNING) else snapshots
                streams[stream_id] = books.restored(stream_id, stored.originator_version, stored.state)
                continue
            if stream_id in closed:
                continue
            fact = self._decode(stored)
            if type(fact) not in streams[stream_id].evolvers:
                streams[stream_id] = OtherStream(stream_id)
            with closed.noted():
                streams[stream_id].evolve(fact)
                folded[stream_id] += 1
        if closed:
            self.whole(*closed)
            streams |= {stream.id: stream for stream in self.load({one: missing[one] for one in closed})}
        for stream_id, facts in folded.items():
            if facts >= self._facts_between and stream_id not in closed:
                self._take(streams[stream_id])
        return streams.values()

    def _take(self, stream: Stream) -> None:
        state = None
        if isinstance(stream, PointsAccount):
            state = snapshots.taken(stream)
        elif isinstance(stream, Campaign):
            state = campaign_books.taken(stream)
        if state is not None:
            self._taken[stream.id] = StoredEvent(stream.id, stream.version, snapshots.NAME, state)
