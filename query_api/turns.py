"""Questions that take the whole machine, or a long look at it: they follow one another, and none waits without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.web import Problem

PATIENCE_SECONDS = 30
"""How long a question waits for its turn: less than proxies and clients wait for an answer."""


@asynccontextmanager
async def turn(taken: asyncio.Lock | asyncio.Semaphore) -> AsyncIterator[None]:
    """A turn of one's own; who would wait for long is told to come back."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await taken.acquire()
    except TimeoutError as error:
        raise Problem(
            "too-busy", 503, "Other questions that go through the whole log are before it. Repeat the request.",
            headers={"Retry-After": "10"},
        ) from error  # fmt: skip
    try:
        yield
    finally:
        taken.release()
