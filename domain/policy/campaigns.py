"""The campaigns of a policy: what holds for them where they do not say otherwise."""

from typing import Literal

from pydantic import Field

from domain.policy.parts import PolicyPart


class CampaignDefaults(PolicyPart):
    """How discounts stack, and what a budget does at its end."""

    discounts: Literal["best", "sum"] = Field(
        default="best",
        description="Of the discounts on a line, tier and campaigns, the largest one counts; or they add up, to the price at most.",
    )
    budget_mode: Literal["grant_remaining", "refuse"] = Field(
        default="grant_remaining",
        description="What a budget gives that does not cover a grant: what is left of it, or nothing.",
    )
