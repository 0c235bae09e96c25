"""What the linter tells, and the rules it tells it by."""

from collections.abc import Callable, Iterator
from inspect import cleandoc
from typing import Literal, NamedTuple, TypeAlias

from domain.lint.draft import Draft

Level = Literal["error", "warning", "assumption"]


class Found(NamedTuple):
    """Something that a rule found: the place, for whom it bites, and what to do."""

    place: str
    message: str
    example: str | None = None
    suggestion: str | None = None
    against: str | None = None
    """The other place, where two contradict each other."""
    clauses: tuple[str, ...] = ()
    """Where the rule knows them better than by the places."""


class Finding(NamedTuple):
    """What was found. Errors keep a version from being published; an assumption is what the author marked as one."""

    level: Level
    rule: str
    place: str
    message: str
    example: str | None
    """A member for whom it bites, in words."""
    suggestion: str | None
    against: str | None
    """The other place, where two contradict each other."""
    clauses: tuple[str, ...]
    """The clauses of the plan that speak of it."""
    line: int | None
    column: int | None

    def told(self, file: str) -> str:
        """The finding in lines of text; the first one as compilers write it."""
        place = f"{file}:{self.line}:{self.column}: " if self.line else ""
        clauses = f" ({', '.join(self.clauses)})" if self.clauses else ""
        lines = [f"{place}{self.level}: {self.rule}{clauses}: {self.place or 'the whole'}: {self.message}"]
        lines += [f"    against: {self.against}"] if self.against else []
        lines += [f"    for example: {self.example}"] if self.example else []
        lines += [f"    suggestion: {self.suggestion}"] if self.suggestion else []
        return "\n".join(lines)


Finder: TypeAlias = Callable[[Draft], Iterator[Found]]


class Rule(NamedTuple):
    """A rule by its stable name."""

    name: str
    level: Level
    tells: str
    find: Finder


RULES: dict[str, Rule] = {}


def rule(level: Level) -> Callable[[Finder], Finder]:
    """Keep a function as a rule: named after it, and told by its docstring."""

    def keep(find: Finder) -> Finder:
        name = find.__name__.replace("_", "-")
        RULES[name] = Rule(name, level, cleandoc(find.__doc__ or ""), find)
        return find

    return keep
