"""The one write path: commands in, facts out, a whole batch in one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Notification, PersistenceError, StoredEvent
from eventsourcing.utils import EnvType

from domain import loading
from domain.batch import Batch, BrokenOff, StreamCache
from domain.books import ClosedBooks, InClosedBooks
from domain.command import Command, Question, Repeat
from domain.fact import Fact
from domain.loading import Loader
from domain.messages.codes import new_code
from domain.points_account import PointsAccount
from domain.programme import Programme, programme_id
from domain.refusals import Refusal
from domain.stream import Stream

CACHED_FACTS = 1_000_000
"""At most some 800 MB of streams, however long some of them are: a credited purchase takes up to 0.8 kB."""


class Log(loading.Log, Protocol):
    """The port to the log of facts."""

    def writing(self, *, after: int) -> AbstractContextManager[list[tuple[int, UUID]]]:
        """Take the writers' lock and yield (position, stream) of what others wrote after a position."""

    def written_since(self, position: int) -> list[tuple[int, UUID]]:
        """The same without the lock."""

    def insert_events(self, stored_events: Sequence[Any], **kwargs: Any) -> Sequence[int]:
        """Append and commit; answers positions."""

    def position_of(self, stream_id: UUID, version: int) -> int:
        """The position of one fact."""

    def select_events(self, originator_id: UUID, *, gt: int, lte: int) -> Sequence[StoredEvent]:
        """The facts of one stream after a version, up to another."""

    def select_notifications(self, start: int | None, limit: int) -> Sequence[Notification]:
        """A page of the log from a position."""

    def max_notification_id(self) -> int | None:
        """The last position."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The command led to facts; the last of them stands at `position`."""

    position: int
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The command had been carried out before: the first answer once more. Nobody asked: position 0."""

    position: int
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """The command was understood and refused."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Failed:
    """An error that nobody foresaw, while deciding this command alone."""

    error: Exception


class Carried(NamedTuple):
    """A command was carried out: the range of its facts within the batch, and what is told, once they are committed."""

    start: int
    end: int
    told: dict[str, Any] | Failed


S = TypeVar("S", bound=Stream)
T = TypeVar("T")
Outcome = Recorded | Repeated | Refused | Failed
Decided = Repeat | Refused | Failed | Carried


class Loyalty(Application[UUID]):
    """The ledger's writer. It belongs, with its cache, to one thread."""

    def __init__(
        self,
        env: EnvType,
        *,
        programme: str,
        cached_facts: int = CACHED_FACTS,
        new_code: Callable[[], str] = new_code,
    ) -> None:
        super().__init__(env)
        self._new_code = new_code
        self.facts = cast("Log", self.recorder)
        self.programme_name = programme
        self._cache = StreamCache(most_facts=cached_facts)
        self._loader = Loader(self.facts, self.decoded)
        self._position = self.facts.max_notification_id() or 0
        self._replayed: dict[UUID, PointsAccount] = {}
        """For the repeats of one batch: accounts as they were when they were told the first time."""

    def execute(
        self,
        commands: Sequence[Command],
        *,
        recorded_at: datetime,
        offsets: Sequence[Any] = (),
        letters: Callable[[Sequence[Decided]], Sequence[Any]] = lambda decided: (),  # noqa: ARG005
    ) -> list[Outcome]:
        """Carry out a batch: its facts, the offsets of its messages and its letters are committed together.

        1. Follow the log. 2. Decide on what is in memory. 3. Under the writers' lock: if somebody else wrote to a
        stream that was read, decide again. 4. Save. Whatever goes wrong, memory keeps nothing that was not committed.
        """
        self.follow()
        batch, decided = self._decide(commands, recorded_at)
        first = self._position + 1
        try:
            if batch.facts or offsets:
                with self.facts.writing(after=self._position) as others:
                    if self._follow(others) & batch.streams.keys():
                        self._cache.forget(batch.streams)
                        batch, decided = self._decide(commands, recorded_at)
                    first = self._position + 1
                    self.facts.insert_events(
                        batch.stored, offsets=offsets, sealed=letters(decided), keys=batch.keys, erased=batch.erased
                    )
                    self._position += len(batch.stored)
        except BaseException:
            self._cache.forget(batch.streams)
            raise
        self._cache.keep(batch.streams.values())
        outcomes = [self._outcome(one, command, first) for one, command in zip(decided, commands, strict=True)]
        self._replayed.clear()
        return outcomes

    def follow(self) -> None:
        """Forget what others have written since; now and then while idle, so that the next command finds little of it."""
        self._loader.begin()
        self._follow(self.facts.written_since(self._position))

    def rehearse(self, commands: Sequence[Command], *, recorded_at: datetime) -> list[Decided]:
        """What would become of each command, decided in their order; nothing is recorded, and nothing is kept in memory."""
        self.follow()
        batch, decided = self._decide(commands, recorded_at)
        self._cache.forget(batch.streams)
        return decided

    def ask(self, questions: Sequence[Question[T]], *, recorded_at: datetime) -> list[T | Refused | Failed]:
        """The answer to each question, by what is recorded now; what was read stays in memory, as nothing changes it."""
        self.follow()
        while True:
            batch = self._batch(recorded_at)
            closed = ClosedBooks()
            answers: list[T | Refused | Failed] = []
            with closed.noted():
                batch.prefetch(questions)
            for one in () if closed else questions:
                with closed.noted():
                    answers.append(_answered(one, batch))
            if not closed:
                self._cache.keep(batch.streams.values())
                return answers
            self._loader.whole(*closed)
            self._cache.forget(batch.streams)

    @property
    def programme(self) -> Programme:
        """The programme with all its versions, as last read."""
        known = self._cache.take(programme_id(self.programme_name))
        if known is None:
            known = next(iter(self._loader.load({programme_id(self.programme_name): Programme})))
        assert isinstance(known, Programme), "the id of a programme names nothing else"
        return known

    def present(self, kind: type[S], stream_ids: Sequence[UUID], *, at: datetime) -> list[S]:
        """Streams of one kind as they stand now, with all that matters at an instant; those not in memory in one query."""
        self.follow()
        found = {stream_id: self._cache.take(stream_id) for stream_id in stream_ids}
        found |= self._loaded(kind, [stream_id for stream_id, stream in found.items() if stream is None])
        closed = [stream.id for stream in found.values() if stream is not None and not stream.is_open(at)]
        self._loader.whole(*closed)
        found |= self._loaded(kind, closed)
        streams = [stream for stream in found.values() if isinstance(stream, kind)]
        self._cache.keep(streams)
        return streams

    def whole(self, kind: type[S], stream_id: UUID) -> S:
        """A stream with all of its books open."""
        self._cache.forget([stream_id])
        self._loader.whole(stream_id)
        stream = self._loaded(kind, [stream_id])[stream_id]
        assert isinstance(stream, kind), "it is of the kind that it was before"
        self._cache.keep([stream])
        return stream

    def _loaded(self, kind: type[Stream], stream_ids: Sequence[UUID]) -> dict[UUID, Stream]:
        missing = dict.fromkeys(stream_ids, kind)
        return {stream.id: stream for stream in self._loader.load(missing)} if missing else {}

    def account(self, stream_id: UUID, *, version: int) -> PointsAccount:
        """An account as it was at a version, so that an answer is the same whenever it is asked.

        It goes on with the next question of the same batch: who buys often in one is folded once.
        """
        live = self._cache.take(stream_id)
        if isinstance(live, PointsAccount) and live.version == version:
            return live
        account = self._replayed.get(stream_id)
        if account is None or account.version > version:
            account = self._replayed[stream_id] = PointsAccount(stream_id)
        for stored in self.facts.select_events(stream_id, gt=account.version, lte=version):
            account.evolve(self.decoded(stored))
        return account

    def _decide(self, commands: Sequence[Command], recorded_at: datetime) -> tuple[Batch, list[Decided]]:
        """Decide all commands; one that breaks off half way is left out of a second try, and those that ask for closed
        books find them open: all are heard first, so that it is a second try and not one for each.
        """
        failed: dict[int, Decided] = {}
        while True:
            batch = self._batch(recorded_at)
            closed = ClosedBooks()
            decided: list[Decided] = []
            try:
                with closed.noted():
                    batch.prefetch(commands)
                for index, command in enumerate(() if closed else commands):
                    with closed.noted():
                        decided.append(failed.get(index) or self._carry_out(batch, command))
                if not closed:
                    return batch, decided
            except BrokenOff as broken:
                if not closed:  # else it may have broken off for what those before it lacked
                    why = broken.__cause__
                    failed[len(decided)] = Refused(why) if isinstance(why, Refusal) else Failed(broken)
            self._loader.whole(*closed)
            self._cache.forget(batch.streams)

    def _batch(self, recorded_at: datetime) -> Batch:
        return Batch(
            programme=self.programme_name,
            recorded_at=recorded_at,
            cache=self._cache,
            load=self._loader.load,
            encode=self.mapper.to_stored_event,
            new_code=self._new_code,
        )

    @staticmethod
    def _carry_out(batch: Batch, command: Command) -> Decided:
        try:
            carried = batch.carry_out(command)
        except Refusal as refusal:
            return Refused(refusal)
        except (PersistenceError, BrokenOff, InClosedBooks):
            raise  # not the command is in trouble, but the store or the batch
        except Exception as error:  # noqa: BLE001 - one bad command does not stop its neighbours; it is told as Failed
            return Failed(error)
        if isinstance(carried, Repeat):
            return carried
        start, end = carried
        return Carried(start, end, _told(command, batch, start, end) if command.answered else {})

    def _outcome(self, decided: Decided, command: Command, first: int) -> Outcome:
        if isinstance(decided, Refused | Failed):
            return decided
        if isinstance(decided, Repeat):
            return self._repeated(decided, command) if command.answered else Repeated(0, {})
        if isinstance(decided.told, Failed):
            return decided.told
        return Recorded(first + decided.end - 1, decided.told)

    def _answer(self, command: Command, facts: Sequence[Fact]) -> dict[str, Any]:
        """What the caller is told; from the whole account, where its open books do not reach that far back."""
        try:
            return command.answer(facts, self)
        except InClosedBooks as books:
            self._cache.forget([books.stream_id])
            return command.answer(facts, self)

    def _repeated(self, repeat: Repeat, command: Command) -> Repeated:
        """The first answer once more, from the facts that the first command left, which stand together in the log."""
        start = self.facts.position_of(repeat.stream_id, repeat.version)
        facts: list[Fact] = []
        while page := self.facts.select_notifications(start + len(facts), 100):
            for notification in page:
                fact = self.decoded(notification)
                if facts and fact.correlation_id != facts[0].correlation_id:
                    return Repeated(start + len(facts) - 1, self._answer(command, facts))
                facts.append(fact)
        return Repeated(start + len(facts) - 1, self._answer(command, facts))

    def _follow(self, written: Sequence[tuple[int, UUID]]) -> set[UUID]:
        """Forget the streams that somebody else has written."""
        others = {stream_id for _, stream_id in written}
        self._cache.forget(others)
        if written:
            self._position = written[-1][0]
        return others

    def decoded(self, stored: StoredEvent) -> Fact:
        """A stored fact as it was recorded."""
        return cast("Fact", self.mapper.to_domain_event(stored))


def _told(command: Command, batch: Batch, start: int, end: int) -> dict[str, Any] | Failed:
    """The answer, made while the accounts stand as the command left them: the next one may move them on."""
    try:
        return command.answer(batch.facts[start:end], batch)
    except (PersistenceError, InClosedBooks):
        raise
    except Exception as error:  # noqa: BLE001 - it will be recorded; that it cannot be told is no fault of its neighbours
        return Failed(error)


def _answered(question: Question[T], batch: Batch) -> T | Refused | Failed:
    try:
        return question.answer(batch)
    except Refusal as refusal:
        return Refused(refusal)
    except (PersistenceError, InClosedBooks):
        raise
    except Exception as error:  # noqa: BLE001 - one question that trips over something leaves its neighbours their answers
        return Failed(error)
