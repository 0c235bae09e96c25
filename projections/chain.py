"""The chain of `prev`: which records of a partition come in their turn, which are repeats, and where one is missing."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from projections.told import Record, Told

log = logging.getLogger(__name__)


class AnotherEpoch(RuntimeError):
    """The facts topic continues another log than the one that the read models were made from. Rebuild them."""


class Cursor(NamedTuple):
    """How far one projection has come in one partition."""

    epoch: str | None = None
    """The log that is being followed; None before the first record."""
    next_offset: int = 0
    last_position: int = 0
    gap_until: int | None = None
    """The last position that could not be taken, as one before it is missing; None while nothing is missing."""


Link = tuple[bytes, int, int, bytes]
"""A record's log, its place in it, that of the fact before it in its partition, and what it is."""


def link_of(record: Record) -> Link | None:
    """Read the headers; None where they are not the relay's: such a record carries no fact."""
    chain = kind = b""
    for name, value in record.headers:  # asked of every record: a dict of the five takes half as long again
        if name == "ce_chain":
            chain = value
        elif name == "ce_type":
            kind = value
    try:
        epoch, position, prev = chain.split(b"/")
        return (epoch, int(position), int(prev), kind) if kind else None
    except ValueError:
        return None


def follow(cursor: Cursor, records: Sequence[Record], wanted: Mapping[bytes, str]) -> tuple[list[Told], Cursor]:
    """The facts that apply, and where the cursor stands after them.

    A record applies if `prev ≤ last_position < position`. What was told before is dropped; so is what comes after
    a gap, and the cursor moves on: the relay tells everything again from before the gap, which closes it.
    """
    _, next_offset, last, gap = cursor
    epoch = cursor.epoch.encode() if cursor.epoch else b""
    told: list[Told] = []
    for record in records:
        if record.offset < next_offset:
            continue
        link = link_of(record)
        if link is None:
            log.warning("passed over a record that the relay did not write, at offset %d", record.offset)
            continue
        its_epoch, position, prev, kind = link
        if its_epoch != epoch:
            epoch = _adopt(epoch, its_epoch, position)
        if position <= last:
            continue
        if prev > last:
            gap = max(gap or 0, position)
            continue
        last = position
        name = wanted.get(kind)
        if name is not None:
            told.append(Told(name, last, record.key or b"", record.value or b""))
    if gap is not None and gap <= last:
        gap = None
    return told, Cursor(epoch.decode() or None, max(next_offset, records[-1].offset + 1), last, gap)


def _adopt(known: bytes, epoch: bytes, position: int) -> bytes:
    if known:
        raise AnotherEpoch(f"position {position} belongs to log {epoch!r}, the read models to log {known!r}")
    return epoch
