"""What was known once: the same questions, answered from the first part of a real log, against a tally of its facts alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import pytest

from domain.fact import Fact
from domain.points_account import PointsAccount, account_id
from infra import event_store
from infra.append_only import make_log
from infra.database import connect, make_tables
from infra.event_store import FactRecorder
from infra.settings import Settings
from infra.stored_facts import FactMapper
from projections.balances import Balances
from projections.known import BeforeFirstFact
from projections.past import Past
from projections.points import balance_of
from projections.projection import Projection
from projections.proofs.tally import TELLERS, Tally
from projections.segment_members import segments_of
from projections.segments import Segments
from projections.snapshot import Snapshot
from projections.standings import tier_of
from projections.tiers import Tiers
from tests.builders import published
from tests.projections.histories import RULES, History, stories

T = TypeVar("T")
BEGAN = datetime(2024, 6, 1, tzinfo=UTC)
QUESTIONS = 1_000


@dataclass(frozen=True)
class Recorded:
    """A log, and what is in it."""

    url: str
    facts: list[Fact]
    """By position, from 1 on."""
    told: list[History]

    def position(self, known_at: datetime) -> int:
        """Of the last fact that was recorded by then."""
        return max(place for place, fact in enumerate(self.facts, start=1) if fact.recorded_at <= known_at)

    def of(self, member: UUID, position: int) -> list[Fact]:
        return [fact for fact in self.facts[:position] if fact.subject == member]


def interleaved(told: Sequence[History], chance: Random) -> Iterator[Fact]:
    """Several histories at once, each recorded second by second by writers whose clocks do not quite agree."""
    left = {number: list(history.facts) for number, history in enumerate(told)}
    second = 0
    while left:
        number = chance.choice(sorted(left))
        cause = left[number][0].correlation_id
        at = BEGAN + timedelta(seconds=second - chance.choice([0, 0, 0, 4]))
        while left[number] and left[number][0].correlation_id == cause:
            yield left[number].pop(0).model_copy(update={"recorded_at": at})
        if not left[number]:
            del left[number]
        second += 1


@pytest.fixture
def recorded(database_url: str, request: pytest.FixtureRequest) -> Recorded:
    name, late, number = request.param
    told = stories(name, late, number)
    rules = published(RULES[name]).model_copy(update={"recorded_at": BEGAN - timedelta(minutes=1)})
    facts = [rules, *interleaved(told, Random(name))]
    settings = Settings(database_url=database_url)
    make_log(settings)
    with connect(database_url) as connection:
        make_tables(connection, event_store.TABLES)
    log = FactRecorder(database_url)
    log.insert_events([FactMapper({}).to_stored_event(fact) for fact in facts])
    log.close()
    return Recorded(database_url, facts, told)


def ask(snapshot: Snapshot, question: Callable[..., Awaitable[T]], **what: Any) -> T:
    async def asked() -> T:
        return await question(snapshot, **what)

    return asyncio.run(asked())


def tallied(facts: Sequence[Fact], *, at: datetime) -> Tally:
    """The facts that had happened, one after the other."""
    tally, encode = Tally(), FactMapper({}).to_stored_event
    for place, fact in enumerate(facts, start=1):
        if fact.occurred_at <= at and fact.stored_name in TELLERS:
            tally.tell([(fact.subject, place, fact.stored_name, encode(fact).state)])
    return tally


@pytest.mark.parametrize(
    "recorded", [(name, late, 8) for name in ("pending", "next") for late in (False, True)], indirect=True
)
def test_a_thousand_balances_as_of_any_instant_known_at_another_are_those_of_the_facts(recorded: Recorded) -> None:
    """Where nothing came late, 500 questions of each history; what came late cannot be tallied in the order of business: of
    125 each all of it is, and what is asked as of any instant is held against the tables, which are asked in SQL.
    """
    chance, past, late = Random("asked"), Past(recorded.url, Balances), recorded.told[0].late
    times = [fact.occurred_at for fact in recorded.facts[1:]]
    holds = [fact for fact in recorded.facts if fact.stored_name == "PointsHeld.v1"]
    kinds = set()
    for _ in range(QUESTIONS // (8 if late else 2)):
        member = chance.choice(chance.choice(recorded.told).members)
        known_at = chance.choice(recorded.facts).recorded_at + timedelta(seconds=chance.choice([0, 0, 1]))
        as_of = chance.choice(times) + timedelta(days=chance.choice([-1, 0, 0, 0, 1, 30, 400]))
        if holds and chance.random() < 0.1:  # which are short
            hold = chance.choice(holds)
            member, known_at, as_of = hold.subject, hold.recorded_at, hold.occurred_at
        position = recorded.position(known_at)
        facts = recorded.of(member, position)
        known = past.as_known(known_at, [member])
        if late:
            in_tables = ask(replace(known, rows=None), balance_of, member_id=member, as_of=as_of)
            assert ask(known, balance_of, member_id=member, as_of=as_of) == in_tables
            as_of = max(as_of, *(fact.occurred_at for fact in recorded.facts[:position]))
        told = ask(known, balance_of, member_id=member, as_of=as_of)
        tally = tallied(facts, at=as_of)
        if not any(fact.stored_name == "AccountOpened.v1" for fact in facts):
            assert told is None
            continue
        assert told is not None
        expected = asdict(tally.buckets(as_of))
        assert told.model_dump(include=set(expected)) == expected, (member, as_of, known_at)
        assert told.position == position
        kinds |= {bucket for bucket, points in expected.items() if points}
    past.close()
    assert {"issued", "received", "available", "spent", "revoked", "sent", "debt", "expired"} <= kinds
    assert bool(holds) == ("held" in kinds)


@pytest.mark.parametrize("recorded", [("climbing", True, 4)], indirect=True)
def test_tiers_are_those_that_were_known(recorded: Recorded) -> None:
    chance, past, rules = Random("tiers"), Past(recorded.url, Tiers), RULES["climbing"]
    programme = recorded.facts[0].subject
    seen = set()
    for _ in range(100):
        member = chance.choice(chance.choice(recorded.told).members)
        known_at = chance.choice(recorded.facts).recorded_at
        facts = recorded.of(member, recorded.position(known_at))
        if not any(fact.stored_name == "AccountOpened.v1" for fact in facts):
            continue
        account = PointsAccount(account_id(member))
        for fact in facts:
            if fact.originator_id == account.id:
                account.evolve(fact)
        at = max(fact.occurred_at for fact in facts) + timedelta(days=chance.choice([0, 100, 400]))
        snapshot = past.as_known(known_at, [member, programme])
        found = ask(snapshot, tier_of, member_id=member, programme=rules.name, as_of=at)
        decided = account.standing_at(rules, at)
        assert found is not None
        assert (found.tier, found.qualifying_points) == (decided.tier, decided.qualifying_points)
        seen.add(found.tier)
    past.close()
    assert len(seen) > 2


@pytest.mark.parametrize("recorded", [("short", True, 4)], indirect=True)
@pytest.mark.parametrize(("kind", "question"), [(Balances, balance_of), (Segments, segments_of)])
def test_tables_of_everybody_answer_as_those_of_one_forwards_and_back(
    recorded: Recorded, kind: type[Projection], question: Callable[..., Awaitable[Any]]
) -> None:
    whole, one = Past(recorded.url, kind), Past(recorded.url, kind)
    programme = {"programme": RULES["short"].name} if kind is Segments else {}
    last = max(fact.recorded_at for fact in recorded.facts)
    for known_at in (BEGAN + timedelta(minutes=1), BEGAN + timedelta(minutes=2), last, BEGAN + timedelta(seconds=20)):
        everybody = whole.as_known(known_at, [])
        for history in recorded.told:
            for member in history.members:
                subjects = [member, recorded.facts[0].subject]
                asked: dict[str, Any] = {"member_id": member, "as_of": history.latest(), **programme}
                alone = ask(one.as_known(known_at, subjects), question, **asked)
                assert ask(everybody, question, **asked) == alone
    whole.close()
    one.close()


@pytest.mark.parametrize("recorded", [("short", True, 2)], indirect=True)
def test_a_long_log_is_folded_part_by_part(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a short one, which one part holds: to the row, in the order of the log."""
    known_at = max(fact.recorded_at for fact in recorded.facts)
    at_once, in_parts = Past(recorded.url, Balances), Past(recorded.url, Balances)
    at_once.as_known(known_at, [])
    monkeypatch.setattr("projections.past.PAGE", len(recorded.facts) // 3)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # other processes are no other matter: see tests of side_by_side
    assert in_parts.as_known(known_at, []).position == len(recorded.facts)
    told = [_rows(past) for past in (at_once, in_parts)]
    assert told[0] == told[1]
    assert {"accounts", "lots", "movements", "entries"} <= {name for name, rows in told[0].items() if rows}
    at_once.close()
    in_parts.close()


def _rows(past: Past) -> dict[str, list[Any]]:
    tables = past.connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'"
    )
    return {
        name: past.connection.execute(f"SELECT * FROM pg_temp.{name}".encode()).fetchall()
        for (name,) in tables.fetchall()
    }


@pytest.mark.parametrize("recorded", [("lasting", False, 1)], indirect=True)
def test_before_the_first_fact_nothing_was_known(recorded: Recorded) -> None:
    past = Past(recorded.url, Balances)
    with pytest.raises(BeforeFirstFact) as told:
        past.as_known(BEGAN - timedelta(days=1), [])
    assert told.value.first == recorded.facts[0].recorded_at
    past.close()
