"""Ports of loopback that nobody uses."""

import random
import socket
from contextlib import ExitStack

# Below the range that systems hand out to outgoing connections: a client that retries against a service which is
# just restarting could otherwise be given the service's own port, and keep it.
_RANGE = range(15_000, 32_000)
_LOOPBACK = "127.0.0.1"


def free_ports(number: int) -> tuple[int, ...]:
    """So many different free ports, chosen at random lest starts side by side choose the same."""
    with ExitStack() as held:
        found: list[int] = []
        for port in random.sample(_RANGE, k=len(_RANGE)):
            probe = held.enter_context(socket.socket())
            if _bind(probe, port):
                found.append(port)
            if len(found) == number:
                return tuple(found)
    raise OSError(f"no {number} free ports in {_RANGE.start}-{_RANGE.stop}")


def is_free(port: int, *, host: str = _LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # as servers do: connections of the last one that still linger do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _bind(probe, port, host=host)


def _bind(probe: socket.socket, port: int, *, host: str = _LOOPBACK) -> bool:
    try:
        probe.bind((host, port))
    except OSError:
        return False
    return True
