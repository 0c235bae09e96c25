"""Purchases: from the receipt in a customer's hand to its purchase, and what is left of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from domain.basket import Line, Word, paid
from domain.fact import message_id
from domain.purchase import Purchase, PurchaseRecorded, ReturnClosed, ReturnKept
from domain.returned import decimal
from infra.paths import PurchaseId
from infra.stored_facts import FactMapper, UnknownFactName
from infra.web import requires
from query_api.asking import AsOf, TheReader, instant, unknown
from query_api.facts import Log
from query_api.reading import KnownAt, Reader

router = APIRouter(
    prefix="/purchases", tags=["purchases"], dependencies=[Depends(requires("till", "staff", "analyst", "auditor"))]
)

_STREAM = """
SELECT originator_version, name, state, known.position FROM facts, (
    SELECT coalesce(%(known)s::bigint, max(position)) AS position FROM facts
) AS known
WHERE originator_id = %(stream)s AND facts.position <= known.position
    AND (%(as_of)s::timestamptz IS NULL OR (convert_from(state, 'UTF8')::jsonb ->> 'occurred_at')::timestamptz <= %(as_of)s)
ORDER BY originator_version
"""
_BEFORE_SOLD = PurchaseRecorded, ReturnKept, ReturnClosed
_MAPPER = FactMapper({kind.stored_name: kind for kind in Purchase.evolvers})

Source = Annotated[Word, Query(description="The till, as the receipt's message named it.")]
ReceiptId = Annotated[Word, Query(alias="id", description="The receipt's number at that till.")]


class LineTold(BaseModel):
    """A line of a purchase, and what of it can still go back."""

    line: str = Field(description="What a return calls it by")
    sku: str = Field(description="What was sold")
    category: str | None = Field(description="Its category, where the till told one")
    quantity: int | str = Field(description="The pieces that were sold; a decimal string for weighed goods")
    paid_minor: int = Field(description="What was paid for it, in minor units")
    left_quantity: int | str = Field(description="The pieces that can still go back")
    left_minor: int = Field(description="The money that can still go back, in minor units")


class PurchaseTold(BaseModel):
    """A purchase. Of one that has not arrived, while its returns wait for it, only `purchase_id` is known."""

    purchase_id: UUID = Field(description="What returns, voids, claims and reassignments call it by")
    state: Literal["recorded", "voided", "waiting"] = Field(
        description="`waiting`: only returns of it have arrived, and wait for it"
    )
    buyer: Literal["member", "unclaimed", "anonymous"] | None = Field(
        None, description="A member; nobody yet, as the card has no holder; or nobody, as the receipt names no card"
    )
    member_id: UUID | None = Field(None, description="The member it is credited to")
    occurred_at: datetime | None = Field(None, description="When it was sold")
    store: str | None = Field(None, description="Where it was sold")
    currency: str | None = Field(None, description="The currency of all its amounts")
    paid_minor: int | None = Field(None, description="What was paid for it, in minor units")
    left_minor: int | None = Field(None, description="What is left of that after returns, in minor units")
    corrects: UUID | None = Field(None, description="The purchase that it stands in for, recorded under a wrong card")
    replaced_by: UUID | None = Field(
        None, description="The purchase that stands in for it; what goes back, goes back of that"
    )
    lines: list[LineTold] = Field([], description="Its lines, as the till told them")
    as_of: datetime = Field(description="The instant that the answer is about: what happened later is left out")
    position: int = Field(description="The log position up to which the answer is complete")


@router.get("")
async def purchase_of_receipt(
    request: Request, read: TheReader, source: Source, receipt_id: ReceiptId, as_of: AsOf = None,
    known_at: KnownAt = None,
) -> PurchaseTold:  # fmt: skip
    """The purchase of a receipt, by its identity at the till."""
    return await _purchase(request, read, message_id(source, receipt_id), as_of, known_at)


@router.get("/{purchase_id}")
async def purchase(
    request: Request, read: TheReader, purchase_id: PurchaseId, as_of: AsOf = None, known_at: KnownAt = None
) -> PurchaseTold:
    """A purchase by its id, such as the one that another was replaced by."""
    return await _purchase(request, read, purchase_id, as_of, known_at)


async def _purchase(
    request: Request, read: Reader, purchase_id: UUID, as_of: datetime | None, known_at: datetime | None
) -> PurchaseTold:
    """Folded from the log itself, so it holds whatever was recorded before the question.

    Where no instant is stated, a till whose clock is fast finds what it just sold.
    """
    log: Log = request.app.state.log
    stated = as_of or known_at
    known = await read.pasts.position(known_at) if known_at else None
    rows = await log.rows(_STREAM, stream=purchase_id, known=known, as_of=stated)
    purchase = _folded(purchase_id, rows)
    if purchase.recorded is None and not purchase.waiting:
        raise unknown("purchase", "There is no such purchase: it may not have arrived yet, or it was sold later.")
    return _told(purchase, as_of=instant(stated), position=rows[-1][-1])


def _folded(purchase_id: UUID, rows: Sequence[tuple[Any, ...]]) -> Purchase:
    """The purchase as it stands; an id that stands for something else is no purchase, and of one that was not sold yet nothing went back."""
    purchase = Purchase(purchase_id)
    try:
        for version, name, state, _ in rows:
            fact = _MAPPER.to_domain_event(StoredEvent(purchase_id, version, name, state))
            if purchase.recorded is not None or isinstance(fact, _BEFORE_SOLD):
                purchase.evolve(fact)
    except UnknownFactName:
        return Purchase(purchase_id)
    return purchase


def _told(purchase: Purchase, *, as_of: datetime, position: int) -> PurchaseTold:
    sold = purchase.recorded
    if sold is None:
        return PurchaseTold(purchase_id=purchase.id, state="waiting", as_of=as_of, position=position)
    return PurchaseTold(
        purchase_id=purchase.id,
        state="voided" if purchase.voided else "recorded",
        buyer=_buyer(purchase, sold),
        member_id=purchase.member_id,
        occurred_at=sold.occurred_at,
        store=sold.store,
        currency=sold.currency,
        paid_minor=sold.paid_minor,
        left_minor=purchase.left_minor,
        corrects=sold.corrects,
        replaced_by=purchase.replaced_by,
        lines=[_line(purchase, line) for line in sold.lines],
        as_of=as_of,
        position=position,
    )


def _buyer(purchase: Purchase, sold: PurchaseRecorded) -> Literal["member", "unclaimed", "anonymous"]:
    if purchase.member_id is not None:
        return "member"
    return "anonymous" if sold.card_id is None else "unclaimed"


def _line(purchase: Purchase, line: Line) -> LineTold:
    pieces, left_minor = purchase.left_of(line, purchase.returned)
    return LineTold(
        line=line["line"], sku=line["sku"], category=line.get("category"), quantity=line["quantity"],
        paid_minor=paid(line), left_quantity=decimal(pieces), left_minor=left_minor,
    )  # fmt: skip
