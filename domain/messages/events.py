"""CloudEvents: the attributes that every message from a till has."""

from typing import Literal

from domain.basket import Word
from domain.messages.reading import Message, UtcTime


class CloudEvent(Message):
    """A CloudEvent 1.0. `(source, id)` is its identity, for ever; `time` is when it happened at the till."""

    specversion: Literal["1.0"]
    source: Word
    id: Word
    time: UtcTime
    datacontenttype: Literal["application/json"] = "application/json"
