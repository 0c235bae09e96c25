"""What is owed in points, rolled forward by month."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from infra.settings import Settings
from infra.web import Problem, requires
from projections.liability import run
from projections.liability.asked import month, shares, worth
from query_api.asking import Words
from query_api.past import refuse_future
from query_api.reading import Instant, KnownAt
from query_api.turns import turn

T = TypeVar("T")

router = APIRouter(prefix="/liability", tags=["points"], dependencies=[Depends(requires("analyst", "auditor"))])


class Roll(BaseModel):
    """From one balance to the next: opening + issued - redeemed - expired - revoked + reestimated = closing."""

    opening: int = Field(description="As the month before closed")
    issued: int = Field(description="Given, with purchases or without; in money, what was deferred for it")
    redeemed: int = Field(description="Spent, or used to pay debt, less what came back; in money, revenue")
    expired: int = Field(description="Lapsed by the clock; in money, what can no longer be redeemed")
    revoked: int = Field(description="Taken back after returns, or by staff")
    reestimated: int = Field(description="What the new estimate changes of the balance; 0 in points")
    closing: int = Field(description="What is owed as the month ends")


class MonthTold(BaseModel):
    """A local month of the programme."""

    month: str = Field(description="As 2026-03")
    paid_minor: int = Field(description="Paid for purchases that earned points, in minor units")
    expected: str = Field(
        description="The share of points expected to be redeemed in the end, as the month closed: exact"
    )
    points: Roll = Field(description="In points")
    money: Roll = Field(description="In minor units")


class MonthRestated(BaseModel):
    """A month that is told otherwise now."""

    was: MonthTold | None = Field(description="As it was told; null if it was not")
    is_: MonthTold | None = Field(alias="is", description="As it is told now; null if it is not")


class CameLater(BaseModel):
    """Facts that were recorded later, of a month that had been told."""

    fact: str = Field(description="Their stored name")
    month: str = Field(description="When they happened")
    facts: int = Field(description="How many")


class Restated(BaseModel):
    """What is told otherwise than at a former time."""

    position: int = Field(description="Up to which the log was known then")
    months: list[MonthRestated] = Field(description="The months that differ")
    because: list[CameLater] = Field(description="What came later and happened in those months or before")


class Liability(BaseModel):
    """Points as a deferred obligation, month by month. The same log and assumptions give the same answer."""

    position: int = Field(description="The log position up to which the answer is complete")
    time_zone: str = Field(description="The programme's time zone, whose months they are")
    currency: str = Field(description="The currency of all amounts")
    face_minor: str = Field(description="What a point buys, in minor units: exact")
    prior: dict[str, str] = Field(
        description="The shares that were assumed: by the month since when, '' for all before"
    )
    horizon_months: int = Field(description="After how many months a cohort's redemptions are taken to be complete")
    months: list[MonthTold] = Field(description="The months, in their order")
    restated: Restated | None = Field(None, description="What is told otherwise; null unless asked for")


@router.get("")
async def liability(
    request: Request,
    expected: Annotated[
        list[Words], Query(description="The share of points that will be redeemed, while history is short: 0.95, or 2026-03=0.97.")
    ],
    begins: Annotated[Words | None, Query(alias="from", description="Tell months from this one on, as 2026-03.")] = None,
    ends: Annotated[Words | None, Query(alias="to", description="The last month; the latest recorded, if left out.")] = None,
    face: Annotated[
        Words | None, Query(description="What a point buys, in minor units; the programme's `points_as_cash`, if left out.")
    ] = None,
    horizon: Annotated[
        int, Query(ge=1, le=1_200, description="Months after which a cohort's redemptions are taken to be complete.")
    ] = 24,
    known_at: KnownAt = None,
    restated_since: Annotated[
        Instant | None, Query(description="Tell which months, as known then, are told otherwise, and why.")
    ] = None,
) -> Liability:  # fmt: skip
    """What is owed in points, rolled forward month by month (IFRS 15).

    It reads what moved points, on every processor, in processes of their own; one such question follows the other.
    """
    for at in (known_at, restated_since):
        if at is not None:
            refuse_future(at)
    question = run.Question(
        _read("expected", lambda: shares(expected)), horizon, _read("face", lambda: worth(face) if face else None),
        known_at=known_at, until=_read("to", lambda: month(ends) if ends else None),
    )  # fmt: skip
    first = _read("from", lambda: month(begins) if begins else None)
    async with turn(request.app.state.proving):
        return await run_in_threadpool(_told, request.app.state.settings, question, first, restated_since)


def _told(settings: Settings, question: run.Question, first: str | None, since: datetime | None) -> Liability:
    try:
        return Liability.model_validate(run.asked(settings, question, begins=first, restated_since=since))
    except run.NothingKnown as error:
        raise Problem("nothing-known", 404, "Nothing about points had been recorded by then.") from error
    except run.WorthUnknown as error:
        raise Problem(
            "worth-unknown", 422, "The programme does not say what a point is worth: say it with `face`."
        ) from error
    except run.LogDoesNotAddUp as error:
        raise Problem(
            "log-does-not-add-up", 503, "An account breaks an equation of the ledger: `loyalty audit` tells which."
        ) from error
    except psycopg.OperationalError as error:
        raise Problem(
            "store-unavailable", 503, "The log does not answer. Repeat the request.", headers={"Retry-After": "1"}
        ) from error


def _read(field: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as error:
        raise Problem(
            "invalid-request", 422, "Leave out or correct the parameters that are named.", fields=[f"query.{field}"],
            problems=[str(error)],
        ) from error  # fmt: skip
