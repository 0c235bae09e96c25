"""Why a figure is what it is: its facts and rules, worked out once more from the log."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Path, Query, Request
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.concurrency import run_in_threadpool

from domain.refusals import NoProgrammeInForce
from infra.paths import PurchaseId
from infra.settings import Settings
from infra.web import Problem, requires
from projections.explaining.asking import Asking
from projections.explaining.case import NothingYet
from projections.explaining.recorded import NotRecorded
from projections.explaining.step import Explanation
from projections.known import BeforeFirstFact
from projections.wording import Language
from query_api.asking import AsOf, no_programme, unknown
from query_api.past import before_first_event, before_first_fact, refuse_future
from query_api.reading import KnownAt

router = APIRouter(prefix="/explain", tags=["explain"], dependencies=[Depends(requires("staff", "analyst", "auditor"))])

Member = Annotated[UUID, Query(description="The member.")]
Position = Annotated[int, Path(le=2**63 - 1, description="Its place in the log; the number of a letter.")]
InLanguage = Annotated[Language, Query(description="The language of the words: English or Chinese.")]


class Explaining:
    """Connections for explanations: each reads the log and a read model, and works beside the other questions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._log, self._read = (
            ConnectionPool(
                url or "", open=False, min_size=0, max_size=2, timeout=5, check=ConnectionPool.check_connection,
                kwargs={"autocommit": True, "options": "-c plan_cache_mode=force_custom_plan"},
            )
            for url in (settings.database_url, settings.read_url)
        )  # fmt: skip

    def open(self) -> None:
        self._log.open()
        self._read.open()

    def close(self) -> None:
        self._log.close()
        self._read.close()

    def ask(self, ask: Callable[[Asking], Explanation], language: Language, known_at: datetime | None) -> Explanation:
        """An explanation, or the problem that there is."""
        settings = self._settings
        if known_at is not None:
            refuse_future(known_at)
        try:
            with self._log.connection() as log, self._read.connection() as read:
                return ask(Asking(log, read, settings.programme, settings.partitions, language, known_at))
        except NotRecorded as error:
            told = str(error)
            raise unknown(error.what.replace(" ", "-"), f"{told[0].upper()}{told[1:]}.") from error
        except BeforeFirstFact as error:
            raise before_first_fact(error.first) from error
        except NothingYet as error:
            raise before_first_event(error.first) from error
        except NoProgrammeInForce as error:
            raise no_programme() from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Problem(
                "store-unavailable", 503, "The log does not answer. Repeat the request.", headers={"Retry-After": "1"}
            ) from error


async def _explained(
    request: Request, ask: Callable[[Asking], Explanation], language: Language, known_at: datetime | None
) -> Explanation:
    explaining: Explaining = request.app.state.explaining
    return await run_in_threadpool(explaining.ask, ask, language, known_at)


@router.get("/balance")
async def balance(
    request: Request, member: Member, as_of: AsOf = None, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """The points that a member can spend: what came, what became of it, what the clock did."""
    return await _explained(request, lambda asking: asking.balance(member, as_of), language, known_at)


@router.get("/expiry")
async def expiry(
    request: Request, member: Member, as_of: AsOf = None, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """What of a member's points will lapse when, lot by lot, and by which rule."""
    return await _explained(request, lambda asking: asking.expiry(member, as_of), language, known_at)


@router.get("/tier")
async def tier(
    request: Request, member: Member, as_of: AsOf = None, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """A member's tier: what qualifies, the rules in force, the reviews."""
    return await _explained(request, lambda asking: asking.tier(member, as_of), language, known_at)


@router.get("/fact/{position}")
async def fact(
    request: Request, position: Position, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """One fact: what went in, by which rules, and whether they give the same once more."""
    return await _explained(request, lambda asking: asking.fact(position), language, known_at)


@router.get("/purchase/{purchase_id}")
async def purchase(
    request: Request, purchase_id: PurchaseId, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """A purchase: what it earned, what its returns took, what points paid of it."""
    return await _explained(request, lambda asking: asking.purchase(purchase_id), language, known_at)


@router.get("/discount/{purchase_id}")
async def discount(
    request: Request, purchase_id: PurchaseId, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """What the programme took off the price of a purchase, by the quote that it was sold by."""
    return await _explained(request, lambda asking: asking.discount(purchase_id), language, known_at)


@router.get("/refusal/{position}")
async def refusal(
    request: Request,
    position: Position,
    member: Annotated[
        UUID | None, Query(description="Whose points were to be spent: the refusal does not say.")
    ] = None,
    known_at: KnownAt = None,
    language: InLanguage = "en",
) -> Explanation:
    """A message that would have spent points, and is remembered as refused."""
    return await _explained(request, lambda asking: asking.refusal(position, member), language, known_at)


@router.get("/letter/{letter_id}")
async def letter(
    request: Request, letter_id: Position, known_at: KnownAt = None, language: InLanguage = "en"
) -> Explanation:
    """A dead letter: why a message from Kafka was not accepted. Its message stays sealed."""
    return await _explained(request, lambda asking: asking.letter(letter_id), language, known_at)
