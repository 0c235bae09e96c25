"""The limits of a policy: what one member may earn, and pay with, on a local day."""

from pydantic import Field

from domain.policy.parts import PolicyPart, PositiveInt


class Limits(PolicyPart):
    """Of a member and those who were merged into them, together."""

    earned_per_day: PositiveInt | None = Field(
        default=None,
        description="Points of purchases of a local day, less what went back. A purchase beyond it earns what is left, its base first.",
    )
    paid_per_day: PositiveInt | None = Field(
        default=None,
        description="Points that are held or spent on a local day to pay at tills. What was given away already counts, and is not refused.",
    )
