"""Sends each body of a file once, over so many connections, and tells how long each took: PORT CLIENTS KEY PATH FILE."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httptools
import uvloop


class Client(asyncio.Protocol):
    """One till: sends the next request once the last one is answered."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._latencies = latencies
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._latencies.append(round(time.perf_counter() - self._sent, 6))
        status = self._parser.get_status_code()
        if status not in {200, 201}:
            self._end(RuntimeError(f"answered with status {status}"))
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._end(None)
            return
        self._parser = httptools.HttpResponseParser(self)
        self._sent = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]

    def _end(self, error: Exception | None) -> None:
        if self.finished.done():
            return
        if error is None:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)
        self._transport.close()


async def load(port: int, clients: int, key: str, path: str, texts: list[bytes]) -> dict[str, object]:
    """All requests are rendered before the first is sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    )
    requests = iter([f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text for text in texts])
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    connected = [
        await loop.create_connection(lambda: Client(requests, latencies), "127.0.0.1", port) for _ in range(clients)
    ]
    await asyncio.gather(*(client.finished for _, client in connected))
    return {"seconds": time.perf_counter() - started, "latencies": latencies}


if __name__ == "__main__":
    port, clients, key, path, file = sys.argv[1:]
    bodies = Path(file).read_bytes().splitlines()
    print(json.dumps(uvloop.run(load(int(port), int(clients), key, path, bodies))))
