"""Long answers, told line by line as they are made."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi.responses import StreamingResponse

AHEAD = 4
"""Parts that are made before the client has taken the ones before."""
PATIENCE_SECONDS = 30
"""How long a client may take nothing: what is asked of the database meanwhile is held open for it."""

Parts = asyncio.Queue[str | None]


async def streamed(parts: AsyncGenerator[str, None]) -> StreamingResponse:
    """The parts of an answer. What keeps the first from being made is raised here, so that it can be told by itself.

    Where a later one fails, or the client takes nothing for long, the connection is cut: nobody takes a part for the whole.
    """
    queue: Parts = asyncio.Queue(AHEAD)
    gone = asyncio.Event()
    making = asyncio.create_task(_make(parts, queue, gone))
    making.add_done_callback(lambda made: made.cancelled() or made.exception())
    first = await _next(queue, making)

    async def told() -> AsyncIterator[str]:
        part = first
        try:
            while part is not None:
                yield part
                part = await _next(queue, making)
        finally:  # it ends by itself, as a thread that works for it could not be ended
            gone.set()
            while not queue.empty():
                queue.get_nowait()

    return StreamingResponse(told(), media_type="application/x-ndjson")


async def _make(parts: AsyncGenerator[str, None], queue: Parts, gone: asyncio.Event) -> None:
    async with aclosing(parts):
        async for part in parts:
            if gone.is_set():
                return
            await asyncio.wait_for(queue.put(part), PATIENCE_SECONDS)
    await asyncio.wait_for(queue.put(None), PATIENCE_SECONDS)


async def _next(queue: Parts, making: "asyncio.Task[None]") -> str | None:
    getting = asyncio.create_task(queue.get())
    await asyncio.wait({getting, making}, return_when=asyncio.FIRST_COMPLETED)
    if not getting.done() and queue.empty():
        getting.cancel()
        making.result()
    return await getting
