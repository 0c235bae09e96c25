"""A page of HTML that stands for itself and loads nothing from anywhere."""

from collections.abc import Iterable
from html import escape

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em; color: #1f2328; background: #fff }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums } caption { text-align: left; font-weight: 600 }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #d0d7de } th:first-child { text-align: left }
"""


def whole(title: str, body: Iterable[str], *, style: str = "") -> str:
    """The page of a body whose parts are HTML already; the title is not."""
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}{style}</style></head>'
    return "\n".join(["<!doctype html>", '<html lang="en">', head, "<body>", *body, "</body>", "</html>", ""])
