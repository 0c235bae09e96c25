"""Who sent a command that is no purchase, and how a repeat of it is told."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

from domain.fact import message_id


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The source and id of a command; `keyed` where the client chose the id and it is to be claimed."""

    source: str
    external_id: str
    actor: str
    keyed: bool

    @classmethod
    def of(cls, owner: str, key: str | None) -> Self:
        """A command under an Idempotency-Key, or without one. Keys of different owners never meet."""
        return cls(
            source=f"/clients/{owner}",
            external_id=uuid4().hex if key is None else key,
            actor=f"/clients/{owner}",
            keyed=key is not None,
        )

    def fields(self) -> dict[str, Any]:
        """The fields of a command that tell its identity."""
        return {
            "id": message_id(self.source, self.external_id),
            "source": self.source,
            "external_id": self.external_id,
            "actor": self.actor,
            "keyed": self.keyed,
        }
