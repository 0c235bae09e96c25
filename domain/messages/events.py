"""CloudEvents: the attributes that every message from a till has."""

from typing import Annotated, Literal

from pydantic import Field

from domain.basket import Word
from domain.messages.reading import BusinessTime, Message

Source = Annotated[
    Word, Field(description="Who tells it, such as `/stores/367/tills/4`. With `id` it is the identity of the message.")
]
ExternalId = Annotated[
    Word,
    Field(description="The number that the source gave it, such as a receipt's: never used again for anything else."),
]


class CloudEvent(Message):
    """A CloudEvent 1.0. `(source, id)` is its identity, for ever; `time` is when it happened at the till."""

    specversion: Literal["1.0"]
    source: Source
    id: ExternalId
    time: BusinessTime
    datacontenttype: Literal["application/json"] = "application/json"
