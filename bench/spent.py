"""Processor time: what something costs, however busy the machine is with other work."""

from collections.abc import Sequence

import psutil
from psycopg import Connection

from cli.roles import RoleProcess


class Spent:
    """Processor time of some roles and of all of a PostgreSQL server."""

    def __init__(self, roles: Sequence[RoleProcess], database: Connection) -> None:
        self._roles = [process_of(role) for role in roles]
        parent = psutil.Process(database.info.backend_pid).parent()
        assert parent is not None, "our server runs on this machine"
        self._server = parent

    def seconds(self) -> float:
        """So far; of the server also what its connections that have ended took."""
        ended = sum(self._server.cpu_times()[:4])
        running = [*self._roles, *self._server.children(recursive=True)]
        return ended + sum(sum(one.cpu_times()[:2]) for one in running)


def process_of(role: RoleProcess) -> psutil.Process:
    """The process in which a role runs."""
    assert role.pid is not None, f"{role.name} has ended"
    return psutil.Process(role.pid)
