"""Read models rebuilt while tills sell and five hundred questions a second are asked: none fails, none is half old and half new."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from tests.journeys.asker import Answer
from tests.journeys.ledger import Ledger, running

A_SECOND = 500
"""Questions that fall due; how many a machine answers beside all else is told, and no reason to fail."""
ENOUGH = 100
"""Fewer questions answered while a command ran would say nothing about it."""
CARDS = [str(900_000_000 + number) for number in range(60)]
NOW = datetime.now(UTC)


def receipt(number: int, card: str) -> dict[str, Any]:
    return {
        "id": f"R-{number}", "source": "/tills/1", "time": (NOW - timedelta(hours=1)).isoformat(), "currency": "USD", "store": "1",
        "card": card, "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 1_000}],
        "tenders": [{"kind": "cash", "amount_minor": 1_000}],
    }  # fmt: skip


def sell(till: httpx.Client, cards: Sequence[str], *, first: int) -> None:
    receipts = [receipt(first + number, card) for number, card in enumerate(cards)]
    for start in range(0, len(receipts), 100):
        till.post("/purchases/batch", json={"items": receipts[start : start + 100]}).raise_for_status()


@contextmanager
def asked(ledger: Ledger, members: dict[str, str]) -> Iterator[list[Answer]]:
    """Questions about members while the context lasts, by another process; afterwards, all answers."""
    paths = [f"/members/{member}/balance" for member in members.values()]
    words = [ledger.run["query_url"], ledger.keys["analyst"], str(A_SECOND), *paths]
    found: list[Answer] = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.asker", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asker:
        try:
            yield found
            told, _ = asker.communicate(timeout=60)
        finally:
            asker.kill()
    assert asker.returncode == 0, "some question was not answered"
    found += [Answer(*json.loads(line)) for line in told.splitlines()]


class Ran(NamedTuple):
    """A command, when it began and when it had ended."""

    words: Sequence[str]
    began: float
    ended: float

    def within(self, answers: Sequence[Answer]) -> list[Answer]:
        """What was asked and answered while it ran."""
        return [one for one in answers if self.began < one.asked_at and one.answered_at < self.ended]


def meanwhile(ledger: Ledger, members: dict[str, str], *commands: Sequence[str]) -> tuple[list[Answer], list[Ran]]:
    """Commands, one after the other, under load."""
    ran = []
    with asked(ledger, members) as answers:
        for words in commands:
            began = time.monotonic()
            ledger.loyalty(*words)
            ran.append(Ran(words, began, time.monotonic()))
        time.sleep(0.5)
    return answers, ran


def tell_rates(answers: Sequence[Answer], ran: Sequence[Ran]) -> None:
    """How many questions a second were answered while each command ran, of those that fell due."""
    for one in ran:
        count, seconds = len(one.within(answers)), one.ended - one.began
        print(
            f"loyalty {' '.join(one.words)}: {count:,} questions answered in {seconds:.1f} s, {count / seconds:,.0f}/s of"
            f" {A_SECOND}/s that fell due"
        )


def never_back(answers: list[Answer]) -> bool:
    """Whether everybody who asked after somebody was answered was told no older position."""
    done = sorted(answers, key=lambda answer: answer.answered_at, reverse=True)
    told = 0
    for answer in sorted(answers, key=lambda answer: answer.asked_at):
        while done and done[-1].answered_at < answer.asked_at:
            told = max(told, done.pop().body["position"])
        if answer.body["position"] < told:
            return False
    return True


def test_nobody_who_asks_notices_a_rebuild_and_what_is_sold_meanwhile_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        running(tmp_path) as ledger,
        ledger.client("command", "admin") as admin,
        ledger.client("query", "analyst") as analyst,
    ):
        for card in CARDS:
            joined = {"card": card, "registered_at": (NOW - timedelta(days=1)).isoformat()}
            admin.post("/members", json=joined).raise_for_status()
        asked_about, buyers = CARDS[:30], CARDS[30:]
        sell(admin, asked_about * 20 + buyers * 20, first=0)
        ledger.caught_up()
        members = {card: analyst.get("/members", params={"card": card}).json()["member_id"] for card in asked_about}

        # The live generation is made to tell twice as much: so each answer tells which generation it came from.
        with psycopg.connect(ledger.run["database_url"]) as connection:
            connection.execute("UPDATE balances_1.lots SET points = points * 2")
        refused = ledger.loyalty("rebuild", "balances", check=False)
        assert "lots: 1,200 of 1,200 rows only in the live generation, 1,200 of 1,200 only in the replay" in refused

        def tills() -> None:
            for turn in range(20):
                sell(admin, buyers, first=10_000 + 100 * turn)

        with ThreadPoolExecutor(1) as threads:
            selling = threads.submit(tills)
            answers, ran = meanwhile(
                ledger, members,
                ["rebuild", "balances", "--accept-differences"], ["rebuild", "balances"], ["rebuild", "--all"],
            )  # fmt: skip
            selling.result()
        assert {answer.status for answer in answers} == {200}
        assert {answer.path for answer in answers} == {f"/members/{member}/balance" for member in members.values()}
        told = [(answer.asked_at, answer.body["issued"], answer.body["available"]) for answer in answers]
        assert {(issued, available) for _, issued, available in told} == {(400, 400), (200, 200)}
        assert all(issued == 200 for at, issued, _ in told if at > ran[0].ended), (
            "nobody is answered from before the switch"
        )
        assert all(
            never_back([answer for answer in answers if answer.path == path])
            for path in {answer.path for answer in answers}
        )
        with capsys.disabled():
            tell_rates(answers, ran)
        assert all(len(one.within(answers)) >= ENOUGH for one in ran)
        by_generation = Counter(issued for _, issued, _ in told)
        assert min(by_generation.values()) >= ENOUGH, "nobody notices a switch who asks on one side of it only"

        ledger.caught_up()
        assert "conservation holds" in ledger.loyalty("audit", "conservation")
        with psycopg.connect(ledger.run["database_url"]) as connection:
            lives = connection.execute("SELECT projection, generation FROM projections_live ORDER BY 1").fetchall()
            lots = connection.execute("SELECT count(*) FROM balances_4.lots").fetchone()
        assert dict(lives) == {name: 4 if name == "balances" else 2 for name, _ in lives}
        assert lots == (60 * 20 + 30 * 20,)

        doubled = "UPDATE balances_3.lots SET points = points * 2"
        with psycopg.connect(ledger.run["database_url"]) as connection:
            connection.execute(doubled.encode())
        answers, ran = meanwhile(ledger, members, ["rebuild", "balances", "--back"])
        assert {answer.status for answer in answers} == {200}
        assert {answer.body["issued"] for answer in answers if answer.asked_at > ran[0].ended} == {400}
