"""`loyalty audit …`: checkpoints, proofs that a fact is in the log, and whether anything was changed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from psycopg import Connection

from cli.audit import app
from cli.progress import one_step
from cli.proven import shown
from cli.surroundings import surroundings
from cli.wiring import ready
from infra.append_only import enforced
from infra.database import connect
from infra.evidence import proofs
from infra.evidence.files import CheckpointFile
from infra.evidence.notary import Notary
from infra.evidence.notes import Checkpoint, PublicKey, PublicKeyUnreadable, opened_in_order, parsed
from infra.evidence.sources import Export, Live
from infra.evidence.tree import LogBroken, NoCheckpoint, Tree
from infra.evidence.verifying import Hashes, Verified, verify
from infra.keys import load_signer
from infra.merkle import ProofWrong
from infra.settings import Settings
from projections.assurance.whole_streams import FactsLeftOut, check_whole
from projections.whatif.files import NotWritten

Key = Annotated[str, typer.Option("--key", help="The public key, or a file that holds it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("public-key")
def public_key() -> None:
    """Print the key that checkpoints are verified with. Keep it where the operator of the database cannot change it."""
    typer.echo(load_signer(Settings()).public)


@app.command()
def checkpoint() -> None:
    """Sign a checkpoint of all facts that there are now, and print it."""
    typer.echo(_sign(ready()), nl=False)


@app.command()
def checkpoints(
    file: Annotated[
        Path,
        typer.Argument(
            help="What it holds already stays; the hashes of facts go beside, into FILE.hashes.", dir_okay=False
        ),
    ],
) -> None:
    """Append to a file the checkpoints that are not in it yet, with what finds the place of a change."""
    with _log(surroundings()) as log:
        kept = CheckpointFile(file)
        try:
            written = kept.follow(Tree(log))
        except OSError as error:
            raise NotWritten(
                f"{file} was not written to its end: {error.strerror or error}. See to room and rights there, and run the"
                " same command again: it appends what is missing"
            ) from error
        last = Tree(log).latest()
    if kept.mended:
        typer.echo(
            f"{kept.hashes_path} was not whole: the hashes of {kept.mended:,} facts were written again, from the database",
            err=True,
        )
    typer.echo(f"{written:,} checkpoints appended to {file}; the last one vouches for {last.size:,} facts", err=True)


@app.command("verify")
def verify_(
    export: Annotated[Path | None, typer.Option(help="An export of facts; default: the log itself.")] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="A file of checkpoints; default: the clock's, in the data directory, or the database's."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="The public key, or a file that holds it; default: our own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold the log, or an export, against signed checkpoints; exit 1 with the first position that is not as it was.

    With --export, --checkpoints and --key it needs no service, no database and no secret.
    """
    if export is None:
        settings = surroundings()
        with one_step("verifying facts") as progress:
            found, told = verify_live(settings, checkpoints, key, progress)
    else:
        if checkpoints is None or key is None:
            raise typer.BadParameter("with --export, name --checkpoints and --key, too", param_hint="--export")
        found, told = _verify_export(export, checkpoints, _key(key)), []
    typer.echo(found.model_dump_json(indent=2) if as_json else "\n".join([*_told(found), *told]))
    raise typer.Exit(0 if found.holds else 1)


@app.command()
def prove(
    position: Annotated[int | None, typer.Argument(min=1, help="The position of a fact.")] = None,
    member: Annotated[UUID | None, typer.Option(help="All facts of a member instead.")] = None,
    sign_now: Annotated[
        bool, typer.Option("--sign-now", help="Sign a checkpoint first, which vouches for all that there is by now.")
    ] = False,
) -> None:
    """Print the proof that a fact, or every fact of a member, is in the log that the last checkpoint vouches for, as JSON.

    What of a member was recorded after that checkpoint cannot be proven yet: how much that is, is told beside.
    """
    if (position is None) == (member is None):
        raise typer.BadParameter("name a position, or else --member", param_hint="POSITION")
    if sign_now:
        _sign(ready())
    settings = surroundings()
    with _log(settings) as log:
        made = proofs.prove_member(log, member) if member is not None else proofs.prove_position(log, position or 0)
        left_out = 0 if member is None else proofs.left_out(log, made)
    _check_made(settings, made)
    if left_out:
        typer.echo(
            f"left out: {left_out:,} facts of the member were recorded after the last checkpoint, and none vouches for them"
            " yet. With them: --sign-now, or once the clock has signed the next one",
            err=True,
        )
    typer.echo(made.model_dump_json(indent=2))


@app.command("check-proof")
def check_proof(
    file: Annotated[Path, typer.Argument(help="A proof, as `loyalty audit prove` prints it.")],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """Check a proof, offline: that its checkpoint was signed, that each fact leads to the signed root, that none is left out.

    Left out between two of the same stream, that is: whether a stream goes on behind its last fact here, no proof shows.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise proofs.ProofUnreadable(
            f"{file} is not readable as a proof: name a file that `loyalty audit prove` has printed"
        ) from error
    signed, proof = proofs.check(text, _key(key))
    check_whole(proof)
    if as_json:
        typer.echo(proof.model_dump_json(indent=2))
        return
    typer.echo("\n".join(line for fact in proof.facts for line in shown(fact)))
    whose = f", of member {proof.member_id}" if proof.member_id else ""
    typer.echo(
        f"proven: {len(proof.facts):,} facts{whose}, in the log of {signed.size:,} facts that {signed.origin} signed at {signed.at:%F %T} UTC"
    )


def _check_made(settings: Settings, made: proofs.Proof) -> None:
    """What cannot be checked is not handed out; whose signature it is, is only known where the key file is."""
    note = made.checkpoint
    signed = load_signer(settings).public.opened(note) if settings.keys_path.exists() else parsed(note)[0]
    try:
        proofs.check_facts(made, signed)
        check_whole(made)
    except (ProofWrong, FactsLeftOut) as error:
        raise type(error)(f"no proof is printed: {error}. The log was changed: see `loyalty audit verify`") from None


def _verify_export(export: Path, checkpoints: Path, key: PublicKey) -> Verified:
    file = CheckpointFile(checkpoints)
    signed = opened_in_order(file.notes(), key)
    _tell_of_hashes(file, signed)
    source = Export(export)
    with one_step("verifying facts") as progress:
        return verify(source, signed, [file.hashes], key_id=key.id, progress=progress)


def verify_live(
    settings: Settings, checkpoints: Path | None, key: str | None, progress: Callable[[int, int], None]
) -> tuple[Verified, list[str]]:
    """Verify the log itself; told beside it, where the checkpoints come from, and what refuses changes."""
    public = _key(key) if key is not None else load_signer(settings).public
    with _log(settings) as log:
        file, tree = CheckpointFile(checkpoints or settings.checkpoints_path), Tree(log)
        of_file = checkpoints is not None or (file.path.exists() and file.path.stat().st_size > 0)
        notes = file.notes() if of_file else [one.note for one in tree.kept()]
        if not notes:
            tree.latest()
        signed = opened_in_order(notes, public)
        if of_file:
            _tell_of_hashes(file, signed)
        source = Live(log)
        found = verify(source, signed, [file.hashes, _kept(tree)], key_id=public.id, progress=progress)
        return found, [
            f"checkpoints from {file.path if of_file else 'the database itself; a copy elsewhere proves more'}",
            f"append-only by {enforced(log)}",
        ]


def _tell_of_hashes(file: CheckpointFile, signed: Sequence[Checkpoint]) -> None:
    size = signed[-1].size
    if file.hashed < size:
        typer.echo(
            f"{file.hashes_path} holds the hashes of {file.hashed:,} of {size:,} facts: a change behind those is found, but its"
            f" place may not be told. `loyalty audit checkpoints {file.path}` writes what is missing",
            err=True,
        )


def _kept(tree: Tree) -> Hashes:
    def hashes(low: int, high: int) -> list[bytes] | None:
        try:
            return tree.leaves(low, high)
        except LogBroken:
            return None

    return hashes


def _told(found: Verified) -> list[str]:
    wrong = found.first_change
    if wrong is None:
        told = [
            f"verified: {found.size:,} facts are as they were recorded, by {found.checkpoints:,} signed checkpoints"
        ]
    elif wrong.position == wrong.last:
        told = [f"THE LOG WAS CHANGED: first at position {wrong.position:,}: {wrong.what}: {wrong.told}"]
    else:
        told = [f"THE LOG WAS CHANGED: {wrong.told}"]
    told.append(
        f"last checkpoint: {found.size:,} facts, signed {found.at.astimezone(UTC):%F %T} UTC with key {found.key_id}"
    )
    if found.uncovered:
        told.append(f"{found.uncovered:,} facts came later; no checkpoint vouches for them yet")
    return told


def _sign(settings: Settings) -> str:
    """A checkpoint of all that there is; the last one, where nothing came since."""
    with connect(settings.database_url) as database:
        Notary(settings, load_signer(settings)).sign_now(database)
        return Tree(database).latest().note


def _key(given: str) -> PublicKey:
    """Raises `PublicKeyUnreadable`."""
    path = Path(given)
    if not path.exists() and "+" not in given:
        raise PublicKeyUnreadable(f"there is no file {given}, nor is that a key, `name+id+key`: name one of them")
    return PublicKey.read(path.read_text(encoding="utf-8") if path.is_file() else given)


@contextmanager
def _log(settings: Settings) -> Iterator[Connection]:
    """The log, to be read only."""
    with connect(settings.database_url) as log:
        log.execute("SET default_transaction_read_only = on")
        made = log.execute("SELECT to_regclass('checkpoints') IS NOT NULL").fetchone()
        if not made or not made[0]:
            raise NoCheckpoint("this database knows of no checkpoints: start a role of this release on it first")
        yield log
