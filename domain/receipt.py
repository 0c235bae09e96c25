"""Receipts of messages: what a message that is no purchase led to, so that a repeat gets the first answer."""

from uuid import UUID

from domain.fact import Fact
from domain.stream import Draft, Stream, evolves


class MessageAnswered(Fact, name="MessageAnswered.v1"):
    """A message was carried out; its identity is claimed for ever."""

    scope: str
    fingerprint: str
    target: str


class Receipt(Stream):
    """The claim of one message on its (source, external id)."""

    cached = False

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.answered: MessageAnswered | None = None

    def answer(self, *, scope: str, fingerprint: str, target: str) -> list[Draft]:
        """Keep what the message led to; the facts that follow it in the log tell the rest."""
        return [self.draft(MessageAnswered, scope=scope, fingerprint=fingerprint, target=target)]

    @evolves(MessageAnswered)
    def _answered(self, fact: MessageAnswered) -> None:
        self.answered = fact
