"""An application behind a real server on a free port, for the time of a test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI


class OnePerThread(httpx.BaseTransport):
    """Connections of its own for each thread that asks.

    The pool of httpcore closes surplus connections without asking whether another thread has just begun to use one, and
    what that one asked fails with "Bad file descriptor".
    """

    def __init__(self) -> None:
        self._mine, self._all = threading.local(), list[httpx.HTTPTransport]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not hasattr(self._mine, "transport"):
            self._mine.transport = httpx.HTTPTransport(verify=False)
            self._all.append(self._mine.transport)
        return self._mine.transport.handle_request(request)  # type: ignore[no-any-return]

    def close(self) -> None:
        for transport in self._all:
            transport.close()


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application, for any number of threads; it begins and ends with its lifespan."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", timeout_keep_alive=60))
    thread = threading.Thread(target=server.run, name="served")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the application did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, transport=OnePerThread()) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
