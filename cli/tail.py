"""`loyalty audit tail`: facts as they come."""

import json
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any
from uuid import UUID

import typer
from psycopg import Connection

import domain.loyalty  # noqa: F401 - so that every fact is registered
from cli.audit import app
from cli.evidence import AsJson
from cli.surroundings import surroundings
from domain.fact import FACTS
from infra.database import connect
from infra.event_store import CHANNEL

PAGE = 1_000
LOOK_AGAIN_SECONDS = 1.0

_NEXT = """
SELECT position, recorded_at, name, subject, state FROM facts WHERE position > %(after)s
AND (%(name)s::text IS NULL OR name = %(name)s) AND (%(member)s::uuid IS NULL OR subject = %(member)s)
ORDER BY position LIMIT %(limit)s
"""
_NAMED = "SELECT 1 FROM facts WHERE name = %s LIMIT 1"
_BEGIN = """
SELECT coalesce(min(position) - 1, 0) FROM (
    SELECT position FROM facts
    WHERE (%(name)s::text IS NULL OR name = %(name)s) AND (%(member)s::uuid IS NULL OR subject = %(member)s)
    ORDER BY position DESC LIMIT %(lines)s
) AS last
"""


class NoSuchFactName(LookupError):
    """No fact is stored under this name."""


@app.command()
def tail(
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with facts as they are recorded, until interrupted.")
    ] = False,
    name: Annotated[str | None, typer.Option("--name", help="Only facts of this stored name.")] = None,
    member: Annotated[UUID | None, typer.Option("--member", help="Only facts of this member.")] = None,
    lines: Annotated[
        int, typer.Option("--lines", min=1, max=PAGE, help="How many of the last facts to begin with.")
    ] = 10,
    after: Annotated[int | None, typer.Option("--after", min=0, help="Begin after this position instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print facts in the order in which they were recorded: a line each, or with --json an object each."""
    what: dict[str, Any] = {"name": name, "member": member, "lines": lines, "limit": PAGE}
    with connect(surroundings().database_url) as log:
        log.read_only = True
        _check_name(log, name)
        log.execute(f"LISTEN {CHANNEL}")
        row = log.execute(_BEGIN, what).fetchone()
        assert row is not None, "an aggregate always has a row"
        place = row[0] if after is None else after
        while True:
            place, more = _print(log, {**what, "after": place}, as_json=as_json)
            if not more and not follow:
                return
            if not more:
                next(log.notifies(timeout=LOOK_AGAIN_SECONDS, stop_after=1), None)


def _check_name(log: Connection, name: str | None) -> None:
    """A name that is misspelt would wait for ever; one that only the log knows is of another release."""
    if name is None or name in FACTS or log.execute(_NAMED, (name,)).fetchone() is not None:
        return
    like = get_close_matches(name, FACTS, n=3)
    raise NoSuchFactName(
        f"no fact is stored as {name!r}"
        + (f": is it {' or '.join(like)}?" if like else ": docs/auditors.md lists the facts")
    )


def _print(log: Connection, asked: dict[str, Any], *, as_json: bool) -> tuple[int, bool]:
    """A page; answers where it ends, and whether it was full."""
    place, rows = asked["after"], log.execute(_NEXT, asked).fetchall()
    for place, recorded_at, name, subject, state in rows:
        fact = json.loads(state)
        if as_json:
            typer.echo(
                json.dumps({"position": place, "name": name, "subject": str(subject), **fact}, ensure_ascii=False)
            )
        else:
            typer.echo(_line(place, recorded_at, name, subject, fact))
    return place, len(rows) == PAGE


def _line(position: int, recorded_at: datetime, name: str, subject: UUID, fact: dict[str, Any]) -> str:
    return (
        f"{position:>9} {recorded_at:%Y-%m-%d %H:%M:%S} {name:<28} {subject} {fact['occurred_at']} by {fact['actor']}"
    )
