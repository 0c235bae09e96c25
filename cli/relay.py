"""`loyalty relay`: the log's way to Kafka, a process of its own."""

from typing import Annotated

import typer

from cli.wiring import asked_to_stop, ready
from infra import relay as relaying
from infra.database import connection
from infra.process import quiet_gc


def relay(
    republish_from: Annotated[
        int | None, typer.Option(min=1, help="First tell the facts from this position on once more, then go on.")
    ] = None,
) -> None:
    """Tell the facts of the log to Kafka, in order."""
    settings = ready()
    stop = asked_to_stop()
    if republish_from is not None:
        with connection(settings) as database:
            relaying.republish_from(database, republish_from, partitions=settings.partitions)
    quiet_gc()
    relaying.Relay(settings, stop=stop).run()
