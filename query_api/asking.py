"""What most questions have in common: the reader, the instant they are about, and the position to wait for."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from infra.web import Problem
from query_api.reading import Reader, Wait, reader

TheReader = Annotated[Reader, Depends(reader)]

AsOf = Annotated[
    AwareDatetime | None,
    Query(description="The instant that the answer is about, with its offset from UTC; now, if left out."),
]


Waiting = Annotated[Wait, Depends()]


def instant(as_of: datetime | None) -> datetime:
    return datetime.now(UTC) if as_of is None else as_of.astimezone(UTC)


def unknown(what: str, detail: str) -> Problem:
    return Problem(f"unknown-{what}", 404, detail)
