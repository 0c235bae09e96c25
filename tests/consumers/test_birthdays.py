"""Birthdays on a real log: found by opening what is sealed, once a local day, and nothing of it stays of the erased."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.commands.personal_data import ChangeProfile
from domain.messages.identity import Identity
from tests.builders import SEALING, join, policy, publish
from tests.domain.story import JOINED_AT
from tests.domain.test_commands_of_personal_data import erase
from tests.ledger import all_recorded
from tests.shop_with_clock import DAY, MINUTE, Shop, shop_of

CARLA = UUID("c0000000-0000-4000-8000-0000000000ca")
MIDNIGHT = datetime(2023, 5, 1, 16, tzinfo=UTC)
"""The 2nd of May begins in Shanghai."""
GIVES = policy(birthday={"points": 50}, effective_from=JOINED_AT + DAY)
GIFT = {"BirthdayCelebrated.v1": 1, "PointsGranted.v1": 1}


@pytest.fixture
def shop(module_database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with shop_of(module_database_url, tmp_path) as opened:
        assert all_recorded(opened.do(publish(GIVES, at=JOINED_AT)))
        yield opened


def joins(shop: Shop, born: str, *, at: datetime = JOINED_AT, member: UUID = CARLA) -> None:
    sealed = SEALING.seal_first(member, {"name": "Carla", "birth_date": born})
    assert all_recorded(shop.do(join(member, at=at, card=str(member), personal=sealed)))


def edits(shop: Shop, born: str | None, *, at: datetime, key: str) -> None:
    sealed = None if born is None else shop.personal_data.seal(CARLA, {"birth_date": born})
    command = ChangeProfile(
        **Identity.of("tests", key).fields(), occurred_at=at, fingerprint=str(born), member_id=CARLA,
        personal=sealed, removed=[] if born else ["birth_date"],
    )  # fmt: skip
    assert all_recorded(shop.do(command))


def granted(shop: Shop) -> list[tuple[str, str]]:
    """Whom points were given, and when."""
    return [(one["member_id"], one["occurred_at"]) for one in shop.ledger.states("PointsGranted.v1")]


def rows(shop: Shop) -> Sequence[Any]:
    return shop.ledger.rows("SELECT * FROM birth_dates")


def test_a_gift_is_given_on_the_local_day_and_once(shop: Shop) -> None:
    joins(shop, "1990-05-02")
    assert shop.look(MIDNIGHT - MINUTE) == {}
    assert shop.look(MIDNIGHT) == GIFT
    assert shop.look(MIDNIGHT + MINUTE) == {}
    assert shop.look(MIDNIGHT + DAY) == {}
    assert granted(shop) == [(str(CARLA), "2023-05-01T16:00:00Z")]
    assert shop.account(CARLA).buckets(MIDNIGHT).available == 50
    assert shop.look(MIDNIGHT + 366 * DAY)["PointsGranted.v1"] == 1


def test_a_dry_run_tells_and_gives_nothing(shop: Shop) -> None:
    joins(shop, "1990-05-02")
    assert shop.look(MIDNIGHT, dry=True) == {"BirthdayCelebrated.v1": 1}
    assert granted(shop) == []
    assert shop.look(MIDNIGHT) == GIFT


@pytest.mark.parametrize(("pause", "given"), [(3, 1), (10, 0)])
def test_after_a_pause_it_catches_up_dated_the_birthday(shop: Shop, pause: int, given: int) -> None:
    joins(shop, "1990-05-02")
    shop.look(MIDNIGHT - DAY)
    shop.look(MIDNIGHT + pause * DAY)
    assert granted(shop) == [(str(CARLA), "2023-05-01T16:00:00Z")] * given


def test_who_joins_or_states_a_date_on_the_day_is_found_though_all_were_looked_at(shop: Shop) -> None:
    assert shop.look(MIDNIGHT) == {}
    joins(shop, "1990-05-02", at=MIDNIGHT + 60 * MINUTE)
    assert shop.look(MIDNIGHT + 61 * MINUTE) == GIFT
    assert granted(shop) == [(str(CARLA), "2023-05-01T17:00:00Z")]


def test_a_date_that_was_edited_lately_or_after_a_gift_pays_next_year(shop: Shop) -> None:
    joins(shop, "1990-08-01")
    edits(shop, "1990-05-02", at=MIDNIGHT - 5 * DAY, key="k1")
    assert shop.look(MIDNIGHT) == {}
    edits(shop, "1990-06-20", at=MIDNIGHT + MINUTE, key="k2")
    june = MIDNIGHT + timedelta(days=49)
    assert shop.look(june) == GIFT
    edits(shop, "1990-10-01", at=june + DAY, key="k3")
    assert shop.look(datetime(2023, 10, 1, tzinfo=UTC)).get("PointsGranted.v1") is None
    edits(shop, None, at=datetime(2023, 10, 2, tzinfo=UTC), key="k4")
    assert shop.look(datetime(2024, 10, 1, tzinfo=UTC)).get("PointsGranted.v1") is None


def test_rules_that_are_published_during_the_day_are_heard(shop: Shop) -> None:
    joins(shop, "1990-05-02")
    shop.look(MIDNIGHT - DAY)
    richer = policy(birthday={"points": 70}, effective_from=MIDNIGHT)
    assert all_recorded(shop.do(publish(richer, at=MIDNIGHT - DAY)))
    assert shop.look(MIDNIGHT) == GIFT
    assert shop.account(CARLA).buckets(MIDNIGHT).available == 70


def test_nothing_is_noted_or_opened_where_no_rules_give_anything(module_database_url: str, tmp_path: Path) -> None:
    with shop_of(module_database_url, tmp_path) as shop:
        joins(shop, "1990-05-02")
        assert shop.look(MIDNIGHT) == {}
        assert rows(shop) == []


def test_what_is_kept_says_nothing_and_goes_with_an_erasure(shop: Shop) -> None:
    joins(shop, "1990-05-02")
    shop.look(MIDNIGHT - DAY)
    assert len(rows(shop)) == 1
    assert "05-02" not in repr(rows(shop))
    assert all_recorded(shop.do(erase(CARLA)))
    assert shop.look(MIDNIGHT) == {}
    assert rows(shop) == []


def test_one_whose_key_is_gone_is_passed_over_and_the_others_are_not(shop: Shop) -> None:
    joins(shop, "1990-05-02")
    other = UUID(int=5, version=4)
    joins(shop, "1991-05-02", member=other)
    shop.ledger.rows("DELETE FROM member_keys WHERE member_id = %s RETURNING 1", CARLA)
    assert shop.look(MIDNIGHT) == GIFT
    assert [member for member, _ in granted(shop)] == [str(other)]
