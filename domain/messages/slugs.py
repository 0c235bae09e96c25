"""Ids that people can read: made of the name, where the client chose none."""

import re
from typing import Annotated
from uuid import uuid4

from pydantic import Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def slug_of(name: str, *, otherwise: str) -> str:
    """The words of a name that a slug can hold, and eight digits that nothing else has."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50]
    return f"{words or otherwise}-{uuid4().hex[:8]}"
