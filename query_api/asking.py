"""What most questions have in common: the reader, the instant they are about, and the position to wait for."""

from datetime import UTC, datetime
from typing import Annotated, NoReturn

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import Field

from infra.web import Problem
from query_api.reading import Instant, Reader, Wait, reader, waiting

TheReader = Annotated[Reader, Depends(reader)]

Words = Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")]
"""Text as PostgreSQL can compare it."""

AsOf = Annotated[
    Instant | None,
    Query(
        description="The instant that the answer is about, with its offset from UTC; `known_at`, or else now, if left out."
    ),
]

After = Annotated[Words, Query(description="The `next` of the page before.")]

Waiting = Annotated[Wait, Depends(waiting)]


def instant(as_of: datetime | None, wait: Wait | None = None) -> datetime:
    """The instant that a question is about: it may go without, or only say what is to be known."""
    stated = as_of or (wait.known_at if wait else None)
    return datetime.now(UTC) if stated is None else stated.astimezone(UTC)


def unknown(what: str, detail: str) -> Problem:
    return Problem(f"unknown-{what}", 404, detail)


def no_member() -> NoReturn:
    raise unknown("member", "There is no such member, or their facts have not arrived here yet: see `at_least`.")


def no_programme() -> Problem:
    return Problem("no-programme-in-force", 404, "No version of the programme was in force then.")


async def only_known_parameters(request: Request) -> None:
    """A parameter that is misspelt would otherwise be passed over, and another question answered than was asked."""
    strangers = sorted(set(request.query_params) - _parameters(request.scope["route"].dependant))
    if strangers:
        raise Problem(
            "invalid-request", 422, "Leave out or correct the parameters that are named.",
            fields=[f"query.{name}" for name in strangers], problems=["Unknown parameter"] * len(strangers),
        )  # fmt: skip


def _parameters(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_parameters, dependant.dependencies))
