"""Whether the door is open, and how far everything behind it has come."""

import asyncio

import psycopg
from fastapi import APIRouter, Depends, Request
from kafka.errors import KafkaError
from starlette.concurrency import run_in_threadpool

from infra.web import Problem, requires
from projections.status import Status
from projections.status import status as status_of
from query_api.asking import TheReader

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(read: TheReader) -> dict[str, object]:
    """Whether questions can be answered: the read models are there, and their database answers."""
    async with read.look("members") as snapshot:
        return {"status": "ready", "position": snapshot.position}


@router.get("/status", dependencies=[Depends(requires("staff", "analyst", "auditor"))])
async def status(request: Request) -> Status:
    """Positions and lag of intake, relay and each projection."""
    try:
        async with asyncio.timeout(10):
            return await run_in_threadpool(status_of, request.app.state.settings)
    except (psycopg.OperationalError, KafkaError, TimeoutError) as error:
        raise Problem(
            "store-unavailable", 503, "The database or the brokers do not answer.", headers={"Retry-After": "1"}
        ) from error
