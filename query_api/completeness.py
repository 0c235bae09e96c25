"""Completeness: what tills counted, held against what is recorded."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from domain.messages.tills import BusinessDay
from infra.web import Problem, requires
from projections.completeness.run import Completeness, NothingPublished, Question, completeness
from query_api.asking import Words, no_programme
from query_api.past import refuse_future, telling
from query_api.reading import KnownAt
from query_api.turns import turn

MOST_DAYS = 93

router = APIRouter(prefix="/completeness", tags=["proofs"], dependencies=[Depends(requires("auditor", "staff"))])


@router.get("")
async def complete(
    request: Request,
    begins: Annotated[
        BusinessDay, Query(alias="from", description="The first business day: a local day of the programme.")
    ],
    ends: Annotated[
        BusinessDay, Query(alias="to", description=f"The last business day, at most {MOST_DAYS} of them in all.")
    ],
    store: Annotated[Words | None, Query(description="Only tills of this store.")] = None,
    till: Annotated[Words | None, Query(description="Only this till, by the source of its messages.")] = None,
    state: Annotated[
        Literal["complete", "differs", "not-closed"] | None,
        Query(description="Only days of this state; sums are of all."),
    ] = None,
    known_at: KnownAt = None,
) -> Completeness:
    """Per till and business day: what the till counted, what is recorded, and the numbers of receipts that are missing.

    It reads the log from the first day on, on every processor; one such question follows the other.
    """
    if not begins <= ends <= begins + timedelta(days=MOST_DAYS - 1):
        raise Problem(
            "invalid-request", 422, "Leave out or correct the parameters that are named.", fields=["query.to"],
            problems=[f"It is no day from `from` on, up to {MOST_DAYS} days in all"],
        )  # fmt: skip
    if known_at is not None:
        refuse_future(known_at)
    question = Question(begins, ends, store, till, known_at)
    async with turn(request.app.state.proving):
        try:
            with telling("A fact"):
                found = await run_in_threadpool(completeness, request.app.state.settings, question)
        except NothingPublished as error:
            raise no_programme() from error
    if state is not None:
        found.items = [one for one in found.items if one.state == state]
    return found
