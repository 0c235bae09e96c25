"""Quotes of a policy: for how long a till may sell by what it was told."""

from typing import Annotated

from pydantic import Field

from domain.policy.parts import PolicyPart

LONGEST_MINUTES = 43_200


class Quotes(PolicyPart):
    """A quote binds the rules for so many minutes, thirty days at most."""

    minutes: Annotated[int, Field(strict=True, gt=0, le=LONGEST_MINUTES)] = Field(
        default=15, description="For how many minutes a quote can be sold by."
    )
