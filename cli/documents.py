"""Files of programmes as they are named on the command line."""

from pathlib import Path

import typer

from domain.document import Document, read_yaml
from domain.programme import SHIPPED
from domain.refusals import MalformedMessage


def document(source: str) -> Document:
    """A YAML file, or a shipped programme by its name. What is no file is wrong usage; what is no YAML is told, and exits 1."""
    path, shipped = Path(source), SHIPPED / f"{source}.yaml"
    if not path.exists():
        if not shipped.exists():
            names = ", ".join(sorted(one.stem for one in SHIPPED.glob("*.yaml")))
            raise typer.BadParameter(f"{source}: no such file, and no shipped programme of that name ({names})")
        path = shipped
    try:
        return read_yaml(path.read_text(encoding="utf-8"), file=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{source} cannot be read: {error}") from error
    except MalformedMessage as error:
        typer.echo(error.problem, err=True)
        raise typer.Exit(1) from error
