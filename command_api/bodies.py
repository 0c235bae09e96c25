"""Request bodies: read once, strictly, by the same code that reads messages from Kafka."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Header, Request

from domain.messages.batches import Batch, read_each
from domain.messages.reading import Message, read
from domain.refusals import OversizedMessage, Refusal
from infra.documentation import REFERENCES

MAX_BODY_BYTES = 16 << 20

M = TypeVar("M", bound=Message)

IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="A repeat under the same key gets the first answer, for ever."),
]


def body_of(kind: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the request's body; unknown fields are refused."""

    async def read_body(request: Request) -> M:
        return await sent(request, kind)

    return read_body


async def sent(request: Request, kind: type[M]) -> M:
    """The body of a request; unknown fields are refused."""
    return read(kind, await raw_body(request), strictly=True)


def items_of(batch: type[Batch[M]], kind: type[M]) -> Callable[[Request], Awaitable[list[M | Refusal]]]:
    """A dependency that reads the items of a batch; a bad one is a refusal in its place."""

    async def read_items(request: Request) -> list[M | Refusal]:
        return read_each(batch, kind, await raw_body(request))

    return read_items


async def raw_body(request: Request) -> bytes:
    """The bytes of the body, as long as they are not too many."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            raise OversizedMessage(size=len(received), limit=MAX_BODY_BYTES)
    return bytes(received)


def documented(kind: type[Message]) -> dict[str, Any]:
    """What OpenAPI says of a body that we read ourselves."""
    reference = {"$ref": REFERENCES.format(model=kind.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}
