"""More than the database carries: what can wait waits, the rest is sent away, and nothing that was accepted is lost."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from infra.database import WRITERS_LOCK, connect
from tests.builders import join
from tests.command_api.till import Till, till_of, told
from tests.domain.story import JOINED_AT

QUEUE, MANY = 10, 60


def purchase(number: int) -> dict[str, Any]:
    return {
        "source": "/stores/1", "id": f"R-{number}", "time": "2023-05-02T04:00:00Z", "currency": "CNY", "store": "1",
        "card": "1001", "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 1_000}],
        "tenders": [{"kind": "card", "amount_minor": 1_000}],
    }  # fmt: skip


@contextmanager
def stalled(till: Till) -> Iterator[None]:
    """A database that writes nothing: somebody else keeps the writers' lock."""
    with connect(till.ledger.url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (WRITERS_LOCK,))
        yield


def wait_for_a_writer(till: Till) -> None:
    deadline = time.monotonic() + 30
    while not till.ledger.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        assert time.monotonic() < deadline, "no writer came"
        time.sleep(0.02)


def first_of(asked: Sequence[Future[httpx.Response]], number: int) -> list[httpx.Response]:
    answers = as_completed(asked, timeout=30)
    return [next(answers).result() for _ in range(number)]


def test_what_is_too_much_is_sent_away_and_nothing_accepted_is_lost(database_url: str, tmp_path: Path) -> None:
    with (
        till_of(database_url, tmp_path, join(at=JOINED_AT), command_queue=QUEUE) as till,
        ThreadPoolExecutor(1 + MANY) as tills,
    ):
        with stalled(till):
            under_way = tills.submit(till.post, "/purchases", purchase(0))
            wait_for_a_writer(till)
            asked = [tills.submit(till.post, "/purchases", purchase(number)) for number in range(1, 1 + MANY)]
            sent_away = first_of(asked, MANY - QUEUE)
            batch = {"items": [purchase(number) for number in range(100, 200)]}
            sent_away.append(till.post("/purchases/batch", batch))
            waiting = [one for one in asked if not one.done()]
        assert len(waiting) == QUEUE
        for answer in sent_away:
            assert told(answer, 503)["type"] == "urn:loyalty:too-busy"
            assert int(answer.headers["Retry-After"]) > 0
        accepted = [told(one.result(timeout=30)) for one in (under_way, *waiting)]
        kept = {row["external_id"] for row in till.ledger.states("PurchaseRecorded.v1")}
        assert len(kept) == len({one["purchase_id"] for one in accepted}) == 1 + QUEUE
        for number in range(1 + MANY):
            told(till.post("/purchases", purchase(number)))
        assert [item["status"] for item in told(till.post("/purchases/batch", batch), 200)["items"]] == [201] * 100
        kept = {row["external_id"] for row in till.ledger.states("PurchaseRecorded.v1")}
        assert kept == {f"R-{number}" for number in (*range(1 + MANY), *range(100, 200))}
