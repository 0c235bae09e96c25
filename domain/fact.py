"""The fact: the envelope that everything recorded travels in, and the register of stored names."""

from datetime import datetime
from typing import Any, ClassVar, Self, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import core_schema

from domain.ids import named

MESSAGES = UUID("cc21b1ca-b0de-5021-8e4b-44b127fad3fa")
"""The name space of message ids: an id is for ever the same for the same source and external id."""

MAX_FACT_BYTES = 256 * 1024

FACTS: dict[str, type["Fact"]] = {}
"""Every kind of fact by its stored name. A name, once written to a log, never changes its meaning."""


def message_id(source: str, external_id: str) -> UUID:
    """The identity of a message: (source, external id) is claimed once, for ever."""
    return named(MESSAGES, f"{source}\0{external_id}")


class CheckedBefore:
    """Marks a part of a fact that was checked with the message that caused it; read from JSON, it is checked again."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.json_or_python_schema(json_schema=handler(source), python_schema=core_schema.any_schema())


class Fact(BaseModel):
    """Something that happened: never changed, never removed. All times are UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    stored_name: ClassVar[str]

    originator_id: UUID
    originator_version: int
    recorded_at: datetime
    occurred_at: datetime
    actor: str
    source: str
    external_id: str
    correlation_id: UUID
    programme_version: int | None = None

    def __init_subclass__(cls, *, name: str = "", **kwargs: Any) -> None:
        """Take the class keyword `name`; pydantic hands it on to the method below."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, *, name: str = "", **kwargs: Any) -> None:
        """Register a fact under its stored name, e.g. `PointsEarned.v1`; two classes cannot share one."""
        super().__pydantic_init_subclass__(**kwargs)
        if not name:
            return
        if name in FACTS:
            raise TypeError(f"two facts are stored as {name}")
        cls.stored_name = name
        FACTS[name] = cls

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """A fact of its fields, checked; the same as calling the class, without handing some twenty of them on twice."""
        return cast("Self", cls.__pydantic_validator__.validate_python(fields))

    @property
    def subject(self) -> UUID:
        """Whose fact this is: the member where there is one, else the stream. It is the key on Kafka."""
        member_id: UUID | None = getattr(self, "member_id", None)
        return member_id or self.originator_id
