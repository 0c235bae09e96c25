"""Instants as they are written on the command line."""

from datetime import datetime

import typer


def instant(text: str, *, option: str, kind: str = "instant such as 2026-11-02T00:00:00Z") -> datetime:
    """An instant with its offset from UTC; anything else is wrong usage of the option, which says what `kind` of text it takes."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no {kind}", param_hint=option) from None
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text} needs its offset from UTC, as in {text}Z", param_hint=option)
    return at
