"""The base of all refusals, and their register."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_type_hints

from pydantic import TypeAdapter

REFUSALS: dict[str, type["Refusal"]] = {}
"""Every refusal by its name: the `reason` of a dead letter and the last part of a problem's `type`."""


@dataclass(eq=False)
class Refusal(Exception):
    """A command that was understood and is refused. Nothing of it is recorded."""

    name: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        REFUSALS[cls.name] = cls

    def fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.fields() == other.fields()

    __hash__ = Exception.__hash__

    def __str__(self) -> str:
        return f"{self.__doc__} ({', '.join(f'{name}={value}' for name, value in self.fields().items())})"


def refusal_again(name: str, told: Mapping[str, Any]) -> Refusal:
    """A refusal from its name and fields, as a fact keeps them."""
    kind = REFUSALS[name]
    types = get_type_hints(kind)
    return kind(**{field: TypeAdapter(types[field]).validate_python(value) for field, value in told.items()})
