"""`loyalty audit completeness`: what is missing, by day, till and number, and exit 1 where something is."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from projections.completeness.run import NothingPublished
from tests.ledger import Ledger
from tests.projections.completeness.shop import OTHER, TILL, Shop

DAYS = ("--from", "2023-06-01", "--to", "2023-06-02")


@pytest.fixture
def shop(emptied_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", emptied_database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")
    with Ledger(emptied_database_url) as ledger:
        yield Shop(ledger)


def audit(*options: str) -> Result:
    return CliRunner().invoke(app, ["audit", "completeness", *(options or DAYS)])


def test_what_is_complete_is_told_in_a_line(shop: Shop) -> None:
    shop.sells(1, 2).closes(2)
    done = audit()
    assert done.exit_code == 0, done.output
    assert "1 days complete, 0 differ, 0 were not closed; days are those of Asia/Shanghai" in done.stdout
    assert "complete: all that tills counted is recorded" in done.stdout


def test_what_is_missing_is_shown_and_ends_with_1(shop: Shop) -> None:
    shop.sells(1, 2, 4).closes(4).sells(1, till=OTHER)
    done = audit()
    assert done.exit_code == 1
    row = next(one for one in done.stdout.splitlines() if TILL in one)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "2023-06-01", TILL, "differs", "4", "3", "4,000", "3,000", "R-3",
    ]  # fmt: skip
    assert "not closed" in next(one for one in done.stdout.splitlines() if OTHER in one)
    assert "NOT COMPLETE" in done.stdout
    found = audit(*DAYS, "--json", "--store", "2")
    assert (found.exit_code, [one["till"] for one in json.loads(found.stdout)["items"]]) == (0, [OTHER])


def test_without_closings_nothing_is_claimed(shop: Shop) -> None:
    shop.sells(1)
    assert "no till was closed: nothing tells" in audit().stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "2023-06-02", "--to", "2023-06-01"),
        ("--from", "June", "--to", "2023-06-01"),
        ("--from", "2023-06-01"),
    ],
)
def test_wrong_usage_ends_with_2(shop: Shop, words: tuple[str, ...]) -> None:
    assert audit(*words).exit_code == 2


def test_without_a_programme_it_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_PROGRAMME", "nobodys")
    assert isinstance(audit().exception, NothingPublished)
