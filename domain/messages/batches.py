"""Several messages in one request: each is carried out, or refused, by itself."""

from typing import Any, Generic, TypeVar

from pydantic import Field
from pydantic_core import to_json

from domain.messages.members import MemberBody
from domain.messages.purchases import PurchaseBody
from domain.messages.reading import Message, read
from domain.refusals import Refusal

MOST = 1_000

T = TypeVar("T")
M = TypeVar("M", bound=Message)


class Batch(Message, Generic[T]):
    """A body that holds nothing but items."""

    items: list[T] = Field(min_length=1, max_length=MOST, description="1 to 1,000 bodies of the single request.")


class PurchaseBatch(Batch[PurchaseBody]):
    """The body of `POST /purchases/batch`."""


class MemberBatch(Batch[MemberBody]):
    """The body of `POST /members/batch`."""


def read_each(batch: type[Batch[M]], kind: type[M], raw: bytes) -> list[M | Refusal]:
    """Read a batch strictly: at once if all of it is good, else item by item, where a bad one is a refusal in its place.

    A body that is no batch at all is refused as a whole.
    """
    try:
        return [*read(batch, raw, strictly=True).items]
    except Refusal:
        return [_read_one(kind, item) for item in read(Batch[Any], raw, strictly=True).items]


def _read_one(kind: type[M], item: Any) -> M | Refusal:
    try:
        return read(kind, to_json(item), strictly=True)  # as JSON once more: Python values are read by other rules
    except Refusal as refusal:
        return refusal
