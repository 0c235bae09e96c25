"""Proofs for auditors: that no point was lost, doubled or invented."""

from datetime import UTC, datetime

import psycopg
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from infra.web import Problem, requires
from projections.proofs.conservation import Conservation, prove
from projections.proofs.slices import NothingProjected
from query_api.turns import turn

router = APIRouter(prefix="/proofs", tags=["proofs"], dependencies=[Depends(requires("auditor"))])


@router.get("/conservation")
async def conservation(request: Request) -> Conservation:
    """Fold the whole log anew, check every equation of points and debt, and compare the read model.

    It takes seconds on every processor, in processes of their own; one proof follows the other.
    """
    async with turn(request.app.state.proving):
        try:
            return await run_in_threadpool(prove, request.app.state.settings, as_of=datetime.now(UTC))
        except NothingProjected as error:
            raise Problem(
                "not-yet", 425, "No projector has run yet. Start one, then repeat the request.", position=0
            ) from error
        except psycopg.OperationalError as error:
            raise Problem(
                "store-unavailable",
                503,
                "The database does not answer. Repeat the request.",
                headers={"Retry-After": "1"},
            ) from error
