"""Deciding a member's history once more, fact by fact, and comparing what comes out with what is recorded.

Each transaction is decided by the functions that decided it, from the facts before it as they are recorded: what is wrong in
one of them is told there, and nowhere else.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from domain.campaign import BudgetDrawn, Campaign
from domain.fact import Fact
from domain.points_account import PointsAccount, account_id
from domain.stream import Stream
from projections.explaining.recorded import Matter, Recorded, transactions
from projections.whatif.history import History
from projections.whatif.replay import BY_THE_CLOCK, Replay
from projections.whatif.world import AS_RECORDED, left_out

S = TypeVar("S", bound=Stream)

BY_OTHERS = frozenset((*Fact.model_fields, "originator_id", "originator_version")) - {
    "occurred_at",
    "programme_version",
}
"""Fields of the envelope, which no rule decides."""
BROKEN = ""
"""No field, but the whole fact: it cannot be folded after those before it, and what follows it was not decided."""
LISTS = ("parts", "lots", "others", "unsettled", "forwarded")


class Differs(NamedTuple):
    """A field of a recorded fact that the rules make otherwise; or a whole fact that they do not make, or that is missing."""

    position: int | None
    """Of the fact; of the last one of the transaction in which it is missing."""
    kind: type[Fact]
    field: str | None
    recorded: Any
    gives: Any


class Retelling:
    """A member's history and, beside it, what the rules make of it."""

    def __init__(self, matter: Matter) -> None:
        self.matter = matter
        self.differences: list[Differs] = []
        self.judged: set[int] = set()
        """The positions of the member's movements that were decided once more."""
        self._tell(matter.facts)
        budgets = self._budgets()
        if self.differences and budgets:  # what others drew on them may be why
            self.differences = []
            self._tell(matter.with_draws(budgets))

    @property
    def account(self) -> PointsAccount:
        """The account as it is recorded."""
        return self._history.world.get(PointsAccount, self.matter.account)

    def stream(self, kind: type[S], stream_id: UUID) -> S:
        """A stream as it is recorded: the programme, a campaign, a purchase."""
        return self._replay.world.get(kind, stream_id)

    def differing(self, positions: Iterable[int]) -> list[Differs]:
        """Those of some facts."""
        wanted = set(positions)
        return [one for one in self.differences if one.position in wanted or one.field == BROKEN]

    def _tell(self, facts: Sequence[Recorded]) -> None:
        decisions: list[tuple[type[Fact], Any]] = []
        member_id = self.matter.member_id
        self._decisions = decisions  # noted without a way back to us, so that all of it goes as soon as we do
        self._history = History(self.matter.programme, lambda *_: None)
        self._replay = Replay(
            self.matter.programme,
            lambda kind, fact: _note(decisions, kind, fact) if fact.member_id == member_id else None,
        )
        self._copied: dict[UUID, int] = {}
        try:
            self._tell_all(facts)
        finally:  # nothing more is decided: a world that holds itself would wait for the collector
            for world in (self._history.world, self._replay.world):
                world.new_code = str

    def _tell_all(self, facts: Sequence[Recorded]) -> None:
        for together in transactions(facts):
            try:
                self._transaction(together)
            except (
                AssertionError,
                LookupError,
                ValueError,
            ) as error:  # it does not fit those before: a fact was changed
                one = together[-1]
                self.differences.append(Differs(one.position, type(one.fact), BROKEN, type(error).__name__, str(error)))
                return

    def _transaction(self, together: Sequence[Recorded]) -> None:
        facts = [one.fact for one in together if one.name != BudgetDrawn.stored_name]
        for one in together:
            if one.name == BudgetDrawn.stored_name:
                campaign = self._replay.world.get(Campaign, one.stream_id)
                campaign.evolvers[BudgetDrawn](campaign, one.fact)
        ours = [one for one in together if one.stream_id == self.matter.account]
        if not ours and any(isinstance(fact, tuple(PointsAccount.evolvers)) for fact in facts):
            self._of_others(facts)
            return
        self._bring_others(facts)
        self._decisions.clear()
        self._replay.tell(facts)
        self._history.tell(facts)
        self.judged.update(one.position for one in ours)
        found = list(_compared(ours, self._decisions))
        if found:
            self._take_back(found)

    def _of_others(self, facts: Sequence[Any]) -> None:
        """What does not touch the member stands as it is recorded."""
        self._history.tell(facts)
        for fact in facts:
            if type(fact) in AS_RECORDED:
                self._replay.world.take_over(type(fact), fact)

    def _bring_others(self, facts: Sequence[Any]) -> None:
        """Let the accounts that this is decided from be as they are recorded."""
        moved = {fact.originator_id for fact in facts if type(fact) in PointsAccount.evolvers}
        united = {account_id(member_id) for member_id in self.account.absorbed}
        for stream_id in (moved | united) - {self.matter.account}:
            recorded = self._history.world.get(PointsAccount, stream_id)
            if stream_id in moved or self._copied.get(stream_id) != recorded.version:
                self._copy(recorded)
            self._copied[stream_id] = -1 if stream_id in moved else recorded.version

    def _copy(self, recorded: Stream) -> None:
        self._replay.world.streams[recorded.id] = deepcopy(recorded)

    def _take_back(self, found: Sequence[Differs]) -> None:
        """Go on from what is recorded. What only the clock brings about may be recorded sooner or later."""
        decided = self._replay.world.get(PointsAccount, self.matter.account)
        by_the_clock = all(one.field is None and one.kind in BY_THE_CLOCK for one in found)
        if by_the_clock and vars(decided) == vars(self.account):
            return
        self.differences += found
        self._copy(self.account)

    def _budgets(self) -> list[UUID]:
        """The campaigns whose budgets somebody may have used up."""
        streams = self._replay.world.streams.values()
        return [
            one.id
            for one in streams
            if isinstance(one, Campaign) and one.terms is not None and one.terms.budget is not None
        ]


def _note(decisions: list[tuple[type[Fact], Any]], kind: type[Fact], fact: Any) -> None:
    decisions.append((kind, fact))


def _compared(ours: Sequence[Recorded], decisions: Sequence[tuple[type[Fact], Any]]) -> Iterator[Differs]:
    """Fact by fact: the first of a kind with the first of that kind, and so on."""
    made: defaultdict[type[Fact], list[Any]] = defaultdict(list)
    for kind, what in decisions:
        made[kind].append(what)
    for one in ours:
        kind = type(one.fact)
        if made[kind]:
            yield from _of_fields(one, kind, made[kind].pop(0))
        else:
            yield Differs(one.position, kind, None, one.name, None)
    for kind, missing in made.items():
        for _ in missing:
            yield Differs(ours[-1].position if ours else None, kind, None, None, kind.stored_name)


def _of_fields(one: Recorded, kind: type[Fact], decided: Any) -> Iterator[Differs]:
    if all(
        vars(decided).get(field) == getattr(one.fact, field) for field in kind.model_fields if field not in BY_OTHERS
    ):
        return
    recorded = _told(kind, vars(one.fact), one.fact)
    gives = _told(kind, vars(decided), one.fact)
    for field in kind.model_fields:
        if field not in BY_OTHERS and recorded.get(field) != gives.get(field):
            yield from _within(one.position, kind, field, recorded.get(field), gives.get(field))


def _within(position: int, kind: type[Fact], field: str, recorded: Any, gives: Any) -> Iterator[Differs]:
    """Of lists of lots, only the numbers that differ, if they are about the same lots."""
    if field not in LISTS or not _alike(recorded, gives):
        yield Differs(position, kind, field, recorded, gives)
        return
    for number, (was, now) in enumerate(zip(recorded, gives, strict=True)):
        for name in sorted({*was, *now}):
            if was.get(name) != now.get(name):
                place = f"{field}[{was.get('part', number)}].{name}"
                yield Differs(position, kind, place, was.get(name), now.get(name))


def _alike(recorded: Any, gives: Any) -> bool:
    return (
        isinstance(recorded, list)
        and isinstance(gives, list)
        and [one.get("lot_id") for one in recorded] == [one.get("lot_id") for one in gives]
    )


def _told(kind: type[Fact], fields: dict[str, Any], envelope: Fact) -> dict[str, Any]:
    """As it is stored, so that values that are written alike are alike."""
    known = {name: fields[name] for name in kind.model_fields if name in fields}
    return kind.of(
        {
            **left_out(kind),
            **{name: getattr(envelope, name) for name in BY_OTHERS},
            "programme_version": envelope.programme_version,
            **known,
        }
    ).model_dump(mode="json")
