"""`loyalty rebuild`: what it says of a switch, of a difference, of the way back, and of wrong usage."""

import json

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from consumers import rebuild as rebuilding
from infra.settings import Settings
from tests.builders import ANN, BOB
from tests.consumers.facts_topic import Topic, topic_of, until
from tests.read_spec import JANUARY, PARTITIONS, earns, joins


@pytest.fixture
def topic(settings: Settings, unique: str, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """Two members who have earned, and everything folded."""
    monkeypatch.setenv("LOYALTY_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers or "")
    monkeypatch.setenv("LOYALTY_PARTITIONS", str(PARTITIONS))
    monkeypatch.setattr(rebuilding, "HANDOVER_SECONDS", 0.1)
    topic = topic_of(settings, unique, monkeypatch)
    people = [*joins(ANN, card="1"), *joins(BOB, card="2")]
    topic.publish(topic.teller.tell(*people, earns(ANN, 5, at=JANUARY), earns(BOB, 6, at=JANUARY)))
    topic.publish(topic.teller.watermark())
    with topic.projecting():
        until(lambda: topic.rows("SELECT min(last_position) FROM projection_offsets") == [(8,)])
    return topic


def rebuild(*words: str) -> Result:
    return CliRunner().invoke(app, ["rebuild", *words])


def test_a_switch_is_told_and_the_way_back_and_what_is_dropped(topic: Topic) -> None:
    done = rebuild("balances", "tiers")
    assert done.exit_code == 0, done.output
    assert "balances: 4 rows of generation 1 up to position 8 compared with a replay of all facts: equal" in done.stdout
    assert "generation 2 answers from now on; back to 1: `loyalty rebuild balances --back`" in done.stdout
    assert "no projector has taken it over" in done.stdout
    assert "reading the facts: 0 of" in done.stderr
    assert rebuild("tiers", "--back").stdout == "tiers: generation 1 answers again, 2 is kept beside it\n"
    dropped = rebuild("--all", "--drop", "--json")
    assert json.loads(dropped.stdout) == [
        {"projection": "balances", "dropped": 1},
        {"projection": "tiers", "dropped": 2},
    ]
    assert rebuild("--all", "--drop").stdout == "nothing to do\n"


def test_a_difference_names_the_table_how_much_and_whose_and_ends_with_1(topic: Topic) -> None:
    topic.rows("UPDATE balances_1.lots SET points = 7 WHERE points = 6 RETURNING 1")
    done = rebuild("balances")
    assert done.exit_code == 1
    assert "THEY DIFFER" in done.stdout
    told = f"lots: 1 of 2 rows only in the live generation, 1 of 2 only in the replay, for example of member_id {BOB}"
    assert told in done.stdout
    assert "generation 1 goes on answering" in done.stdout
    compared = rebuild("balances", "--compare-only", "--json")
    (found,) = json.loads(compared.stdout)
    assert compared.exit_code == 1
    assert (found["equal"], found["switched"], found["differences"][0]["table"]) == (False, False, "lots")
    accepted = rebuild("balances", "--accept-differences")
    assert accepted.exit_code == 0, accepted.output
    assert topic.rows("SELECT points FROM balances_2.lots ORDER BY 1") == [(5,), (6,)]


def test_a_comparison_alone_changes_nothing(topic: Topic) -> None:
    done = rebuild("--all", "--compare-only")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("compared with a replay of all facts: equal") == 8
    assert topic.rows("SELECT DISTINCT generation FROM projection_generations") == [(1,)]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("balances", "--all"),
        ("ledger",),
        ("balances", "--back", "--drop"),
        ("balances", "--compare-only", "--back"),
    ],
)
def test_wrong_usage_ends_with_2(words: tuple[str, ...]) -> None:
    assert rebuild(*words).exit_code == 2
