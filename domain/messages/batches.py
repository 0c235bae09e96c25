"""Several messages in one request: each is carried out, or refused, by itself."""

from pydantic import Field

from domain.messages.members import MemberBody
from domain.messages.purchases import PurchaseBody
from domain.messages.reading import Message

MOST = 1_000


class PurchaseBatch(Message):
    """The body of `POST /purchases/batch`."""

    items: list[PurchaseBody] = Field(min_length=1, max_length=MOST)


class MemberBatch(Message):
    """The body of `POST /members/batch`."""

    items: list[MemberBody] = Field(min_length=1, max_length=MOST)
