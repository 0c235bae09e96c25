"""A batch: the streams that its commands read, the facts that they agreed on, and nothing of those refused."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.persistence import PersistenceError

from domain.books import InClosedBooks
from domain.buyer import Buyer
from domain.campaign import CATALOGUE_ID, OUTSIDE_WINDOW, Campaign, Catalogue
from domain.command import Command, Decision, Repeat, Wanting
from domain.fact import MAX_FACT_BYTES, Fact
from domain.member import Member
from domain.points_account import PointsAccount
from domain.programme import Policy, Programme, programme_id
from domain.refusals import FactTooLarge, IdOfAnotherKind
from domain.sale import Sale
from domain.segment import Segment, segment_stream
from domain.stream import Draft, Stream

S = TypeVar("S", bound=Stream)
Loader = Callable[[dict[UUID, type[Stream]]], Iterable[Stream]]
Encoder = Callable[[Fact], Any]


class StreamCache:
    """The streams used last, bounded by the number of facts folded into them, as that is what takes memory.

    Kept by the numbers of their ids: a UUID computes its hash anew whenever it is asked for.
    """

    def __init__(self, *, most_facts: int) -> None:
        self._most_facts = most_facts
        self._facts = 0
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def take(self, stream_id: UUID) -> Stream | None:
        """The stream, now the most recently used one."""
        kept = self._kept.get(stream_id.int)
        if kept is None:
            return None
        self._kept.move_to_end(stream_id.int)
        return kept.stream

    def keep(self, streams: Iterable[Stream]) -> None:
        """Keep what a committed batch used, and let the oldest go.

        A blank stream is not kept: it is of the kind that somebody asked for, and the id may yet become another.
        """
        for stream in streams:
            version = stream.version
            if version and stream.cached:
                number = stream.id.int
                kept = self._kept.get(number)
                if kept is None:
                    kept = self._kept[number] = _Kept(stream)
                kept.stream = stream
                self._facts += 1 + version - kept.weight
                kept.weight = 1 + version
        while self._facts > self._most_facts:
            _, oldest = self._kept.popitem(last=False)
            self._facts -= oldest.weight

    def forget(self, stream_ids: Iterable[UUID]) -> None:
        """Drop streams that somebody else has written, or that hold what was not committed."""
        for stream_id in stream_ids:
            if (kept := self._kept.pop(stream_id.int, None)) is not None:
                self._facts -= kept.weight


class _Kept:
    """A stream, and how many facts it counted for when it was kept last: one more than it has, as a blank one takes memory."""

    __slots__ = ("stream", "weight")

    def __init__(self, stream: Stream) -> None:
        self.stream, self.weight = stream, 0


class BrokenOff(Exception):
    """A command failed after parts of it had been applied: the batch must begin again without it."""


class Batch:
    """One batch of commands being decided."""

    def __init__(
        self,
        *,
        programme: str,
        recorded_at: datetime,
        cache: StreamCache,
        load: Loader,
        encode: Encoder,
        new_code: Callable[[], str],
    ) -> None:
        self.recorded_at = recorded_at
        self.new_code = new_code
        self.streams: dict[UUID, Stream] = {}
        self.facts: list[Fact] = []
        self.stored: list[Any] = []
        self.keys: list[Any] = []
        self.erased: list[UUID] = []
        self._programme_id = programme_id(programme)
        self._cache = cache
        self._load = load
        self._encode = encode
        self._live: dict[tuple[date, str | None], list[Campaign]] = {}

    @cached_property
    def programme(self) -> Programme:
        """The programme that this ledger runs; every decision asks for it."""
        return self.get(Programme, self._programme_id)

    def get(self, kind: type[S], stream_id: UUID) -> S:
        """A stream by its id; one that `prefetch` could not foresee costs a query of its own."""
        stream = self.streams.get(stream_id) or self.peek(stream_id)
        if stream is None:
            self._bring({stream_id: kind})
            stream = self.streams[stream_id]
        if not isinstance(stream, kind):
            raise IdOfAnotherKind(id=stream_id)
        return stream

    def account(self, stream_id: UUID, *, version: int) -> PointsAccount:
        """An account as the command left it that was carried out just now, for its answer."""
        account = self.get(PointsAccount, stream_id)
        assert account.version == version, "an answer is made before the next command moves the account on"
        return account

    def peek(self, stream_id: UUID) -> Any:
        """A stream that this batch or the cache holds."""
        stream = self.streams.get(stream_id)
        if stream is None and (stream := self._cache.take(stream_id)) is not None:
            self.streams[stream_id] = stream
        return stream

    def prefetch(self, commands: Sequence[Wanting]) -> None:
        """Load what the commands will read, one query a round; what is loaded may name more to load."""
        self._bring_missing([(Programme, self._programme_id), (Catalogue, CATALOGUE_ID)])
        catalogue = self.get(Catalogue, CATALOGUE_ID)
        self._bring_missing([(Campaign, stream_id) for stream_id in catalogue.campaigns])
        self._bring_missing([(Segment, segment_stream(segment_id)) for segment_id in catalogue.segments])
        waiting = commands
        while waiting:
            lacking: list[tuple[Wanting, list[tuple[type[Stream], UUID]]]] = []
            for command in waiting:
                missing = [(kind, stream_id) for kind, stream_id in command.wants(self) if self.peek(stream_id) is None]
                if missing:
                    lacking.append((command, missing))
            wanted = {stream_id: kind for _, missing in lacking for kind, stream_id in missing}
            self._bring(wanted)
            leading = {
                stream_id for stream_id, kind in wanted.items() if kind.leads_on and self.streams[stream_id].exists
            }
            if not leading:
                return
            waiting = [command for command, missing in lacking if any(one in leading for _, one in missing)]

    def campaigns(self, *, sale: Sale, member: Member, account: PointsAccount, policy: Policy) -> list[Campaign]:
        """The campaigns that apply to a sale."""
        live = self._campaigns_on(sale.occurred_at.date(), sale.store)
        met = [one for one in live if one.unmet_by(sale) is None]
        if not met:
            return []
        buyer = self._buyer(member, account, policy, sale)
        return [one for one in met if one.closed_to(buyer) is None]

    def considered(
        self, *, sale: Sale, member: Member, account: PointsAccount, policy: Policy
    ) -> list[tuple[Campaign, str | None]]:
        """The campaigns that are live, and what a sale lacks for each of them to apply."""
        live = self._campaigns_on(sale.occurred_at.date())
        buyer = self._buyer(member, account, policy, sale)
        return [(one, missing) for one in live if (missing := one.missing(sale, buyer)) != OUTSIDE_WINDOW]

    def _buyer(self, member: Member, account: PointsAccount, policy: Policy, sale: Sale) -> Buyer:
        return Buyer(
            member, account, policy=policy, at=sale.occurred_at, streams=self, reservations_at=sale.reservations_at,
            claimed=sale.claimed,
        )  # fmt: skip

    def carry_out(self, command: Command) -> Repeat | tuple[int, int]:
        """Decide a command and apply what it agreed on; answers the range of its facts within the batch.

        A refusal leaves no trace, unless it is to be remembered. What follows from the command is carried out with it, or nothing is.
        """
        first = len(self.facts)
        decision = command.decide(self)
        if isinstance(decision, Repeat):
            return decision
        self._apply(decision, command)
        if decision.refused is not None:
            raise decision.refused
        if decision.then:
            self._carry_on(decision.then)
        return first, len(self.facts)

    def _carry_on(self, commands: Sequence[Command]) -> None:
        for command in commands:
            try:
                decision = command.decide(self)
                assert isinstance(decision, Decision), "what follows a command has no identity of its own"
                self._apply(decision, command)
            except (PersistenceError, InClosedBooks):
                raise
            except Exception as error:
                raise BrokenOff from error
            self._carry_on(decision.then)

    def _apply(self, decision: Decision, command: Command) -> None:
        """Number, build and encode every fact first, and only then let the streams change."""
        drafts = decision.drafts
        facts = self._numbered(drafts, command.envelope(self))
        stored = [self._encode(fact) for fact in facts]
        for event in stored:
            if len(event.state) > MAX_FACT_BYTES:
                raise FactTooLarge(size=max([len(one.state) for one in stored]), limit=MAX_FACT_BYTES)
        for draft, fact in zip(drafts, facts, strict=True):
            stream = draft.stream
            try:
                stream.evolve(fact)
            except InClosedBooks:
                raise
            except Exception as error:
                raise BrokenOff from error
            if isinstance(stream, Catalogue):
                self._live.clear()
        self.facts += facts
        self.stored += stored
        if decision.keys or decision.erased:
            self.keys += decision.keys
            self.erased += decision.erased

    @staticmethod
    def _numbered(drafts: Sequence[Draft], envelope: dict[str, Any]) -> list[Fact]:
        versions: dict[Stream, int] = {}
        facts = []
        for stream, kind, what in drafts:
            version = versions[stream] = versions.get(stream, stream.version) + 1
            facts.append(kind.of({**envelope, **what, "originator_id": stream.id, "originator_version": version}))
        return facts

    def _campaigns_on(self, day: date, store: str | None = None) -> list[Campaign]:
        """Those, of one store or all, whose windows touch a UTC day: few, where a catalogue has many."""
        found = self._live.get((day, store))
        if found is not None:
            return found
        if store is not None:
            found = [campaign for campaign in self._campaigns_on(day) if campaign.sells_in(store)]
        else:
            listed = (self.get(Campaign, stream_id) for stream_id in self.get(Catalogue, CATALOGUE_ID).campaigns)
            found = [one for one in listed if one.starts_at.date() <= day <= one.ends_at.date()]
        self._live[day, store] = found
        return found

    def _bring_missing(self, wanted: Sequence[tuple[type[Stream], UUID]]) -> None:
        self._bring({stream_id: kind for kind, stream_id in wanted if self.peek(stream_id) is None})

    def _bring(self, missing: dict[UUID, type[Stream]]) -> None:
        if missing:
            self.streams.update((stream.id, stream) for stream in self._load(missing))
