"""Segments as they are defined over HTTP, and the command that they become."""

from datetime import datetime

from pydantic import Field

from domain.basket import Word
from domain.commands.segments import DefineSegment
from domain.criteria import Definition
from domain.messages.identity import Identity
from domain.messages.reading import Message, UtcTime, canonical, fingerprint
from domain.messages.slugs import Slug, slug_of


class SegmentBody(Message):
    """The body of `POST /segments`: the first version of a segment, or the next one of a `segment_id` that is known."""

    segment_id: Slug | None = Field(default=None, description="A slug; else one is made of the name.")
    name: Word = Field(description="What people call it.")
    effective_from: UtcTime = Field(description="In force from then on; later than that of the version before.")
    definition: Definition = Field(description="Who belongs to it.")


def define_command(body: SegmentBody, *, identity: Identity, now: datetime) -> DefineSegment:
    """The command of a version of a segment."""
    return DefineSegment(
        **identity.fields(),
        occurred_at=now,
        fingerprint=fingerprint(canonical(body)),
        segment_id=body.segment_id or slug_of(body.name, otherwise="segment"),
        title=body.name,
        effective_from=body.effective_from,
        definition=body.definition,
    )
