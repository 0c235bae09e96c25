"""Closings of tills, over Kafka or HTTP, and the command that they become."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from domain.basket import Word
from domain.commands.tills import CloseTill
from domain.messages.events import CloudEvent, ExternalId, Source
from domain.messages.identity import Identity
from domain.messages.reading import BusinessTime, Message, canonical, canonical_time, date_as_text, fingerprint
from domain.money import AmountMinor
from domain.policy.parts import Day

CLOSED = "pos.till.closed.v1"

BusinessDay = Annotated[Day, BeforeValidator(date_as_text)]
"""A local day of the programme's time zone."""


class ClosingData(Message):
    """What a till counted on a business day: purchases that it completed, whatever was returned or voided since."""

    business_day: BusinessDay = Field(description="The local day on which the receipts were made.")
    receipts: Annotated[int, Field(strict=True, ge=0, le=10**9)] = Field(description="How many there were.")
    paid_minor: AmountMinor = Field(description="What was paid for them: Σ (gross − discount), in minor units.")
    store: Word | None = Field(default=None, description="Where the till stands.")


class TillClosedEvent(CloudEvent):
    """A CloudEvent of type `pos.till.closed.v1`. Its source is the till."""

    type: Literal["pos.till.closed.v1"]
    data: ClosingData


class ClosingBody(ClosingData):
    """The body of `POST /tills/closings`: the same with its identity and business time."""

    source: Source
    id: ExternalId
    time: BusinessTime


def closing_command(data: ClosingData, *, source: str, external_id: str, time: datetime, answered: bool) -> CloseTill:
    """The command of a closing."""
    identity = Identity(source=source, external_id=external_id, actor=source, keyed=True)
    return CloseTill(
        **identity.fields(),
        occurred_at=time,
        fingerprint=fingerprint(CLOSED.encode(), canonical_time(time), canonical(data, without=_IDENTITY)),
        answered=answered,
        business_day=data.business_day,
        receipts=data.receipts,
        paid_minor=data.paid_minor,
        store=data.store,
    )


_IDENTITY = frozenset({"source", "id", "time"})
