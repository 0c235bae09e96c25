"""`loyalty load`: members, campaigns and purchases from NDJSON files, one a line; refused lines go to a file of their own."""

import json
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

import typer
from kafka.producer.future import FutureRecordMetadata

from cli.wiring import open_ledger, ready
from consumers.cloud_events import event_of
from consumers.purchases import command_of
from domain.command import Command
from domain.commands.members import JoinMember
from domain.fact import message_id
from domain.loyalty import Failed, Loyalty, Refused
from domain.messages.campaigns import CampaignBody, create_command
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from domain.messages.purchases import CardIds, PurchaseCompleted
from domain.messages.reading import read
from domain.messages.tills import TillClosedEvent
from domain.personal_data import Sealing
from domain.refusals import Refusal
from infra.kafka import producer
from infra.keys import load_key_file
from infra.personal_data import PersonalData
from infra.topics import PURCHASES

app = typer.Typer(help="Load NDJSON files; `-` is standard input.", no_args_is_help=True)

AT_ONCE = 500
IN_FLIGHT = 5_000
DEADLINE_SECONDS = 90
MOST_TOLD = 20
"""Refused lines that are told at once; all of them are in the file."""

C = TypeVar("C", bound=Command)
File = Annotated[Path, typer.Argument(help="One message a line; `-` is standard input.", allow_dash=True)]


@dataclass
class Load:
    """One file on its way in: its lines, and those that were refused."""

    path: Path
    quoted: bool = True
    """Whether a refused line is set aside as it is; one of a member holds personal data, so only its number is."""
    done: int = 0
    refused: list[dict[str, object]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What is wrong with the first of them, as compilers tell it."""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, by number."""
        with self._open() as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip(b"\r\n")

    def refuse(self, number: int, line: bytes, refusal: Refusal | Exception) -> None:
        """Set a line aside with its reason."""
        name = refusal.name if isinstance(refusal, Refusal) else "unexpected-error"
        fields = refusal.fields() if isinstance(refusal, Refusal) else {}
        quote = {"message": line.decode(errors="backslashreplace")} if self.quoted else {}
        self.refused.append({"line": number, "reason": name, **fields, **quote})
        if len(self.told) < MOST_TOLD:
            self.told.append(f"{self.path}:{number}: {name}: {refusal}")

    def end(self, what: str) -> None:
        """Write the refused lines, tell what was done, and exit 1 if any line was refused."""
        typer.echo(f"{self.done:,} {what}, {len(self.refused):,} refused")
        if not self.refused:
            return
        typer.echo("\n".join(self.told), err=True)
        aside = Path("stdin.rejected.ndjson") if self._is_stdin else Path(f"{self.path}.rejected.ndjson")
        aside.unlink(missing_ok=True)
        aside.touch(mode=0o600, exist_ok=False)  # it quotes lines, and they hold card numbers
        with aside.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(one, default=str, ensure_ascii=False) + "\n" for one in self.refused)
        typer.echo(f"the refused lines, with their reasons, are in {aside}", err=True)
        raise typer.Exit(1)

    @property
    def _is_stdin(self) -> bool:
        return str(self.path) == "-"

    def _open(self) -> AbstractContextManager[BinaryIO]:
        return nullcontext(sys.stdin.buffer) if self._is_stdin else self.path.open("rb")


@app.command()
def members(file: File) -> None:
    """Join members: one body of `POST /members` a line. A member without id is known by the card."""
    settings = ready()
    load, keys = Load(file, quoted=False), load_key_file(settings)
    personal_data = PersonalData(settings.database_url, keys)
    with open_ledger(settings) as loyalty:
        waiting: list[tuple[int, bytes, JoinMember]] = []
        for number, line in load.lines():
            try:
                waiting.append((number, line, _join(line, keys.card_id, personal_data)))
            except Refusal as refusal:
                load.refuse(number, line, refusal)
            if len(waiting) >= AT_ONCE:
                _execute(loyalty, waiting, load)
        _execute(loyalty, waiting, load)
    load.end("members joined, now or before")


@app.command()
def campaigns(file: File) -> None:
    """Create campaigns: one body of `POST /campaigns` a line. The same content under the same `campaign_id` is a repeat."""
    settings = ready()
    load, card_ids = Load(file), load_key_file(settings).card_id
    with open_ledger(settings) as loyalty:
        for number, line in load.lines():
            try:
                body = read(CampaignBody, line, strictly=True)
                command = create_command(
                    body, identity=Identity.of("load", None), card_ids=card_ids, now=datetime.now(UTC)
                )
            except Refusal as refusal:
                load.refuse(number, line, refusal)
                continue
            _execute(loyalty, [(number, line, command)], load)
    load.end("campaigns created, now or before")


@app.command()
def purchases(file: File) -> None:
    """Publish purchases to Kafka as a till does: one structured CloudEvent a line."""
    _publish(file, "purchases published")


@app.command()
def returns(file: File) -> None:
    """Publish returns and voids to Kafka as a till does: one structured CloudEvent a line."""
    _publish(file, "returns published")


@app.command()
def closings(file: File) -> None:
    """Publish closings of tills to Kafka as a till does: one structured CloudEvent a line."""
    _publish(file, "closings published")


def _publish(file: Path, what: str) -> None:
    settings = ready()
    load, card_ids = Load(file), load_key_file(settings).card_id
    waiting: deque[FutureRecordMetadata] = deque()
    with producer(settings, linger_ms=20, batch_size=256 * 1024) as sender:
        for number, line in load.lines():
            try:
                key = _routing_key(line, card_ids)
            except Refusal as refusal:
                load.refuse(number, line, refusal)
                continue
            waiting.append(sender.send(PURCHASES, value=line, key=key))
            _settle(waiting, load, down_to=IN_FLIGHT)
        _settle(waiting, load, down_to=0)
    load.end(what)


def _join(line: bytes, card_ids: CardIds, sealing: Sealing) -> JoinMember:
    body = read(MemberBody, line, strictly=True)
    return join_command(body, identity=Identity.of("load", None), card_ids=card_ids, sealing=sealing, answered=False)


def _execute(loyalty: Loyalty, waiting: list[tuple[int, bytes, C]], load: Load) -> None:
    """Carry out what is waiting, and empty it."""
    outcomes = loyalty.execute([command for _, _, command in waiting], recorded_at=datetime.now(UTC))
    for (number, line, _), outcome in zip(waiting, outcomes, strict=True):
        if isinstance(outcome, Refused):
            load.refuse(number, line, outcome.refusal)
        elif isinstance(outcome, Failed):
            load.refuse(number, line, outcome.error)
        else:
            load.done += 1
    waiting.clear()


def _routing_key(line: bytes, card_ids: CardIds) -> bytes | None:
    """Check a message as far as it can be told by itself; answer what keeps a buyer's purchases in order, or the returns
    of a purchase, which do not tell the buyer, or a till's closings.
    """
    event = event_of(line, [])
    command_of(event, card_ids)
    if isinstance(event, TillClosedEvent):
        return event.source.encode()
    if not isinstance(event, PurchaseCompleted):
        return message_id(event.data.purchase.source, event.data.purchase.id).bytes
    buyer = event.data.card or event.data.member
    return None if buyer is None else str(buyer).encode()


def _settle(waiting: deque[FutureRecordMetadata], load: Load, *, down_to: int) -> None:
    """Wait for acknowledgements; the first failure is raised, and a second load finishes what this one did not."""
    while len(waiting) > down_to:
        waiting.popleft().get(timeout=DEADLINE_SECONDS)
        load.done += 1
