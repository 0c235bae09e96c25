"""The linter of programmes: what a policy says that cannot be meant, and on what it is silent (rules 12)."""

from domain.lint.finding import RULES, Finding
from domain.lint.linting import lint, lint_document
from domain.lint.points import shortest_life

__all__ = ["RULES", "Finding", "lint", "lint_document", "shortest_life"]
