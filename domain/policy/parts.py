"""What the sections of a policy are made of."""

from collections.abc import Set as AbstractSet
from datetime import date
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

D = TypeVar("D", bound=date)


@cache
def _zones() -> AbstractSet[str]:
    """Their names, looked up once: each of 600 files is opened for them, and every fold of a version asks."""
    return available_timezones()


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"{name!r} is no time zone; use a name such as 'Asia/Shanghai'")
    return name


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="The currency of all amounts, as in ISO 4217.")]
TimeZone = Annotated[
    str, AfterValidator(_known_zone), Field(description="The zone whose local days count, such as `Asia/Shanghai`.")
]
PositiveInt = Annotated[int, Field(strict=True, gt=0)]
NaturalInt = Annotated[int, Field(strict=True, ge=0)]
Days = Annotated[int, Field(strict=True, ge=0, le=36_525)]
Months = Annotated[int, Field(strict=True, gt=0, le=1_200)]
"""A hundred years at most: every day that is computed with them lies within what a calendar can hold."""


def _within_calendar(at: D) -> D:
    if not 1900 <= at.year <= 9000:
        raise ValueError("the year lies outside 1900 to 9000")
    return at


Day = Annotated[date, AfterValidator(_within_calendar)]
Instant = Annotated[AwareDatetime, AfterValidator(_within_calendar)]


class PolicyPart(BaseModel):
    """A part of a policy: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(PolicyPart):
    """The same words in English and Chinese."""

    en: str = Field(description="In English.")
    zh: str = Field(description="In Chinese.")
