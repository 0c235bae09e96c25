"""Personal data as the rules know them: sealed texts that say nothing, and marks that tell whether a value is another one."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

FIELDS = ("name", "phone", "email", "address", "birth_date")
"""What is only ever recorded sealed."""


class Sealed(Protocol):
    """Personal fields of one member, sealed under one of the member's keys."""

    @property
    def key_id(self) -> UUID: ...
    @property
    def texts(self) -> Mapping[str, str]:
        """By field: base64, never twice the same."""

    @property
    def marks(self) -> Mapping[str, str]:
        """By field: equal for equal values under the same key, and as useless as the texts once it is destroyed."""

    @property
    def new_key(self) -> Any:
        """The key, wrapped, where it was made for these fields; None where it is kept already."""


class Sealing(Protocol):
    """Seals personal data at the doors; they go no further in clear."""

    def seal_first(self, member_id: UUID, fields: Mapping[str, str]) -> Sealed:
        """Under a new key: for somebody who is about to join."""

    def seal(self, member_id: UUID, fields: Mapping[str, str]) -> Sealed:
        """Under the member's key, or a new one where there is none. It may have to wait for the database."""

    def digest(self, content: bytes) -> bytes:
        """Tells the same content again, and cannot be guessed from."""
