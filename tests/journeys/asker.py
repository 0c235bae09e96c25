"""Asks at an even pace, in a process of its own: URL KEY A_SECOND PATHS..., until its input ends; then prints every answer as a line of JSON.

Lean, as it has the processors of those whom it asks: a client of another kind took longer to ask than the server to answer.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httptools
import uvloop

CLIENTS = 32


class Answer(NamedTuple):
    """What was answered to a question, and when, on the clock that all processes of a machine share."""

    asked_at: float
    answered_at: float
    path: str
    status: int
    body: Any


class Connection(asyncio.Protocol):
    """One question at a time."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._answered is not None:
            self._answered.set_result((self._parser.get_status_code(), self._body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("the server closed the connection"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._parser, self._body = httptools.HttpResponseParser(self), b""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)  # type: ignore[attr-defined]
        return await self._answered


async def ask_on(url: str, key: str, a_second: int, paths: list[str], stopped: Callable[[], bool]) -> list[Answer]:
    """Questions fall due at an even pace; whoever is late is late, and none is left out."""
    where, numbers = urlsplit(url), itertools.count()
    requests = [f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode() for path in paths]
    answers: list[Answer] = []
    started = time.monotonic()

    async def asking() -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, where.hostname or "", where.port or 80)
        while not stopped():
            number = next(numbers)
            await asyncio.sleep(max(0, started + number / a_second - time.monotonic()))
            asked_at, place = time.monotonic(), number % len(paths)
            status, body = await connection.ask(requests[place])
            answers.append(Answer(asked_at, time.monotonic(), paths[place], status, body))

    await asyncio.gather(*(asking() for _ in range(CLIENTS)))
    return answers


async def main(url: str, key: str, a_second: str, *paths: str) -> None:
    """Until the input ends."""
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    answers = await ask_on(url, key, int(a_second), list(paths), ended.done)
    for one in answers:
        sys.stdout.write(json.dumps([*one[:4], json.loads(one.body)]) + "\n")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(main(*sys.argv[1:]))
