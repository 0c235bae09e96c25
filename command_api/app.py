"""The Command API as an application: its routes, and how a refusal or an outage is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from command_api import (
    campaigns,
    corrections,
    coupons,
    members,
    programmes,
    purchases,
    quotes,
    receipts,
    redemptions,
    referrals,
    reservations,
    rewards,
    segments,
    tills,
)
from command_api.direct import Api
from command_api.door import Door
from command_api.gathering import Gathering
from command_api.refusals import problem_of
from command_api.turns import StoreUnavailable, TooBusy
from domain.loyalty import Loyalty
from domain.messages.batches import MemberBatch, PurchaseBatch
from domain.messages.campaigns import CampaignBody
from domain.messages.members import MemberPatch
from domain.messages.programmes import LintBody, PolicyBody
from domain.messages.purchases import CardIds
from domain.messages.quotes import QuoteBody, QuoteReleaseBody
from domain.messages.reading import Message
from domain.messages.receipts import ClaimBody, ReassignmentBody
from domain.messages.returns import ReturnBody, VoidBody
from domain.messages.segments import SegmentBody
from domain.messages.tills import ClosingBody
from domain.personal_data import Sealing
from domain.quote import Signing
from domain.refusals import Refusal
from infra.documentation import DOCUMENTED, serve_documentation
from infra.keys import Keyring
from infra.personal_data import KeysUnavailable
from infra.web import Problem, tell_problems

router = APIRouter(tags=["health"])

ROUTERS = [  # asked most first: a request is held against each in turn
    purchases.direct, purchases.router, quotes.router, redemptions.router, members.router, campaigns.router, programmes.router,
    corrections.router, receipts.router, coupons.router, rewards.router, segments.router, referrals.router,
    reservations.router, tills.router, router,
]  # fmt: skip
BODIES: list[type[Message]] = [
    PurchaseBatch, ReturnBody, VoidBody, ClaimBody, ReassignmentBody, MemberBatch, MemberPatch, CampaignBody, PolicyBody,
    LintBody, SegmentBody, QuoteBody, QuoteReleaseBody, ClosingBody,
    *corrections.BODIES,
    *redemptions.BODIES,
    *coupons.BODIES,
    *rewards.BODIES,
    *referrals.BODIES,
]  # fmt: skip
"""What the routes read by themselves, for the documentation."""


def create_app(
    loyalty: Loyalty,
    *,
    keyring: Keyring,
    card_ids: CardIds,
    personal_data: Sealing,
    signing: Signing,
    most_waiting: int,
) -> FastAPI:
    """The application; it owns the ledger's writer from now on.

    `most_waiting`: so many commands, and as many questions, may wait for those under way.
    """
    gathering = Gathering(loyalty, most_waiting=most_waiting)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        gatherer = asyncio.create_task(gathering.run())
        yield
        gatherer.cancel()
        with suppress(asyncio.CancelledError):
            await gatherer
        gathering.close()

    app = Api(
        title="Loyalty ledger: commands",
        version="1.0",
        description="Tills and staff tell what happened. Every refusal is a problem with a stable `type`.",
        lifespan=life,
        redirect_slashes=False,
        **DOCUMENTED,
    )
    app.state.keyring = keyring
    app.state.door = Door(gathering, card_ids, personal_data, signing)
    for part in ROUTERS:
        app.include_router(part)
    serve_documentation(app, BODIES)
    tell_problems(app)
    _tell_refusals(app)
    return app


@router.get("/health")
async def health() -> dict[str, str]:
    """Whether the process runs."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request) -> dict[str, object]:
    """Whether commands can be carried out: the database answers."""
    gathering: Gathering = request.app.state.door.gathering
    try:
        position = await run_in_threadpool(gathering.position)
    except StoreUnavailable as error:
        raise _unavailable() from error
    return {"status": "ready", "position": position}


def _tell_refusals(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        name, status, detail, fields = problem_of(refusal)
        return Problem(name, status, detail, **fields).response()

    @app.exception_handler(KeysUnavailable)
    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, __: Exception) -> JSONResponse:
        return _unavailable().response()

    @app.exception_handler(TooBusy)
    async def busy(_: Request, __: TooBusy) -> JSONResponse:
        return Problem("too-busy", 503, TooBusy.__doc__ or "", headers={"Retry-After": "1"}).response()


def _unavailable() -> Problem:
    return Problem("store-unavailable", 503, StoreUnavailable.__doc__ or "", headers={"Retry-After": "1"})
