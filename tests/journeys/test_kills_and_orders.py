"""Twenty thousand purchases of a real chain: killed processes, second loads and any order end in the same rows."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.demo import complete_journey
from tests.journeys.ledger import Ledger, running

BASKETS = 20_000
Rows = dict[str, list[tuple[Any, ...]]]


class Input:
    """The same members, campaigns and purchases as files, once in order and once shuffled."""

    def __init__(self, home: Path) -> None:
        self.members = home / "members.ndjson"
        self.purchases = home / "purchases.ndjson"
        self.shuffled = home / "shuffled.ndjson"
        self.campaigns = list(complete_journey.campaigns())
        lines = [basket.value + b"\n" for basket in complete_journey.baskets(BASKETS)]
        self.members.write_text("".join(json.dumps(body) + "\n" for body in complete_journey.members()))
        self.purchases.write_bytes(b"".join(lines))
        random.Random(7).shuffle(lines)
        self.shuffled.write_bytes(b"".join(lines))

    def prepare(self, ledger: Ledger) -> None:
        """Members and campaigns come before the purchases."""
        assert "2,469 members joined" in ledger.loyalty("load", "members", str(self.members))
        with ledger.client("command", "staff") as staff:
            for campaign in self.campaigns:
                staff.post("/campaigns", json=campaign).raise_for_status()


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Input:
    return Input(tmp_path_factory.mktemp("input"))


@pytest.fixture(scope="module")
def undisturbed(given: Input, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Rows]]:
    """A ledger that nothing happened to; it still runs."""
    with running(tmp_path_factory.mktemp("undisturbed")) as ledger:
        given.prepare(ledger)
        assert f"{BASKETS:,} purchases published, 0 refused" in ledger.loyalty(
            "load", "purchases", str(given.purchases)
        )
        ledger.caught_up()
        rows = ledger.rows()
        assert len(rows["campaigns_1.sales"]) == BASKETS
        yield ledger, rows


def test_a_second_load_and_a_shuffled_one_change_nothing(given: Input, undisturbed: tuple[Ledger, Rows]) -> None:
    ledger, rows = undisturbed
    position = ledger.caught_up().position
    for file in (given.purchases, given.shuffled):
        ledger.loyalty("load", "purchases", str(file))
        status = ledger.caught_up()
        assert status.position == position
        assert status.open_letters == 0
    assert "2,469 members joined, now or before, 0 refused" in ledger.loyalty("load", "members", str(given.members))
    assert ledger.caught_up().position == position
    assert ledger.rows() == rows


def test_a_first_load_in_any_order_gives_the_same_rows(
    given: Input, undisturbed: tuple[Ledger, Rows], tmp_path: Path
) -> None:
    other, rows = undisturbed
    with running(tmp_path, keys=other.home / ".loyalty" / "keys.json") as ledger:
        given.prepare(ledger)
        ledger.loyalty("load", "purchases", str(given.shuffled))
        ledger.caught_up()
        assert _without_moves(ledger.rows()) == _without_moves(rows)


def _without_moves(rows: Rows) -> Rows:
    """When a tier was first seen to be reached is a matter of what was known then; what is reached in the end is not."""
    moves = {"campaigns_1.tier_moves"}
    assert moves <= set(rows)
    return {table: kept for table, kept in rows.items() if table not in moves}


def test_killing_each_process_once_leaves_the_same_rows(
    given: Input, undisturbed: tuple[Ledger, Rows], tmp_path: Path
) -> None:
    other, rows = undisturbed
    with running(tmp_path, keys=other.home / ".loyalty" / "keys.json") as ledger:
        given.prepare(ledger)
        before = ledger.taken_in()
        ledger.loyalty("load", "purchases", str(given.purchases))
        for number, name in enumerate(("intake", "relay", "projector", "postgres", "kafka"), 1):
            ledger.wait(lambda number=number: ledger.taken_in() - before >= number * BASKETS // 8)  # type: ignore[misc]
            ledger.kill(name)
        status = ledger.caught_up()
        assert status.intake.taken_in - before == BASKETS
        assert ledger.rows() == rows
        told = ledger.output.read_text()
        for name in ("intake", "relay", "projector", "postgres", "kafka"):
            assert name in told, "the supervisor says what died"
