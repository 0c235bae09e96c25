"""What the sections of a policy are made of."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; use a name such as 'Asia/Shanghai'")
    return name


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
PositiveInt = Annotated[int, Field(strict=True, gt=0)]
NaturalInt = Annotated[int, Field(strict=True, ge=0)]


class PolicyPart(BaseModel):
    """A part of a policy: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(PolicyPart):
    """The same words in English and Chinese."""

    en: str
    zh: str
