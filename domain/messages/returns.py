"""Returns and voids, over Kafka or HTTP, and the command that they become."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from domain.basket import Tender
from domain.commands.returns import TakeBack
from domain.fact import message_id
from domain.messages.events import CloudEvent, ExternalId, Source
from domain.messages.identity import Identity
from domain.messages.reading import BusinessTime, Message, WhyIfTold, canonical, canonical_time, fingerprint
from domain.money import MAX_AMOUNT
from domain.refusals import InvalidField
from domain.returned import ReturnedLine, refunded, worth


class PurchaseNamed(Message):
    """The identity of a purchase, as the till gave it."""

    source: Source
    id: ExternalId


class ReturnDetails(Message):
    """What goes back. `quantity` limits what can go back, `amount_minor` moves what was earned; quantity 0 is money alone."""

    lines: list[ReturnedLine] = Field(min_length=1, max_length=2_000, description="What goes back: 1 to 2,000 lines.")
    tenders: list[Tender] = Field(
        default=[], max_length=100, description="How the money was paid back, if told: all of it."
    )
    reason: WhyIfTold = None


class ReturnData(ReturnDetails):
    """The data of a return."""

    purchase: PurchaseNamed = Field(description="The purchase of which it goes back.")


class VoidData(Message):
    """The data of a void: all that is left of the purchase goes back."""

    purchase: PurchaseNamed = Field(description="The purchase that is called off.")
    reason: WhyIfTold = None


class PurchaseReturnedEvent(CloudEvent):
    """A CloudEvent of type `pos.purchase.returned.v1`. It may come before its purchase, and then waits for it."""

    type: Literal["pos.purchase.returned.v1"]
    data: ReturnData


class PurchaseVoidedEvent(CloudEvent):
    """A CloudEvent of type `pos.purchase.voided.v1`."""

    type: Literal["pos.purchase.voided.v1"]
    data: VoidData


class ReturnBody(ReturnDetails):
    """The body of `POST /purchases/{id}/returns`."""

    time: BusinessTime


class VoidBody(Message):
    """The body of `POST /purchases/{id}/void`."""

    time: BusinessTime
    reason: WhyIfTold = None


def return_event_command(event: PurchaseReturnedEvent | PurchaseVoidedEvent) -> TakeBack:
    """The command of a return or a void from Kafka: nobody is there to be refused, so what goes too far is flagged."""
    identity = Identity(source=event.source, external_id=event.id, actor=event.source, keyed=True)
    details = event.data if isinstance(event.data, ReturnData) else None
    purchase_id = message_id(event.data.purchase.source, event.data.purchase.id)
    content = fingerprint(canonical_time(event.time), event.type.encode(), canonical(event.data))
    return _command(
        identity, purchase_id=purchase_id, time=event.time, details=details, reason=event.data.reason,
        content=content, strictly=False,
    )  # fmt: skip


def return_body_command(body: ReturnBody | VoidBody, *, purchase_id: UUID, identity: Identity) -> TakeBack:
    """The command of a return or a void over HTTP; what goes too far is refused."""
    details = body if isinstance(body, ReturnBody) else None
    content = fingerprint(purchase_id.bytes, type(body).__name__.encode(), canonical(body))
    return _command(
        identity, purchase_id=purchase_id, time=body.time, details=details, reason=body.reason,
        content=content, strictly=True,
    )  # fmt: skip


def _command(
    identity: Identity, *, purchase_id: UUID, time: datetime, details: ReturnDetails | None, reason: str | None,
    content: str, strictly: bool,
) -> TakeBack:  # fmt: skip
    if details is not None:
        check_goods(details)
    return TakeBack(
        **identity.fields(),
        occurred_at=time,
        fingerprint=content,
        answered=strictly,
        purchase_id=purchase_id,
        lines=details.lines if details else None,
        tenders=(details.tenders or None) if details else None,
        reason=reason,
        strictly=strictly,
    )


def check_goods(details: ReturnDetails, *, place: str = "") -> None:
    """Neither goods nor money is no return; and sums are numbers that every reader holds exactly."""
    for number, line in enumerate(details.lines):
        if not line["quantity"] and not line["amount_minor"]:
            raise InvalidField(field=f"{place}lines.{number}", problem="neither pieces nor money go back")
    for field, total in (("lines", worth(details.lines)), ("tenders", refunded(details.tenders))):
        if total > MAX_AMOUNT:
            raise InvalidField(field=f"{place}{field}", problem=f"the total passes {MAX_AMOUNT}")
