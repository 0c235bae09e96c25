"""`loyalty liability`: as it was reported once, as it is now, why it differs, and what is asked in vain."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from domain.fact import Fact
from domain.movements import PointsRedeemed
from domain.parts import Taken
from domain.points_account import account_id
from infra import event_store
from infra.database import connect, make_tables
from infra.event_store import FactRecorder
from infra.stored_facts import FactMapper
from projections.liability.run import LogDoesNotAddUp, NothingKnown
from tests.builders import policy, published
from tests.read_spec import JANUARY, earns, joins, revokes
from tests.spec import fact

ANN, FIRST, SECOND = uuid4(), uuid4(), uuid4()
FEBRUARY, MARCH, CLOSE = (JANUARY.replace(month=month) for month in (2, 3, 4))
APRIL = datetime(2024, 4, 9, tzinfo=UTC)


def redeems(purchase: Fact, points: int, *, at: datetime) -> Fact:
    return fact(
        PointsRedeemed, originator_id=account_id(ANN), occurred_at=at, member_id=ANN, redemption_id=uuid4(),
        points=points, parts=[Taken(lot_id=purchase.parts[0]["lot_id"], points=points)], debt=0,  # type: ignore[attr-defined]
    )  # fmt: skip


BOUGHT = earns(ANN, 1_000, at=JANUARY, paid_minor=100_000, purchase_id=FIRST, expires_at=APRIL)
IN_TIME = [
    published(policy()),
    *joins(ANN, card="1"),
    BOUGHT,
    redeems(BOUGHT, 400, at=FEBRUARY),
    earns(ANN, 500, at=MARCH, paid_minor=50_000, purchase_id=SECOND),
]
LATE = [
    earns(ANN, 70, at=FEBRUARY, paid_minor=7_000),
    revokes(ANN, SECOND, 100, bought_at=MARCH, at=MARCH),
    redeems(BOUGHT, 50, at=APRIL.replace(day=2)),
]


def record(url: str, facts: Iterable[Fact], *, at: datetime) -> None:
    """Write facts to the log as if it had been then."""
    with connect(url) as log:
        make_tables(log, event_store.TABLES)
        known: dict[UUID, int] = dict(
            log.execute("SELECT originator_id, max(originator_version) FROM facts GROUP BY 1").fetchall()
        )
    numbered = []
    for one in facts:
        known[one.originator_id] = known.get(one.originator_id, 0) + 1
        numbered.append(
            one.model_copy(update={"originator_version": known[one.originator_id], "recorded_at": at})
        )  # fmt: skip
    recorder = FactRecorder(url)
    recorder.insert_events([FactMapper({}).to_stored_event(one) for one in numbered])
    recorder.close()


@pytest.fixture(autouse=True)
def url(emptied_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", emptied_database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")
    record(emptied_database_url, IN_TIME, at=MARCH.replace(day=20))
    return emptied_database_url


def liability(*options: str) -> Result:
    return CliRunner().invoke(app, ["liability", *options], env={"COLUMNS": "160"})


def told(*options: str) -> Any:
    done = liability("--expected", "0.8", "--json", *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_was_reported_in_march_is_told_again_to_the_byte_and_what_changed_it_is_named(url: str) -> None:
    march = ("--expected", "0.8", "--json", "--known-at", CLOSE.isoformat())
    reported = liability(*march)
    assert reported.exit_code == 0, reported.output
    record(url, LATE, at=APRIL)
    assert liability(*march).stdout_bytes == reported.stdout_bytes
    was, now = json.loads(reported.stdout), told("--restated-since", CLOSE.isoformat())
    restated = now["restated"]
    assert [one["is"]["month"] for one in restated["months"]] == ["2024-02", "2024-03"]
    assert [one["was"] for one in restated["months"]] == was["months"][1:]
    assert restated["because"] == [
        {"fact": "PointsEarned.v1", "month": "2024-02", "facts": 1},
        {"fact": "PointsRevoked.v1", "month": "2024-03", "facts": 1},
    ]
    assert now["months"][0] == was["months"][0]


def test_a_month_begins_where_the_last_one_ended(url: str) -> None:
    record(url, LATE, at=APRIL)
    months = told()["months"]
    assert [one["month"] for one in months] == ["2024-01", "2024-02", "2024-03", "2024-04"]
    for unit in ("points", "money"):
        for one in (month[unit] for month in months):
            gone = one["redeemed"] + one["expired"] + one["revoked"]
            assert one["opening"] + one["issued"] - gone + one["reestimated"] == one["closing"]
        closings, openings = ([month[unit][line] for month in months] for line in ("closing", "opening"))
        assert openings == [0, *closings[:-1]]
    assert [one["points"]["closing"] for one in months] == [1_000, 670, 1_070, 470]
    assert [one["points"]["expired"] for one in months] == [0, 0, 0, 550]
    # 1,000 points that buy 10 fen each, 4 of 5 expected to be redeemed, with a purchase of 100,000 fen.
    assert months[0]["money"]["closing"] == round(100_000 * 8_000 / 108_000)


def test_people_read_tables(url: str) -> None:
    record(url, LATE, at=APRIL)
    done = liability("--expected", "0.8", "--expected", "2024-03=0.9", "--restated-since", CLOSE.isoformat())
    assert done.exit_code == 0, done.output
    for part in ("re-estimated", "2024-04", "80.0 %", "90.0 %", "came later, of 2024-03: 1 PointsRevoked.v1"):
        assert part in done.output


def test_a_page_stands_by_itself_and_tells_the_same(url: str, tmp_path: Path) -> None:
    record(url, LATE, at=APRIL)
    file = tmp_path / "liability.html"
    done = liability("--expected", "0.8", "--restated-since", CLOSE.isoformat(), "--html", str(file))
    assert done.exit_code == 0, done.output
    page = file.read_text()
    for part in ("<svg", "re-estimated", "<th>2024-04</th>", "80.0 %", "<td>PointsRevoked.v1</td><td>1</td>"):
        assert part in page
    for loads in ("http", "<script", "src=", "url("):
        assert loads not in page


def test_months_can_be_chosen_and_points_be_worth_something_else() -> None:
    (only,) = told("--from", "2024-02", "--to", "2024-02", "--face", "1/100")["months"]
    assert (only["month"], only["money"]["redeemed"]) == ("2024-02", 4)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--expected", "1.5"),
        ("--expected", "many"),
        ("--expected", "2024-13=0.9"),
        ("--expected", "0.9", "--from", "March"),
        ("--expected", "0.9", "--known-at", "2024-03-01"),
        ("--expected", "0.9", "--face", "-1"),
    ],
)
def test_wrong_usage_is_told(options: tuple[str, ...]) -> None:
    assert liability(*options).exit_code == 2


def test_before_anything_was_recorded_there_is_nothing_to_tell() -> None:
    done = liability("--expected", "0.9", "--known-at", "2020-01-01T00:00:00Z")
    assert (done.exit_code, type(done.exception)) == (1, NothingKnown)


def test_a_log_that_does_not_add_up_is_not_told(url: str) -> None:
    record(url, [redeems(BOUGHT, 9_999, at=MARCH)], at=APRIL)
    done = liability("--expected", "0.9")
    assert (done.exit_code, type(done.exception)) == (1, LogDoesNotAddUp)
