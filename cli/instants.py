"""Instants and days as they are written on the command line."""

from datetime import UTC, date, datetime

import typer


def instant(text: str, *, option: str, kind: str = "instant such as 2026-11-02T00:00:00Z") -> datetime:
    """An instant with its offset from UTC; anything else is wrong usage of the option, which says what `kind` of text it takes."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no {kind}", param_hint=option) from None
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text} needs its offset from UTC, as in {at.isoformat()}Z", param_hint=option)
    return at


def instant_or_none(text: str | None, *, option: str) -> datetime | None:
    """The same of an option that may be left out."""
    return None if text is None else instant(text, option=option)


def known(text: str | None, *, option: str = "--known-at") -> datetime | None:
    """The same of an instant by which things were known: what will be known may still change."""
    at = instant_or_none(text, option=option)
    if at is not None and at > datetime.now(UTC):
        raise typer.BadParameter(f"{text} is to come: nobody knows yet what will be known then", param_hint=option)
    return at


def day(text: str, *, option: str) -> date:
    """A day such as 2026-11-02; anything else is wrong usage of the option."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if len(text) != len("2026-11-02") or not 1900 <= found.year <= 9000:
        raise typer.BadParameter(f"{text} is no day such as 2026-11-02", param_hint=option)
    return found


def days(first: str, last: str) -> tuple[date, date]:
    """The days of `--from` and `--to`, both of them included."""
    begins, ends = day(first, option="--from"), day(last, option="--to")
    if begins > ends:
        raise typer.BadParameter(f"--from {first} lies after --to {last}")
    return begins, ends
