"""Balances lot by lot: what is pending, available and expired at any instant."""

import random
from datetime import UTC, datetime, timedelta

from domain.fact import FACTS
from projections.balances import Balances
from projections.points import balance_of
from tests.builders import ANN, BOB
from tests.read_spec import JANUARY, ReadSide, earns, joins

DAY = timedelta(days=1)


def balance(read_side: ReadSide, as_of: datetime) -> dict[str, object]:
    found = read_side.ask("balances", balance_of, member_id=ANN, as_of=as_of)
    assert found is not None
    assert found.issued + found.received == (
        found.pending + found.available + found.held + found.spent + found.settled + found.expired + found.revoked
        + found.sent
    )  # fmt: skip
    return {name: value for name, value in found.model_dump().items() if name in SHOWN and value}


SHOWN = {"issued", "pending", "available", "expired"}


def test_points_are_pending_then_available_then_expired(read_side: ReadSide) -> None:
    at, active, ends = JANUARY, JANUARY + 2 * DAY, JANUARY + 9 * DAY
    read_side.given(*joins(ANN, card="1"), earns(ANN, 70, at=at, active_from=active, expires_at=ends))
    instant = timedelta(microseconds=1)
    assert balance(read_side, at - instant) == {}
    assert balance(read_side, at) == {"issued": 70, "pending": 70}
    assert balance(read_side, active - instant) == {"issued": 70, "pending": 70}
    assert balance(read_side, active) == {"issued": 70, "available": 70}
    assert balance(read_side, ends - instant) == {"issued": 70, "available": 70}
    assert balance(read_side, ends) == {"issued": 70, "expired": 70}


def test_expired_overrides_pending(read_side: ReadSide) -> None:
    read_side.given(
        *joins(ANN, card="1"), earns(ANN, 5, at=JANUARY, active_from=JANUARY + 9 * DAY, expires_at=JANUARY + DAY)
    )
    assert balance(read_side, JANUARY + 2 * DAY) == {"issued": 5, "expired": 5}


def test_what_lapses_next_is_told_with_all_that_lapses_together(read_side: ReadSide) -> None:
    first, second = JANUARY + 5 * DAY, JANUARY + 8 * DAY
    read_side.given(
        *joins(ANN, card="1"),
        earns(ANN, 1, at=JANUARY, expires_at=second),
        earns(ANN, 10, at=JANUARY, expires_at=first),
        earns(ANN, 20, at=JANUARY + DAY, expires_at=first, campaign="double", bonus=300),
        earns(ANN, 7, at=JANUARY),
    )
    found = read_side.ask("balances", balance_of, member_id=ANN, as_of=JANUARY + 2 * DAY)
    assert found is not None
    assert found.next_expiry is not None
    assert (found.next_expiry.points, found.next_expiry.at) == (330, first)
    later = read_side.ask("balances", balance_of, member_id=ANN, as_of=second)
    assert later is not None
    assert (later.next_expiry, later.available, later.expired) == (None, 7, 331)


def test_an_account_without_purchases_is_empty_and_a_stranger_unknown(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1"))
    assert balance(read_side, JANUARY) == {}
    assert read_side.ask("balances", balance_of, member_id=BOB, as_of=JANUARY) is None


def test_each_part_is_a_lot_and_nothing_earned_is_none(read_side: ReadSide) -> None:
    read_side.given(
        *joins(ANN, card="1"), earns(ANN, 3, at=JANUARY, campaign="double", bonus=4), earns(ANN, 0, at=JANUARY)
    )
    assert read_side.rows("balances", "lots", "part", "points") == [("base", 3), ("double", 4)]


def test_the_order_of_arrival_does_not_matter(read_side: ReadSide, module_database_url: str) -> None:
    chance = random.Random(5)
    told = [
        earns(
            member,
            chance.randrange(90),
            at=JANUARY + chance.randrange(300) * DAY,
            expires_at=datetime(2025, 1, 1, tzinfo=UTC),
        )
        for member in (ANN, BOB)
        for _ in range(50)
    ]
    people = [*joins(ANN, card="1"), *joins(BOB, card="2")]
    shuffled = chance.sample(told, len(told))
    other = ReadSide(module_database_url)
    read_side.given(*people, *told)
    other.given(*people).given(*shuffled[:30]).given(*shuffled[30:])
    assert read_side.all_rows() == other.all_rows()
    other.close()


def test_every_fact_that_moves_points_is_folded() -> None:
    kinds = {name for name, kind in FACTS.items() if kind.__module__ == "domain.movements"}
    assert kinds - Balances.handlers.keys() == set()
