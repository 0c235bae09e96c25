"""`loyalty explain`: why a figure is what it is."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from cli.instants import instant_or_none, known
from cli.surroundings import surroundings
from infra.database import connect
from projections.explaining.asking import Asking
from projections.explaining.step import Explanation, Step, Told
from projections.explaining.wording import REPRODUCED, SAYS
from projections.wording import Language

app = typer.Typer(help="Why a figure is what it is: its facts and rules, worked out once more.", no_args_is_help=True)

Member = Annotated[UUID, typer.Argument(help="The member.")]
Purchase = Annotated[UUID, typer.Argument(help="The purchase.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The instant that the answer is about; default: now.")]
KnownAt = Annotated[str | None, typer.Option("--known-at", help="Leave out what was recorded after this instant.")]
In = Annotated[Language, typer.Option("--language", help="The language of the words.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def balance(
    member: Member, as_of: AsOf = None, known_at: KnownAt = None, language: In = "en", as_json: AsJson = False
) -> None:
    """The points that a member can spend: what came, what became of it, what the clock did."""
    at = instant_or_none(as_of, option="--as-of")
    _explain(lambda asking: asking.balance(member, at), language, known_at, as_json=as_json)


@app.command()
def expiry(
    member: Member, as_of: AsOf = None, known_at: KnownAt = None, language: In = "en", as_json: AsJson = False
) -> None:
    """What of a member's points will lapse when, lot by lot, and by which rule."""
    at = instant_or_none(as_of, option="--as-of")
    _explain(lambda asking: asking.expiry(member, at), language, known_at, as_json=as_json)


@app.command()
def tier(
    member: Member, as_of: AsOf = None, known_at: KnownAt = None, language: In = "en", as_json: AsJson = False
) -> None:
    """A member's tier: what qualifies, the rules in force, the reviews."""
    at = instant_or_none(as_of, option="--as-of")
    _explain(lambda asking: asking.tier(member, at), language, known_at, as_json=as_json)


@app.command()
def fact(
    position: Annotated[int, typer.Argument(help="Its place in the log.")],
    known_at: KnownAt = None,
    language: In = "en",
    as_json: AsJson = False,
) -> None:
    """One fact: what went in, by which rules, and whether they give the same once more."""
    _explain(lambda asking: asking.fact(position), language, known_at, as_json=as_json)


@app.command()
def purchase(purchase_id: Purchase, known_at: KnownAt = None, language: In = "en", as_json: AsJson = False) -> None:
    """A purchase: what it earned, what its returns took, what points paid of it."""
    _explain(lambda asking: asking.purchase(purchase_id), language, known_at, as_json=as_json)


@app.command()
def discount(purchase_id: Purchase, known_at: KnownAt = None, language: In = "en", as_json: AsJson = False) -> None:
    """What the programme took off the price of a purchase, by the quote that it was sold by."""
    _explain(lambda asking: asking.discount(purchase_id), language, known_at, as_json=as_json)


@app.command()
def refusal(
    position: Annotated[int | None, typer.Argument(help="Where the refusal stands in the log.")] = None,
    letter: Annotated[int | None, typer.Option("--letter", help="A dead letter instead.")] = None,
    member: Annotated[UUID | None, typer.Option("--member", help="Whose points were to be spent.")] = None,
    known_at: KnownAt = None,
    language: In = "en",
    as_json: AsJson = False,
) -> None:
    """A refusal: a message that is remembered as refused, or a dead letter."""
    if (position is None) == (letter is None):
        raise typer.BadParameter("name a position of the log, or a letter with --letter")
    _explain(
        lambda asking: asking.refusal(position or 0, member) if letter is None else asking.letter(letter),
        language, known_at, as_json=as_json,
    )  # fmt: skip


def _explain(ask: Callable[[Asking], Explanation], language: Language, known_at: str | None, *, as_json: bool) -> None:
    """Print an explanation; exit 1 if the rules do not give what is recorded."""
    at = known(known_at)
    settings = surroundings()
    with connect(settings.database_url) as log, connect(settings.read_url) as read:
        log.read_only = True
        told = ask(Asking(log, read, settings.programme, settings.partitions, language, at))
    if as_json:
        typer.echo(told.model_dump_json(indent=2))
    else:
        _show(told)
    raise typer.Exit(1 if told.reproduced is False else 0)


def _show(told: Explanation) -> None:
    typer.echo(told.says)
    typer.echo("")
    _steps(told.steps, "")
    typer.echo("")
    for one in told.differences:
        typer.echo(f"! {one.says}")
    if told.read_model is not None:
        typer.echo(_read_model(told, told.read_model))
    reproduced = REPRODUCED[told.reproduced][told.language]
    typer.echo(SAYS["upto"][told.language].format(says=reproduced, position=f"{told.position:,}"))
    typer.echo(SAYS["times"][told.language].format(zone=told.time_zone))


def _steps(steps: Sequence[Step], indent: str) -> None:
    for step in steps:
        cited = "; ".join(one for one in (step.rule or "", _places(step.facts)) if one)
        typer.echo(f"{indent}{step.says}" + (f"  [{cited}]" if cited else ""))
        _steps(step.steps, indent + "  ")


MOST = 6
"""Positions that are printed one by one; all of them stand in the JSON."""


def _places(facts: Sequence[int]) -> str:
    shown = ", ".join(str(one) for one in facts[:MOST])
    return f"{shown}, … {len(facts) - MOST:,} more" if len(facts) > MOST else shown


def _read_model(told: Explanation, model: Told) -> str:
    if model.agrees is None:
        return SAYS["read-model-silent"][told.language].format(why=model.why_not or "–")
    said = SAYS["read-model-same" if model.agrees else "read-model-not-same"][told.language]
    return said.format(position=f"{model.position:,}", gives=_figure(told, model.gives))


def _figure(told: Explanation, gives: int | str | None) -> str:
    """As words have it: what lapses next is told by an instant."""
    if gives is None:
        return SAYS["nothing"][told.language]
    if isinstance(gives, int):
        return f"{gives:,}"
    if told.about == "expiry":
        return f"{datetime.fromisoformat(gives).astimezone(ZoneInfo(told.time_zone)):%Y-%m-%d %H:%M}"
    return gives
