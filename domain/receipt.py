"""Receipts of messages: what a message that is no purchase led to, so that a repeat gets the first answer."""

from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from domain.fact import Fact
from domain.refusals import Refusal
from domain.stream import Draft, Stream, evolves


class MessageAnswered(Fact, name="MessageAnswered.v1"):
    """A message was carried out; its identity is claimed for ever."""

    scope: str
    fingerprint: str
    target: str


class MessageRefused(Fact, name="MessageRefused.v1"):
    """A message that would have spent points was refused; a delayed duplicate of it is refused as well."""

    scope: str
    fingerprint: str
    refusal: str
    fields: dict[str, Any]


class Receipt(Stream):
    """The claim of one message on its (source, external id)."""

    cached = False
    leads_on = True

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.answered: MessageAnswered | None = None
        self.refused: MessageRefused | None = None

    def answer(self, *, scope: str, fingerprint: str, target: str) -> list[Draft]:
        """Keep what the message led to; the facts that follow it in the log tell the rest."""
        return [self.draft(MessageAnswered, scope=scope, fingerprint=fingerprint, target=target)]

    def refuse(self, refusal: Refusal, *, scope: str, fingerprint: str) -> list[Draft]:
        """Keep why the message was refused."""
        fields = to_jsonable_python(refusal.fields())
        return [self.draft(MessageRefused, scope=scope, fingerprint=fingerprint, refusal=refusal.name, fields=fields)]

    @evolves(MessageAnswered)
    def _answered(self, fact: MessageAnswered) -> None:
        self.answered = fact

    @evolves(MessageRefused)
    def _refused(self, fact: MessageRefused) -> None:
        self.refused = fact
