"""`loyalty project`: the projector, a process of its own."""

from typing import Annotated

import typer

from cli.wiring import asked_to_stop, ready
from consumers import projector


def project(
    names: Annotated[list[str] | None, typer.Argument(help="Projections; all of them by default.")] = None,
) -> None:
    """Fold the facts into read models."""
    settings = ready()
    stop = asked_to_stop()
    projector.run(settings, stop=stop, names=names or None)
