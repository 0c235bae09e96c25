"""`loyalty programme`: linting, publishing and listing the versions of a programme."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.contract import programme_schema
from cli.documents import document as read_document
from cli.surroundings import surroundings
from cli.wiring import open_ledger, ready
from domain.document import Document, amended, read_yaml
from domain.lint import lint_document
from domain.loyalty import Failed, Refused, Repeated
from domain.messages.identity import Identity
from domain.messages.programmes import publish_command, read_policy
from domain.policy.difference import difference
from domain.policy.wording import Language
from domain.programme import Policy, Programme, programme_id
from domain.refusals import EffectiveDateNotAfterPublished, Refusal

app = typer.Typer(help="Programmes: policy as data.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped programme.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def lint(source: Source, as_json: AsJson = False) -> None:
    """Tell what the linter finds in a policy, or in a draft of one; exit 1 when there are errors."""
    document = read_document(source)
    findings = lint_document(document)
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(finding.told(document.file))
    raise typer.Exit(1 if any(finding.level == "error" for finding in findings) else 0)


@app.command()
def publish(
    source: Source,
    force: Annotated[bool, typer.Option("--force", help="Publish in spite of errors of the linter.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why it must be, with --force; it is recorded.")] = None,
) -> None:
    """Publish the next version. Publishing the same again changes nothing."""
    if force != (reason is not None):
        raise typer.BadParameter("--force and --reason belong together")
    document = read_document(source)
    now, operator = datetime.now(UTC), Identity.of("operator", None)
    command = publish_command(
        read_policy(document), identity=operator, now=now, forced_reason=reason, document=document
    )
    settings = ready()
    with open_ledger(settings) as loyalty:
        (outcome,) = loyalty.execute([command], recorded_at=now)
    if isinstance(outcome, Refused):
        _tell_line(outcome.refusal, document)
        raise outcome.refusal
    if isinstance(outcome, Failed):
        raise outcome.error
    again = "was published before" if isinstance(outcome, Repeated) else "is published"
    typer.echo(
        f"{outcome.answer['programme']} version {outcome.answer['version']} {again}, at position {outcome.position}"
    )


@app.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """List the published versions of the programme in use."""
    with open_ledger(surroundings()) as loyalty:
        versions = loyalty.programme.versions
    if as_json:
        typer.echo(json.dumps([policy.model_dump(mode="json") for policy in versions], ensure_ascii=False))
        return
    table = Table("version", "name", "effective from", "currency", "earning", "tiers")
    for number, policy in enumerate(versions, 1):
        earning = f"{policy.earning.points} per {policy.earning.per_minor} minor"
        tiers = ", ".join(level.name for level in policy.tiers.levels)
        table.add_row(str(number), policy.name, f"{policy.effective_from:%F %T%z}", policy.currency, earning, tiers)
    Console().print(table)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A file, a shipped name, or NAME@N: a published version.")],
    new: Annotated[str, typer.Argument(help="The same, for what it is compared with.")],
    language: Annotated[Language, typer.Option(help="en or zh.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Tell in plain words what differs from one policy to another."""
    sentences = difference(_policy(old), _policy(new), language=language)
    typer.echo(json.dumps(sentences, ensure_ascii=False) if as_json else "\n".join(sentences))


@app.command()
def amend(
    source: Source,
    changes: Annotated[list[str], typer.Argument(help="PLACE=VALUE, as in tiers.levels.2.retain_at=60000.")],
) -> None:
    """Print a file with some of its values changed, comments and order kept: the next version's beginning.

    Errors that the linter would find in it go to standard error; they may be what the next change mends.
    """
    document = read_document(source)
    values = dict(change.partition("=")[::2] for change in changes)
    text = amended(Path(document.file).read_text(encoding="utf-8"), values, file=document.file)
    typer.echo(text, nl=False)
    for finding in lint_document(read_yaml(text, file=document.file)):
        if finding.level == "error":
            typer.echo(finding.told("as amended"), err=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a programme's file, for editors."""
    typer.echo(programme_schema(), nl=False)


def _policy(source: str) -> Policy:
    name, published, number = source.rpartition("@")
    if not published or not number.isdecimal():
        return read_policy(read_document(source))
    with open_ledger(surroundings()) as loyalty:
        (programme,) = loyalty.present(Programme, [programme_id(name)], at=datetime.now(UTC))
    if not 0 < int(number) <= len(programme.versions):
        raise typer.BadParameter(f"{name} has {len(programme.versions)} published versions")
    return programme.versions[int(number) - 1]


def _tell_line(refusal: Refusal, document: Document) -> None:
    """The line that brought a refusal, where it can be told."""
    spot = document.spot(("effective_from",))
    if isinstance(refusal, EffectiveDateNotAfterPublished) and spot:
        typer.echo(f"{document.file}:{spot.line}:{spot.column}: effective_from", err=True)
