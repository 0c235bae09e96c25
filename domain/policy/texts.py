"""What a programme says of itself, on what members read."""

from pydantic import Field

from domain.policy.parts import PolicyPart, Text


class Texts(PolicyPart):
    """Words of the programme's own, in English and Chinese."""

    statement_title: Text | None = Field(
        default=None, description="Stands above a statement; without it, that it is one of points."
    )
