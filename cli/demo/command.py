"""`loyalty demo`: a year of a real grocery chain, from the tills to the answers."""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer

from cli.data_dir import DataDir
from cli.demo import complete_journey, liability, pipeline, tables, verify
from cli.demo.answers import ProductAnswers
from cli.demo.expected import expected
from cli.demo.publish import TUNING, Published, publish
from cli.roles import WITHOUT_CLOCK
from cli.run import prepare_keys
from cli.supervisor import Supervisor
from infra.bootstrap import bootstrap
from infra.database import connect
from infra.kafka import producer
from infra.keys import Scope, create_key
from infra.settings import Settings
from infra.topics import PURCHASES
from projections import generations, schema
from projections.whatif.run import what_if
from projections.whatif.telling import Question

AT_ONCE = 500
DEADLINE_SECONDS = 900
PROGRAMME = "corner_shop"
BASKETS = 155_848
MEBIBYTE = 1 << 20


class DemoFailed(RuntimeError):
    """A step of the demo was not answered as it must be."""


def demo(
    baskets: Annotated[int | None, typer.Option(min=1, help="Only the first N baskets in time order.")] = None,
    leave: Annotated[bool, typer.Option("--exit", help="End after the tables instead of serving on.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an earlier demo and start over.")] = False,
    check: Annotated[bool, typer.Option("--verify", help="Compare every figure with the data files.")] = False,
) -> None:
    """Let a year of a real grocery chain flow through Kafka and the ledger, and show what came of it."""
    started = time.monotonic()
    settings = Settings()
    if settings.programme != PROGRAMME:
        raise DemoFailed(
            f"the demo's amounts are dollars under the programme {PROGRAMME}: leave LOYALTY_PROGRAMME unset"
        )
    if fresh:
        _forget(settings)
    prepare_keys(settings)
    typer.echo("starting PostgreSQL, Kafka and five processes of our own …")
    # All that the year's purchases earned has lapsed since: recording that would hide the year behind it.
    with Supervisor(settings, roles=WITHOUT_CLOCK, say=typer.echo) as running:
        bootstrap(running.settings)
        _check_tables(running.settings)
        keys: dict[Scope, str] = {
            scope: create_key(running.settings, scope=scope, owner="demo")
            for scope in ("till", "analyst", "auditor", "admin")
        }
        with (
            _client(running.urls["command"], keys["admin"]) as commands,
            _client(running.urls["query"], keys["admin"]) as queries,
        ):
            _wait_until_ready(commands, queries)
            typer.echo(
                f"ready after {time.monotonic() - started:.1f} s; the data are kept in {settings.data_dir.absolute()}"
            )
            members = _join_members(commands)
            _create_campaigns(commands)
            _define_segments(commands)
            _let_flow(running, limit=baskets)
            with connect(running.settings.read_url) as read_models:
                tables.show(
                    http=queries, read_models=read_models, members=members, as_of=complete_journey.span().ends_at
                )
            _tell_resources(running, seconds=time.monotonic() - started)
            agreed = not check or all([
                _verified(running, queries, limit=baskets),
                _rolled_forward(running, queries),
                _reproduced(running),
            ])  # fmt: skip
        if not leave and agreed:
            _tell_addresses(running, keys)
            running.watch()
    raise typer.Exit(0 if agreed else 1)


def _forget(settings: Settings) -> None:
    """Remove what an earlier demo left in the data directory; never what somebody else's servers hold."""
    if settings.database_url or settings.kafka_bootstrap_servers:
        raise DemoFailed("--fresh removes the embedded services' data only: empty your own servers yourself")
    directory = DataDir(settings.data_dir)
    directory.acquire()
    try:
        for name in ("postgres", "kafka", "logs"):
            shutil.rmtree(settings.data_dir / name, ignore_errors=True)
    finally:
        directory.release()


def _check_tables(settings: Settings) -> None:
    """Of an earlier release's demo they may be others than ours, and are then moved by nobody."""
    with connect(settings.read_url) as read_models:
        schema.ensure(read_models)
        names = " ".join(projection.name for projection in generations.outdated(read_models))
    if names:
        raise DemoFailed(
            f"an earlier version made the tables of {names}: start over with --fresh, or keep what is there with"
            f" `loyalty up` in one terminal and `loyalty rebuild {names}` in another"
        )


def _client(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {key}"}, trust_env=False)


def _wait_until_ready(*doors: httpx.Client) -> None:
    deadline = time.monotonic() + 120
    for door in doors:
        while not _is_ready(door):
            if time.monotonic() > deadline:
                raise DemoFailed(f"{door.base_url} is not ready after two minutes; see the logs in the data directory")
            time.sleep(0.1)


def _is_ready(door: httpx.Client) -> bool:
    try:
        return door.get("/ready").is_success
    except httpx.TransportError:
        return False


def _join_members(commands: httpx.Client) -> dict[str, str]:
    """Join every household; those that joined before get the same answer again. Answers member ids by card."""
    bodies = list(complete_journey.members())
    for start in range(0, len(bodies), AT_ONCE):
        answer = _post(commands, "/members/batch", {"items": bodies[start : start + AT_ONCE]})
        refused = [item for item in answer["items"] if item["status"] != 201]
        if refused:
            raise DemoFailed(f"{len(refused)} members were refused, the first with {refused[0]}")
    typer.echo(f"{len(bodies):,} members have joined")
    return {str(body["card"]): str(body["member_id"]) for body in bodies}


def _create_campaigns(commands: httpx.Client) -> None:
    bodies = list(complete_journey.campaigns())
    for body in bodies:
        _post(commands, "/campaigns", body)
    typer.echo(f"{len(bodies)} campaigns are there, with the households that they targeted")


def _define_segments(commands: httpx.Client) -> None:
    bodies = list(complete_journey.segments())
    for body in bodies:
        _post(commands, "/segments", body)
    typer.echo(f"{len(bodies)} segments are defined")


def _post(http: httpx.Client, path: str, body: Any) -> Any:
    response = http.post(path, json=body)
    if response.is_error:
        raise DemoFailed(f"{path}: {response.text}")
    return response.json()


def _let_flow(running: Supervisor, *, limit: int | None) -> None:
    """Publish as tills do, in one thread, and watch from another until all has reached the read models."""
    total = min(limit or BASKETS, BASKETS)
    with ThreadPoolExecutor(max_workers=1) as tills, pipeline.watching(running.settings) as watch:
        publishing = tills.submit(_publish, running.settings, limit, total)
        seconds = pipeline.follow(watch, total=total, until=publishing.done, deadline_seconds=DEADLINE_SECONDS)
        published = publishing.result()
    if not published.sent:
        typer.echo(f"all {published.known:,} purchases were there already: nothing was published")
        return
    typer.echo(
        f"{published.sent:,} purchases published ({published.known:,} were there already), recorded and folded in "
        f"{seconds:.1f} s: {published.sent / seconds:,.0f} purchases/s from the topic to the read models"
    )


def _publish(settings: Settings, limit: int | None, total: int) -> Published:
    with producer(settings, **TUNING) as sender, connect(settings.database_url) as database:

        def claimed(ids: Sequence[UUID]) -> set[UUID]:
            rows = database.execute(
                "SELECT DISTINCT originator_id FROM facts WHERE originator_id = ANY(%s)", (list(ids),)
            )
            return {row[0] for row in rows}

        tell: Callable[[int, int], None] = lambda done, total: None  # noqa: ARG005, E731 - the pipeline is watched instead
        tills = islice(complete_journey.baskets(limit), limit)
        return publish(tills, producer=sender, topic=PURCHASES, total=total, claimed=claimed, progress=tell)


def _verified(running: Supervisor, queries: httpx.Client, *, limit: int | None) -> bool:
    """Compare with what the data files say, computed by other means."""
    wanted = expected(limit)
    found = verify.differences(wanted, ProductAnswers(http=queries, read_database_url=running.settings.read_url or ""))
    for difference in found[:20]:
        typer.echo(str(difference))
    typer.echo(f"verified against the data files: {verify.summary(wanted, found)}")
    return not found


def _rolled_forward(running: Supervisor, queries: httpx.Client) -> bool:
    """Hold what is told to be owed, month by month, against what the database adds up from the facts."""
    answers = ProductAnswers(http=queries, read_database_url=running.settings.read_url or "")
    with connect(running.settings.database_url) as log:
        checked = liability.check(liability.added_up(log), answers)
    for difference in checked.differences[:20]:
        typer.echo(str(difference))
    typer.echo(str(checked))
    return not checked.differences


def _reproduced(running: Supervisor) -> bool:
    """Replay the year by the rules that were in force, as `loyalty whatif --check` does."""
    replayed = what_if(running.settings, Question(running.settings.programme, [], check=True))
    typer.echo(
        f"what-if: {replayed.members:,} members replayed by the rules in force: {replayed.differing:,} differences"
        + (" (`loyalty whatif --check` tells them)" if replayed.differing else "")
    )
    return not replayed.differing


def _tell_resources(running: Supervisor, *, seconds: float) -> None:
    memory = running.resident_bytes()
    parts = ", ".join(f"{name} {size // MEBIBYTE}" for name, size in memory.items())
    typer.echo(f"{seconds:.1f} s from start to tables; {sum(memory.values()) // MEBIBYTE:,} MiB resident ({parts})")


def _tell_addresses(running: Supervisor, keys: dict[Scope, str]) -> None:
    typer.echo(f"\nCommand API  {running.urls['command']}/docs\nQuery API    {running.urls['query']}/docs")
    typer.echo(f"Kafka        {running.kafka_bootstrap_servers}")
    for scope, key in keys.items():
        typer.echo(f"key ({scope}):{' ' * (9 - len(scope))}{key}")
    typer.echo("Ctrl-C ends everything; the data stay for the next time.")
