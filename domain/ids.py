"""Ids that are made of names: for ever the same for the same name."""

from hashlib import sha1
from uuid import UUID, SafeUUID

_KEPT = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION_5 = 5 << 76 | 0x8000 << 48
"""With the variant of RFC 9562."""


def named(space: UUID, name: str) -> UUID:
    """The UUID of version 5 of a name in a name space.

    The same as the library's `uuid5`, past its checks, in less than half its time: a purchase asks for three of them.
    """
    digest = sha1(space.bytes + name.encode(), usedforsecurity=False).digest()
    made = object.__new__(UUID)
    object.__setattr__(made, "int", int.from_bytes(digest[:16], "big") & _KEPT | _VERSION_5)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made
