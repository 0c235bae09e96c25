"""Read models rebuilt while tills sell and five hundred questions a second are asked: none fails, none is half old and half new."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from tests.journeys.ledger import Ledger, running

A_SECOND = 500
"""Questions that fall due; how many a machine answers beside all else is told, and no reason to fail."""
ENOUGH = 100
"""Fewer questions answered while a command ran would say nothing about it."""
AT_ONCE = 32
CARDS = [str(900_000_000 + number) for number in range(60)]
NOW = datetime.now(UTC)


class Answer(NamedTuple):
    """What was answered to a question, and when."""

    asked_at: float
    answered_at: float
    card: str
    status: int
    balance: dict[str, Any]


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


async def ask_on(url: str, key: str, members: dict[str, str], stop: asyncio.Event) -> list[Answer]:
    """Questions fall due at an even pace; whoever is late is late, and none is left out."""
    answers: list[Answer] = []
    started, numbers = time.monotonic(), iter(range(10**9))
    cards = list(members)

    async def asker(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            number = next(numbers)
            await asyncio.sleep(max(0, started + number / A_SECOND - time.monotonic()))
            asked_at, card = time.monotonic(), cards[number % len(cards)]
            response = await client.get(f"/members/{members[card]}/balance")
            answers.append(Answer(asked_at, time.monotonic(), card, response.status_code, response.json()))

    # Who keeps a connection as long as the server does may ask on one that is just being closed.
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=2)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=30) as client:
        await asyncio.gather(*(asker(client) for _ in range(AT_ONCE)))
    return answers


class Ran(NamedTuple):
    """A command, when it began and when it had ended."""

    words: Sequence[str]
    began: float
    ended: float

    def within(self, answers: Sequence[Answer]) -> list[Answer]:
        """What was asked and answered while it ran."""
        return [one for one in answers if self.began < one.asked_at and one.answered_at < self.ended]


async def meanwhile(
    ledger: Ledger, members: dict[str, str], *commands: Sequence[str]
) -> tuple[list[Answer], list[Ran]]:
    """Commands, one after the other, under load."""
    stop = asyncio.Event()
    asking = asyncio.create_task(ask_on(ledger.run["query_url"], ledger.keys["analyst"], members, stop))
    ran = []
    for words in commands:
        began = time.monotonic()
        await asyncio.to_thread(ledger.loyalty, *words)
        ran.append(Ran(words, began, time.monotonic()))
    await asyncio.sleep(0.5)
    stop.set()
    return await asking, ran


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
            told = max(told, done.pop().balance["position"])
        if answer.balance["position"] < told:
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

        async def tills() -> None:
            for turn in range(20):
                await asyncio.to_thread(sell, admin, buyers, first=10_000 + 100 * turn)

        async def all_at_once() -> tuple[list[Answer], list[Ran]]:
            selling = asyncio.create_task(tills())
            found = await meanwhile(
                ledger, members,
                ["rebuild", "balances", "--accept-differences"], ["rebuild", "balances"], ["rebuild", "--all"],
            )  # fmt: skip
            await selling
            return found

        answers, ran = asyncio.run(all_at_once())
        assert {answer.status for answer in answers} == {200}
        assert {answer.card for answer in answers} == set(asked_about)
        told = [(answer.asked_at, answer.balance["issued"], answer.balance["available"]) for answer in answers]
        assert {(issued, available) for _, issued, available in told} == {(400, 400), (200, 200)}
        assert all(issued == 200 for at, issued, _ in told if at > ran[0].ended), (
            "nobody is answered from before the switch"
        )
        assert all(never_back([answer for answer in answers if answer.card == card]) for card in asked_about)
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
        answers, ran = asyncio.run(meanwhile(ledger, members, ["rebuild", "balances", "--back"]))
        assert {answer.status for answer in answers} == {200}
        assert {answer.balance["issued"] for answer in answers if answer.asked_at > ran[0].ended} == {400}
