"""What-ifs on a real log: figures, the tier plan's readings, and what is asked in vain."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.programme import Policy
from domain.refusals import UnknownSegment
from infra.settings import Settings
from projections.whatif.processes import NothingHappened
from projections.whatif.report import report
from projections.whatif.run import NothingToReplay, what_if
from projections.whatif.telling import Proposal, Question
from tests.builders import policy
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY
from tests.projections.whatif.recorded import END, PLAIN, Town
from tests.spec import NOON

READINGS = ("member_experience", "member_experience_m05", "member_experience_m06")
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def town(module_database_url: str) -> Town:
    return Town().lives().store(module_database_url)


@pytest.fixture
def asked(town: Town, module_database_url: str) -> Any:
    def ask(*proposals: Policy, processes: int | None = None, **what: Any) -> dict[str, Any]:
        settings = Settings(database_url=module_database_url)
        named = [Proposal(one.name, one) for one in proposals]
        question = Question("member_experience", named, **what)
        return report(what_if(settings, question, processes=processes))

    return ask


def test_history_replayed_by_its_own_rules_does_not_differ(asked: Any) -> None:
    told = asked(check=True)
    assert told["check"] == {"members": 8, "differences": 0, "first": [], "more": 0}
    assert told["purchases"] == 101


def test_the_programme_in_force_comes_to_what_history_came_to(asked: Any) -> None:
    told = asked(policy(), segments=("regulars",))
    (proposal,) = told["proposals"]
    for by in ("all", "tiers", "segments", "months", "tier_moves"):
        assert proposal[by] == told["history"][by], by
    assert proposal["not_carried_out"] == {}
    assert all(row["from"] == row["to"] for row in proposal["members_by_tier"])


def test_every_figure_by_month_adds_up_to_the_whole(asked: Any) -> None:
    told = asked(policy(earning={"points": 3, "per_minor": 2_000}))
    for side in (told["history"], *told["proposals"]):
        for bucket in ("issued", "received", "revoked", "spent", "settled", "expired", "sent", "cost_points"):
            assert sum(month[bucket] for month in side["months"].values()) == side["all"][bucket], bucket
            assert sum(tier[bucket] for tier in side["tiers"].values()) == side["all"][bucket], bucket
        assert list(side["months"].values())[-1]["outstanding"] == side["all"]["outstanding"]


@pytest.mark.parametrize("until", [NOON + 400 * DAY, END])
def test_the_readings_of_the_tier_plan_are_compared_in_one_run(asked: Any, town: Town, until: datetime) -> None:
    """Who is where by each reading is worked out from the purchases alone; the others stay far below any threshold."""
    told = asked(*map(policy, READINGS), until=until)
    for reading, proposal in zip(READINGS, told["proposals"], strict=True):
        expected = Counter({("Ordinary", "Ordinary"): 2 if until == END else 3})
        for number, member in enumerate(PLAIN):
            bought = [(at, paid) for who, at, paid in town.bought if who == member and at <= until]
            registered = JOINED_AT + number * 30 * DAY
            was, now = (_tier(_thresholds(one), registered, bought, until) for one in (READINGS[0], reading))
            expected[was, now] += 1
        found = {(row["from"], row["to"]): row["members"] for row in proposal["members_by_tier"]}
        assert found == expected, reading
    one, m05, m06 = (proposal["members_by_tier"] for proposal in told["proposals"])
    assert (one != m05 != m06) == (until < END), "by the end all come to the same here, but not before"


def _thresholds(reading: str) -> list[tuple[str, int, int]]:
    return [(level.name, level.promote_at, level.retain_at) for level in policy(reading).tiers.levels]


def _tier(
    levels: Sequence[tuple[str, int, int]],
    registered: datetime,
    bought: Sequence[tuple[datetime, int]],
    until: datetime,
) -> str:
    """Year by year of membership: who reaches a threshold climbs at once; who missed the year's floor falls one step."""
    rank, years = 0, Counter[int]()
    for at, paid in bought:
        years[_year(at, registered)] += paid // 1_000
    for year in range(_year(until, registered) + 1):
        rank = max(rank, *(n for n, (_, promote_at, _r) in enumerate(levels) if years[year] >= promote_at))
        if year < _year(until, registered) and years[year] < levels[rank][2]:
            rank -= 1
    return levels[rank][0]


def _year(at: datetime, registered: datetime) -> int:
    day, joined = (one.astimezone(SHANGHAI).date() for one in (at, registered))
    return day.year - joined.year - (day < date(day.year, joined.month, joined.day))


def test_a_proposal_from_a_day_on_leaves_what_was_before(asked: Any) -> None:
    begins = NOON + 300 * DAY
    told = asked(policy(earning={"points": 2, "per_minor": 1_000}), begins=begins)
    (proposal,), history = told["proposals"], told["history"]
    month = f"{begins.astimezone(SHANGHAI):%Y-%m}"
    for name, figures in history["months"].items():
        if name < month:
            assert proposal["months"][name]["issued"] == figures["issued"]
    assert proposal["all"]["issued"] > history["all"]["issued"]


def test_points_are_valued_by_each_sides_own_rate(asked: Any) -> None:
    dearer = policy(points_as_cash={"points": 1, "amount_minor": 25})
    told = asked(dearer)
    (proposal,), history = told["proposals"], told["history"]
    assert history["all"]["cost_minor"] == history["all"]["cost_points"] * 10
    assert proposal["all"]["cost_minor"] == history["all"]["cost_points"] * 25
    assert asked(policy(points_as_cash=None))["proposals"][0]["all"]["cost_minor"] is None


def test_the_same_question_has_the_same_answer(asked: Any) -> None:
    assert asked(*map(policy, READINGS)) == asked(*map(policy, READINGS))


def test_nothing_is_there_to_replay_before_the_programme_began(asked: Any) -> None:
    with pytest.raises(NothingToReplay, match="the programme began at 2022-12-31T16:00:00Z"):
        asked(policy(), begins=JOINED_AT - 400 * DAY)


def test_nothing_had_happened_by_then(asked: Any) -> None:
    with pytest.raises(NothingHappened, match="nothing had happened by"):
        asked(policy(), until=JOINED_AT - 40 * DAY)


def test_an_unknown_segment_is_named(asked: Any) -> None:
    with pytest.raises(UnknownSegment):
        asked(policy(), segments=("regulars", "nobody"))


def test_several_processes_come_to_what_one_does(database_url: str) -> None:
    """Merges, transfers and all; where a campaign has a budget there is but one."""
    Town(budget=False).lives().store(database_url)
    settings, proposals = Settings(database_url=database_url), [Proposal(name, policy(name)) for name in READINGS]
    question = Question("member_experience", proposals, segments=("regulars",), check=True)
    alone, together = (report(what_if(settings, question, processes=number)) for number in (1, 3))
    assert alone == together
    position = alone["position"]
    for number in (1, 3):
        read = _progress(settings, question, number)
        assert read == sorted(read)
        assert {all_ for _, all_ in read} == {position}, "each fact counts once, however many processes pass it"
        assert read[-1] == (position, position)
    assert alone["check"]["differences"] == 0


def _progress(settings: Settings, question: Question, processes: int) -> list[tuple[int, int]]:
    read: list[tuple[int, int]] = []
    what_if(settings, question, processes=processes, progress=lambda done, of_all: read.append((done, of_all)))
    return read


def test_members_of_a_segment_are_told_apart(asked: Any) -> None:
    told = asked(policy(), segments=("regulars",))
    assert 0 < told["history"]["segments"]["regulars"]["issued"] <= told["history"]["all"]["issued"]
