"""What an explanation is made of: steps, each with its words, rule, facts, inputs and figure."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from projections.wording import Language

About = Literal["balance", "expiry", "tier", "fact", "purchase", "discount", "refusal"]


class Step(BaseModel):
    """One step from facts to a figure."""

    says: str = Field(description="The step in plain words")
    rule: str | None = Field(None, description="The rule that it follows, by its number in docs/rules.md")
    facts: list[int] = Field([], description="The positions of the facts that it rests on")
    inputs: dict[str, Any] = Field({}, description="What went in: points, amounts in minor units, rates, versions")
    gives: int | str | None = Field(None, description="What came out")
    steps: list["Step"] = Field([], description="The steps that this one is made of")


class Difference(BaseModel):
    """Something that is recorded, or told, otherwise than the rules make it of the facts before."""

    says: str = Field(description="The difference in plain words")
    position: int | None = Field(
        None, description="Where the fact stands; null where a fact is missing, or none is meant"
    )
    fact: str | None = Field(None, description="The stored name of the fact")
    field: str | None = Field(None, description="The field that differs")
    recorded: Any = Field(None, description="What is recorded, or told")
    gives: Any = Field(None, description="What the rules make of it")


class Told(BaseModel):
    """What the read model answers to the same question."""

    gives: int | str | None = Field(description="Its figure; null where it has none")
    position: int | None = Field(description="The log position up to which it is complete")
    agrees: bool | None = Field(
        description="Whether the log gives the same up to that position; null where there is nothing to compare"
    )
    why_not: str | None = Field(None, description="The problem that was told instead of a figure")


class Explanation(BaseModel):
    """A figure, and how it follows from the facts of the log."""

    about: About = Field(description="What is explained")
    language: Language = Field(description="The language of the words")
    says: str = Field(description="The answer in one sentence")
    gives: int | str | None = Field(description="The figure that is explained")
    steps: list[Step] = Field(description="How it came about, in order")
    reproduced: bool | None = Field(
        description="Whether the rules, applied to the facts before, give what is recorded; null where no rule decided it"
    )
    differences: list[Difference] = Field(description="Where they do not, by position")
    read_model: Told | None = Field(
        None, description="The read model's answer beside it; null where it has none to this"
    )
    time_zone: str = Field(description="The time zone of the times in its words")
    as_of: datetime | None = Field(None, description="The instant that the answer is about, where it is about one")
    position: int = Field(description="The last position of the log that was looked at")
