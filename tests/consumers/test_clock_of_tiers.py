"""The clock records what reviews do to tiers, and warns before them; answers never wait for it (rules 9)."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from domain.loyalty import Loyalty
from domain.programme import Policy
from domain.tier_moves import TierMoved, TierWarned
from tests.builders import line, policy, publish, purchase
from tests.domain.story import JOINED_AT
from tests.ledger import all_recorded
from tests.shop_with_clock import DAY, Shop, shop_of
from tests.spec import NOON

MOVED, WARNED = TierMoved.stored_name, TierWarned.stored_name


@pytest.fixture
def shop(module_database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with shop_of(module_database_url, tmp_path) as opened:
        yield opened


def rules(**tiers: Any) -> Policy:
    scheme = policy().tiers.model_dump(mode="json", exclude_none=True)
    return policy(expiry={"mode": "never"}, tiers=scheme | tiers, effective_from=JOINED_AT - DAY + 9 * DAY)


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+08:00")


def told(shop: Shop) -> list[tuple[str, str, str]]:
    """Which facts of tiers, the local day on which they happened, and the tier they name."""
    return [
        (one["name"], datetime.fromisoformat(one["occurred_at"]).astimezone(policy().zone).date().isoformat(),
         one.get("to_tier") or one["falls_to"])
        for one in shop.recorded()
    ]  # fmt: skip


def test_warnings_and_reviews_are_recorded_once_at_their_instants(shop: Shop) -> None:
    assert all_recorded(shop.do(publish(rules(warning_days=30), at=JOINED_AT)))
    shop.buys(100_000)
    assert shop.look(midnight("2025-02-13")) == {}
    assert shop.look(midnight("2025-02-14")) == {WARNED: 1}
    assert shop.look(midnight("2025-03-15")) == {}
    assert shop.rank(rules(), midnight("2025-03-16")) == "Silver", "though nobody has recorded it"
    assert shop.look(midnight("2025-03-16")) == {MOVED: 1}
    assert shop.look(midnight("2025-03-16")) == {}
    assert told(shop) == [(WARNED, "2025-02-14", "Silver"), (MOVED, "2025-03-16", "Silver")]


def test_after_a_long_pause_every_review_is_recorded_but_no_warning_that_comes_too_late(shop: Shop) -> None:
    assert all_recorded(shop.do(publish(rules(warning_days=30), at=JOINED_AT)))
    shop.buys(200_000)
    shop.buys(10_000, card="1002", id="R-2")
    assert shop.look(midnight("2026-06-01")) == {MOVED: 3}
    assert sorted(told(shop)) == [
        (MOVED, "2025-03-16", "Gold"), (MOVED, "2025-03-16", "Ordinary"), (MOVED, "2026-03-16", "Silver"),
    ]  # fmt: skip


def test_a_review_of_a_long_account_finds_what_lies_in_closed_books(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where visits count, all that was ever bought may matter."""
    scheme = rules(period="rolling", months=3, metric={"visits": 200})
    assert all_recorded(shop.do(publish(scheme, at=JOINED_AT)))
    many = [purchase(line(1_000), at=NOON + number * DAY, id=f"R-{number}") for number in range(250)]
    assert all_recorded(shop.do(*many))
    for clock in (shop.clock._loyalty, shop.writer):
        assert isinstance(clock, Loyalty)
        clock._loader._facts_between = 10
    shop.look(NOON + 250 * DAY)
    shop.look(NOON + 250 * DAY)
    shop.clock._loyalty._cache.forget([shop.account().id])
    assert shop.look(NOON + 800 * DAY)[MOVED] == 1
    moved = shop.recorded()[-1]
    assert (moved["to_tier"], moved["counted"]["visits"] >= 0) == ("Ordinary", True)
