"""The Query API as an application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool

from infra.database import connect
from infra.documentation import DOCUMENTED, serve_documentation
from infra.keys import Keyring
from infra.personal_data import PersonalData
from infra.settings import Settings
from infra.web import tell_problems
from projections import schema
from query_api import (
    balances,
    campaigns,
    completeness,
    evidence,
    explaining,
    facts,
    health,
    liability,
    members,
    points,
    proofs,
    purchases,
    referrals,
    returns,
    rewards,
    segments,
)
from query_api.asking import only_known_parameters
from query_api.explaining import Explaining
from query_api.facts import Log
from query_api.reading import Reader


def create_app(
    settings: Settings, *, keyring: Keyring, card_id: Callable[[str], UUID], personal_data: PersonalData
) -> FastAPI:
    """The application; `card_id` turns a card number into the id that stands for it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(_make_tables, settings)
        app.state.reader, app.state.log = Reader(settings), Log(settings)
        app.state.explaining = Explaining(settings)
        await app.state.reader.open()
        await app.state.log.pool.open()
        app.state.explaining.open()
        yield
        app.state.explaining.close()
        await app.state.reader.close()
        await app.state.log.pool.close()

    app = FastAPI(
        title="Loyalty ledger: queries",
        version="1.0",
        description="Every answer has the log position up to which it is complete; `at_least` waits for one.",
        lifespan=life,
        redirect_slashes=False,
        **DOCUMENTED,
    )
    app.state.settings = settings
    app.state.keyring = keyring
    app.state.card_id = card_id
    app.state.personal_data = personal_data
    app.state.programme = settings.programme
    app.state.proving = asyncio.Lock()
    app.state.telling = asyncio.Semaphore(balances.AT_ONCE)
    app.include_router(health.router)
    for part in (
        members, points, balances, liability, purchases, campaigns, facts, proofs, evidence, explaining, completeness, returns, segments, referrals,
        rewards,
    ):  # fmt: skip
        app.include_router(part.router, dependencies=[Depends(only_known_parameters)])
    serve_documentation(app)
    tell_problems(app)
    return app


def _make_tables(settings: Settings) -> None:
    with connect(settings.read_url) as connection:
        schema.ensure(connection)
