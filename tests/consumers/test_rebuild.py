"""Read models rebuilt on a real topic: beside a projector at work and without one, compared, switched, and back."""

from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Any

import pytest

from consumers import rebuild
from consumers.rebuild import Rebuilt, compare_with_replay, rebuilding
from consumers.replay import TopicTooShort
from infra.database import connect
from projections import generations, schema
from projections.balances import Balances
from projections.generations import NoGenerationBefore, RebuildUnderWay
from projections.projection import Rows
from projections.proofs.slices import NothingProjected, known_by, looking
from projections.shapes import AnotherShape
from projections.told_of_points import Earned
from tests.builders import ANN, BOB
from tests.consumers.facts_topic import Topic, until
from tests.read_spec import JANUARY, earns, joins


def folded(topic: Topic, generation: int, position: int) -> bool:
    return topic.rows(LEAST.format(generation)) == [(position,)]


def silent(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def rebuilt(topic: Topic, *names: str, **how: Any) -> list[Rebuilt]:
    with rebuilding(topic.settings, names, silent) as work:
        return list(work.fill(**how))


LEAST = "SELECT min(last_position) FROM projection_offsets WHERE projection = 'balances' AND generation = {}"
LIVE = "SELECT generation, schema_name FROM projections_live WHERE projection = 'balances'"


@pytest.fixture
def told(topic: Topic) -> Topic:
    """Two members who have earned, and everything folded."""
    people = [*joins(ANN, card="1"), *joins(BOB, card="2")]
    topic.publish(topic.teller.tell(*people, *(earns(who, n, at=JANUARY) for n in range(1, 21) for who in (ANN, BOB))))
    topic.publish(topic.teller.watermark())
    with topic.projecting():
        until(lambda: topic.rows(LEAST.format(1)) == [(46,)])
    return topic


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "HANDOVER_SECONDS", 2)


def test_a_rebuild_without_a_projector_fills_compares_and_switches(told: Topic) -> None:
    (one,) = rebuilt(told, "balances")
    assert (one.comparison.equal, one.switched, one.is_fed) == (True, True, False)
    assert (one.comparison.rows, one.comparison.position) == (42, 46)
    assert told.rows(LIVE) == [(2, "balances_2")]
    columns = "SELECT indexdef FROM pg_indexes WHERE schemaname = '{}' ORDER BY 1"
    made = [row[0].replace("balances_2", "balances_1") for row in told.rows(columns.format("balances_2"))]
    assert made == [row[0] for row in told.rows(columns.format("balances_1"))]


def test_the_projector_feeds_both_generations_and_the_way_back_is_as_cheap(told: Topic) -> None:
    with told.projecting():
        (one,) = rebuilt(told, "balances")
        assert one.is_fed
        told.publish(told.teller.tell(earns(ANN, 100, at=JANUARY)))
        told.publish(told.teller.watermark())
        for generation in (1, 2):
            until(partial(folded, told, generation, 47))
            assert told.rows(f"SELECT max(points), count(*) FROM balances_{generation}.lots") == [(100, 41)]
        with rebuilding(told.settings, ["balances"], silent) as work:
            ((was, now),) = work.back()
            assert (was.generation, now.generation) == (2, 1)
            assert told.rows(LIVE) == [(1, "balances_1")]
            ((was, now),) = work.back()
            assert (was.generation, now.generation) == (1, 2)
            assert [one.schema for one in work.drop()] == ["balances_1"]
            with pytest.raises(NoGenerationBefore):
                work.back()
        told.publish(told.teller.tell(earns(ANN, 101, at=JANUARY)))
        told.publish(told.teller.watermark())
        until(lambda: told.rows(LEAST.format(2)) == [(48,)])
    assert told.rows("SELECT to_regnamespace('balances_1')") == [(None,)]
    assert told.rows("SELECT max(points) FROM balances_2.lots") == [(101,)]


def test_without_a_projector_the_generation_before_is_brought_level_before_it_answers_again(told: Topic) -> None:
    rebuilt(told, "balances")
    with connect(told.settings.read_url) as connection:
        connection.execute("UPDATE projection_generations SET state = 'filling' WHERE schema_name = 'balances_1'")
    told.publish(told.teller.tell(earns(ANN, 100, at=JANUARY)))
    told.publish(told.teller.watermark())
    with told.projecting("balances"):
        until(lambda: told.rows(LEAST.format(2)) == [(47,)])
    assert told.rows(LEAST.format(1)) == [(46,)]
    with rebuilding(told.settings, ["balances"], silent) as work:
        work.back()
    assert told.rows(LIVE) == [(1, "balances_1")]
    assert told.rows(LEAST.format(1)) == [(47,)]


def test_a_rebuild_that_loses_a_lot_is_found_out_and_not_switched_to(
    told: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned = Balances.handlers["PointsEarned.v1"]

    def forgetful(self: Balances, fact: Earned, rows: Rows) -> None:
        if fact["member_id"] != str(BOB) or fact["parts"][0]["points"] != 7:
            earned(self, fact, rows)

    monkeypatch.setitem(Balances.handlers, "PointsEarned.v1", forgetful)
    (one,) = rebuilt(told, "balances")
    (difference,) = one.comparison.differences
    assert (difference.table, difference.only_live, difference.only_replayed) == ("lots", 1, 0)
    assert (difference.key, difference.example) == ("member_id", str(BOB))
    assert not one.switched
    assert told.rows(LIVE) == [(1, "balances_1")]


def test_a_live_generation_that_is_wrong_is_replaced_when_somebody_says_so(told: Topic) -> None:
    with connect(told.settings.read_url) as connection:
        connection.execute("DELETE FROM balances_1.lots WHERE points = 7")
        connection.execute("UPDATE balances_1.lots SET points = 70 WHERE points = 8")
    (one,) = compare_with_replay(told.settings, ["balances"], silent)
    (difference,) = one.comparison.differences
    assert (difference.only_live, difference.only_replayed) == (2, 4)
    assert told.rows("SELECT count(*) FROM projection_generations WHERE projection = 'balances'") == [(1,)]
    (one,) = rebuilt(told, "balances")
    assert not one.switched
    (one,) = rebuilt(told, "balances", accept=True)
    assert (one.switched, one.comparison.equal) == (True, False)
    assert told.rows(LIVE) == [(2, "balances_2")], "what was kept to be looked into was cleared away"
    assert told.rows("SELECT schema_name FROM projection_generations WHERE projection = 'balances' ORDER BY 1") == [
        ("balances_1",), ("balances_2",),
    ]  # fmt: skip


def test_all_are_replayed_at_once_and_each_is_switched_to(told: Topic) -> None:
    done = rebuilt(told)
    assert [one.comparison.projection for one in done] == sorted(schema.KINDS)
    assert all(one.switched and one.comparison.equal for one in done)
    assert told.rows("SELECT DISTINCT generation FROM projections_live") == [(2,)]


def test_one_generation_before_is_kept_and_no_more(told: Topic) -> None:
    rebuilt(told, "balances")
    (again,) = rebuilt(told, "balances")
    assert [one.schema for one in again.dropped] == ["balances_1"]
    assert told.rows("SELECT generation FROM projection_generations WHERE projection = 'balances' ORDER BY 1") == [
        (2,),
        (3,),
    ]


def test_what_a_question_still_reads_is_not_dropped_before_it_ends(told: Topic) -> None:
    with looking(told.settings.read_url or "") as asking:
        assert asking.execute(LIVE.encode()).fetchone() == (1, "balances_1")
        rebuilt(told, "balances")

        def drop() -> None:
            with rebuilding(told.settings, ["balances"], silent) as work:
                work.drop()

        dropping = Thread(target=drop)
        dropping.start()
        dropping.join(1)
        assert asking.execute("SELECT count(*) FROM balances_1.lots").fetchone() == (40,)
    dropping.join(30)
    assert told.rows("SELECT to_regnamespace('balances_1')") == [(None,)]


def test_what_a_rebuild_left_that_was_broken_off_is_cleared_away(told: Topic) -> None:
    with connect(told.settings.read_url) as connection:
        (live,) = schema.live(connection, ["balances"])
        generations.begin_next(connection, live)
        connection.execute("INSERT INTO balances_2.accounts VALUES (gen_random_uuid())")
    (one,) = rebuilt(told, "balances")
    assert (one.switched, one.comparison.rows) == (True, 42)


def test_a_second_rebuild_of_the_same_projection_is_refused_by_name(told: Topic) -> None:
    with rebuilding(told.settings, ["balances", "tiers"], silent):
        with pytest.raises(RebuildUnderWay, match="tiers"):
            rebuilt(told, "members", "tiers")
        assert rebuilt(told, "members")[0].switched
    assert rebuilt(told, "tiers")[0].switched


def test_without_anything_projected_there_is_nothing_to_rebuild(topic: Topic) -> None:
    with pytest.raises(NothingProjected):
        rebuilt(topic, "balances")


def test_a_topic_that_lacks_what_the_live_one_has_folded_is_told(told: Topic) -> None:
    with connect(told.settings.read_url) as connection:
        connection.execute("UPDATE projection_offsets SET next_offset = 1000 WHERE partition = 1")
    with pytest.raises(TopicTooShort, match="partition 1"):
        rebuilt(told, "balances")
    assert told.rows(LIVE) == [(1, "balances_1")]


def test_members_who_are_parked_are_parked_again_and_not_compared(topic: Topic) -> None:
    topic.publish(topic.teller.tell(*joins(ANN, card="1"), *joins(BOB, card="2"), earns(BOB, 5, at=JANUARY)))
    spoiled = topic.teller.tell(earns(ANN, 5, at=JANUARY))
    topic.publish({place: [replace(one, value=b"{") for one in messages] for place, messages in spoiled.items()})
    topic.publish(topic.teller.watermark())
    with topic.projecting("balances"):
        until(lambda: topic.rows("SELECT 1 FROM balances_1.lots") and topic.rows("SELECT 1 FROM parked_facts"))
        until(lambda: topic.rows(LEAST.format(1)) == [(8,)])
    (one,) = rebuilt(topic, "balances")
    found = one.comparison
    assert (found.equal, found.rows, found.left_out, found.newly_parked) == (True, 2, 1, 0)
    assert topic.rows("SELECT generation, max(position) FROM parked_facts GROUP BY 1 ORDER BY 1") == [(1, 8), (2, 8)]


def test_members_whom_only_the_replay_parks_keep_it_from_being_switched_to(
    told: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_self: Balances, fact: Earned, _rows: Rows) -> None:
        if fact["member_id"] == str(ANN):
            raise ValueError

    monkeypatch.setitem(Balances.handlers, "PointsEarned.v1", failing)
    (one,) = rebuilt(told, "balances")
    assert (one.switched, one.comparison.newly_parked) == (False, 1)


OLDER = "ALTER TABLE balances_1.lots DROP COLUMN cause; COMMENT ON SCHEMA balances_1 IS NULL"


def test_tables_of_an_older_release_are_left_alone_until_they_are_rebuilt(
    told: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(told.settings.read_url) as connection:
        connection.execute(OLDER)
        schema.ensure(connection)
        assert [one.schema for one in generations.outdated(connection)] == ["balances_1"]
        with pytest.raises(NothingProjected, match="loyalty rebuild balances"):
            known_by(connection)
    told.publish(told.teller.tell(earns(ANN, 100, at=JANUARY)))
    told.publish(told.teller.watermark())
    with pytest.raises(AnotherShape, match="loyalty rebuild balances"), told.projecting("balances") as thread:
        thread.join(30)
    with told.projecting():
        until(lambda: told.rows(LEAST.format(1).replace("balances", "tiers")) == [(47,)])
        assert "loyalty rebuild balances" in caplog.text
        assert folded(told, 1, 46)
        (one,) = rebuilt(told, "balances")
        assert (one.switched, one.comparison.other_tables) == (True, ["lots"])
        until(partial(folded, told, 2, 47))
    assert told.rows("SELECT count(cause), count(*) FROM balances_2.lots") == [(0, 41)]
    with rebuilding(told.settings, ["balances"], silent) as work, pytest.raises(AnotherShape):
        work.back()


def test_tables_of_an_older_release_that_are_as_ours_are_taken_over(told: Topic) -> None:
    with connect(told.settings.read_url) as connection:
        (kept,) = told.rows("SELECT obj_description('balances_1'::regnamespace, 'pg_namespace')")
        connection.execute("COMMENT ON SCHEMA balances_1 IS NULL; DROP INDEX balances_1.lots_member")
        schema.ensure(connection)
        assert told.rows("SELECT obj_description('balances_1'::regnamespace, 'pg_namespace')") == [kept]
        connection.execute(f"COMMENT ON SCHEMA balances_1 IS '{kept[0].split()[0]} others'".encode())
        schema.ensure(connection)
    assert told.rows("SELECT obj_description('balances_1'::regnamespace, 'pg_namespace')") == [kept]
    assert told.rows("SELECT count(*) FROM pg_indexes WHERE indexname = 'lots_member'") == [(1,)], "an index is added"
