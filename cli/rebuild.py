"""`loyalty rebuild`: read models made anew beside the ones that answer, compared with them, and switched to."""

import json
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer

from cli.progress import steps
from cli.surroundings import surroundings
from consumers.rebuild import Rebuilt, compare_with_replay, rebuilding
from infra.process import quiet_gc
from projections.comparison import Comparison
from projections.schema import KINDS


def rebuild(
    names: Annotated[list[str] | None, typer.Argument(help="Projections, such as `balances`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All projections.")] = False,
    compare_only: Annotated[bool, typer.Option("--compare-only", help="Replay, compare, and change nothing.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept-differences", help="Switch though the rows differ: what was live was wrong.")
    ] = False,
    back: Annotated[bool, typer.Option("--back", help="Answer from the generation before again.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Forget the generations that do not answer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fill the next generation of read models beside the live one, compare them, and switch; exit 1 if they differ."""
    if bool(names) == every:
        raise typer.BadParameter("name projections, or give --all")
    if unknown := sorted(set(names or ()) - KINDS.keys()):
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(KINDS)}")
    if sum((compare_only, accept, back, drop)) > 1:
        raise typer.BadParameter("--compare-only, --accept-differences, --back and --drop exclude each other")
    settings = surroundings()
    quiet_gc()
    chosen = names or list(KINDS)
    if compare_only:
        with steps() as tell:
            rebuilt = compare_with_replay(settings, chosen, tell)
        _tell(rebuilt, compared_only=True, as_json=as_json)
    with steps() as tell, rebuilding(settings, chosen, tell) as work:
        if back:
            _say(
                [
                    {"projection": now.name, "live": now.generation, "before": was.generation}
                    for was, now in work.back()
                ],
                "{projection}: generation {live} answers again, {before} is kept beside it",
                as_json=as_json,
            )
            return
        if drop:
            _say(
                [{"projection": one.name, "dropped": one.generation} for one in work.drop()],
                "{projection}: generation {dropped} is dropped",
                as_json=as_json,
            )
            return
        rebuilt = list(work.fill(accept=accept))
    _tell(rebuilt, compared_only=False, as_json=as_json)


def _tell(rebuilt: list[Rebuilt], *, compared_only: bool, as_json: bool) -> NoReturn:
    if as_json:
        found = [
            {
                **one.comparison.model_dump(mode="json"),
                "equal": one.comparison.equal,
                "switched": one.switched,
                "fed": one.is_fed,
            }
            for one in rebuilt
        ]
        typer.echo(json.dumps(found, indent=2))
    else:
        for one in rebuilt:
            typer.echo("\n".join(_told(one, compared_only=compared_only)))
    raise typer.Exit(0 if all(one.comparison.equal or one.switched for one in rebuilt) else 1)


def _say(found: list[dict[str, object]], line: str, *, as_json: bool) -> None:
    typer.echo(
        json.dumps(found, indent=2) if as_json else "\n".join(line.format(**one) for one in found) or "nothing to do"
    )


def _told(one: Rebuilt, *, compared_only: bool) -> Iterator[str]:
    found = one.comparison
    yield (
        f"{found.projection}: {found.rows:,} rows of generation {found.live} up to position {found.position:,} compared with"
        f" a replay of all facts: {'equal' if found.equal else 'THEY DIFFER'}"
    )
    yield from _differences(found)
    if one.switched:
        yield f"  generation {found.replayed} answers from now on; back to {found.live}: `loyalty rebuild {found.projection} --back`"
        if not one.is_fed:
            yield "  no projector has taken it over: start one with `loyalty project`"
        for older in one.dropped:
            yield f"  generation {older.generation}, the one before that, is dropped"
    elif not compared_only:
        yield (
            f"  generation {found.live} goes on answering. {found.replayed} is kept to be looked into, in the schema"
            f" {found.projection}_{found.replayed}, until the next rebuild or --drop; where it is the live one that is wrong:"
            f" `loyalty rebuild {found.projection} --accept-differences`"
        )


def _differences(found: Comparison) -> Iterator[str]:
    for one in found.differences:
        yield (
            f"  {one.table}: {one.only_live:,} of {one.rows_live:,} rows only in the live generation, {one.only_replayed:,}"
            f" of {one.rows_replayed:,} only in the replay, for example of {one.key} {one.example}"
        )
    if found.other_tables:
        yield f"  not compared, as only one of them has these tables or columns: {', '.join(found.other_tables)}"
    if found.left_out:
        yield f"  {found.left_out:,} members are parked and were not compared, {found.newly_parked:,} of them only now"
