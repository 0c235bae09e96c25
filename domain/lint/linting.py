"""Linting: a policy, or a draft of one, against all rules."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from domain.document import Document, keys_of
from domain.lint import gifts, plan, points, tiers  # noqa: F401 - so that every rule is known
from domain.lint.draft import Draft
from domain.lint.finding import RULES, Finding, Found, Level, Rule
from domain.lint.shape import SHAPE, shape_errors
from domain.policy.plan import Clause
from domain.programme import Policy

LEVELS: tuple[Level, ...] = ("error", "warning", "assumption")


def lint(policy: Policy) -> list[Finding]:
    """All findings about a policy, errors first."""
    return lint_document(Document(policy.model_dump(mode="json", exclude_unset=True), ""))


def lint_document(document: Document) -> list[Finding]:
    """All findings about a draft, errors first, then by their place in the file."""
    wrong = shape_errors(document.data)
    unreadable = [one.place for one in wrong if not one.unsaid]
    draft = Draft.model_validate(document.data if isinstance(document.data, dict) else {})
    found = [(one, it) for one, it in _found(draft) if not any(_overlap(it.place, place) for place in unreadable)]
    told = [it.place for _, it in found]
    shape = [
        (RULES[SHAPE], Found(one.place, one.message))
        for one in wrong
        if not (one.unsaid and any(_within(one.place, place) for place in told))
    ]
    findings = [_finding(one, it, document, draft.planned.clauses) for one, it in [*shape, *found]]
    return sorted(findings, key=lambda one: (LEVELS.index(one.level), one.line or 0, one.column or 0))


def _found(draft: Draft) -> Iterator[tuple[Rule, Found]]:
    for one in RULES.values():
        if one.level != "warning" or one.name not in draft.accepted:
            for it in one.find(draft):
                yield one, it


def _finding(by: Rule, it: Found, document: Document, clauses: Sequence[Clause]) -> Finding:
    spot = document.spot(keys_of(it.place))
    other = document.spot(keys_of(it.against)) if it.against else None
    against = f"{it.against} (line {other.line})" if it.against and other else it.against
    places = [place for place in (it.place, it.against) if place]
    return Finding(
        level=by.level, rule=by.name, place=it.place, message=it.message, example=it.example,
        suggestion=it.suggestion, against=against,
        clauses=it.clauses or tuple(dict.fromkeys(name for place in places for name in _clauses(place, clauses))),
        line=spot.line if spot else None, column=spot.column if spot else None,
    )  # fmt: skip


def _clauses(place: str, clauses: Sequence[Clause]) -> list[str]:
    """The clauses that speak of a place: those that name it most precisely."""
    speaking = [
        (about.count("."), clause.id)
        for clause in clauses
        for about in clause.about
        if fnmatchcase(place, about) or fnmatchcase(place, f"{about}.*")
    ]
    nearest = max((depth for depth, _ in speaking), default=0)
    return [name for depth, name in speaking if depth == nearest]


def _within(place: str, outer: str) -> bool:
    return not outer or place == outer or place.startswith(f"{outer}.")


def _overlap(place: str, other: str) -> bool:
    return _within(place, other) or _within(other, place)
