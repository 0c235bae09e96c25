"""The tiers of a policy: the levels of standing, and what is counted for them over which period."""

from typing import Literal

from pydantic import Field

from domain.policy.parts import NaturalInt, PolicyPart, Text


class Tier(PolicyPart):
    """A level of standing: reached at `promote_at`, kept at a review with `retain_at` qualifying points."""

    name: str
    title: Text
    promote_at: NaturalInt
    retain_at: NaturalInt
    benefits: tuple[Text, ...] = ()


class Tiers(PolicyPart):
    """The levels from the lowest up, the period they are counted in, and what is counted."""

    period: Literal["membership_year", "calendar_year", "lifetime"]
    metric: Literal["points"] = "points"
    levels: tuple[Tier, ...] = Field(min_length=1)

    def rank(self, name: str) -> int:
        """The place of a tier; a name that a later version dropped counts as the lowest."""
        return next((rank for rank, level in enumerate(self.levels) if level.name == name), 0)
