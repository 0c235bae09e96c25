"""The proof of conservation: the log folded anew from nothing, and held against the read model (rules 14).

1. Look at the read model and keep that look; then see where the log ends, which is never before. 2. Part the accounts
into slices; each is folded on its own, by as many processes as there are processors. 3. Add the slices up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

from psycopg import Connection
from pydantic import BaseModel, Field

from domain.lots import Buckets
from infra.database import connect
from infra.settings import Settings
from infra.side_by_side import side_by_side
from projections.proofs.rows import members_of
from projections.proofs.slices import Difference, Folded, Look, fold_slice, known_by, looking

FACTS_IN_A_SLICE = 20_000

Progress = Callable[[int, int], None]
"""Told (slices done, slices in all)."""


class Conservation(BaseModel):
    """Whether every point is where the facts put it: per lot, per member, and in all."""

    holds: bool = Field(description="Whether every equation holds, and the read model is what the log says")
    position: int = Field(description="The log position up to which the log was folded")
    read_model_position: int = Field(
        description="The log position up to which the read model was complete; each member was compared as far as theirs"
        " went"
    )
    as_of: datetime = Field(
        description="The instant whose clock parts what is free into pending, available, held and expired; for members"
        " with a later fact, the instant of that"
    )
    facts: int = Field(description="Facts in the log")
    moving_facts: int = Field(description="Facts among them that open accounts or move points")
    members: int = Field(description="Members with an account")
    lots: int = Field(description="Lots that were ever issued or received")
    log: Buckets = Field(description="Points by what has become of them, as the log says")
    read_model: Buckets = Field(description="The same as the read model says, as far as it went")
    differing_members: int = Field(description="Members of whom something does not add up; they are in no sum")
    first_difference: Difference | None = Field(description="What does not add up first, by its position")

    @property
    def left_out(self) -> str:
        """Whose points are in no sum, in words."""
        if not self.differing_members:
            return "It is of no single member; all are in the sums"
        one = self.differing_members == 1
        whose = (
            "1 member differs or cannot be folded, and is"
            if one
            else (f"{self.differing_members:,} members differ or cannot be folded, and are")
        )
        return f"{whose} left out of the sums, on both sides"


def prove(settings: Settings, *, as_of: datetime, progress: Progress = lambda _, __: None) -> Conservation:
    """Prove conservation, or find what does not add up first."""
    with _look(settings, as_of) as (look, facts, read_model):
        found = Folded()
        slices = facts // FACTS_IN_A_SLICE + 1
        for done, one in enumerate(side_by_side(partial(fold_slice, look, slices=slices), range(slices)), 1):
            found.add(one)
            progress(done, slices)
        strangers = members_of(read_model, look.known.schema) - found.members
    differences = [*found.differences, *_of_all(found, look, facts, strangers)]
    return Conservation(
        holds=not differences,
        position=look.position,
        read_model_position=look.known.position,
        as_of=as_of,
        facts=facts,
        moving_facts=found.facts,
        members=len(found.members),
        lots=found.lots,
        log=found.log,
        read_model=found.read_model,
        differing_members=len(found.differences) + len(strangers),
        first_difference=min(differences, key=lambda one: one.position, default=None),
    )


@contextmanager
def _look(settings: Settings, as_of: datetime) -> Iterator[tuple[Look, int, Connection]]:
    """One look for all: the read model as it is now, and the log up to its end."""
    log_url, read_url = settings.database_url or "", settings.read_url or ""
    with looking(read_url) as read_model:
        known = known_by(read_model)
        row = read_model.execute("SELECT pg_export_snapshot()").fetchone()
        with connect(log_url) as log:
            count = log.execute("SELECT count(*), coalesce(max(position), 0) FROM facts").fetchone()
        assert row is not None, "a snapshot can always be exported"
        assert count is not None, "an aggregate always has a row"
        yield Look(log_url, read_url, row[0], known, count[1], as_of), count[0], read_model


def _of_all(found: Folded, look: Look, facts: int, strangers: set[UUID]) -> Iterator[Difference]:
    """What no single member shows: gaps in the log, transfers, rows of members that the log does not know."""
    if facts != look.position:
        yield Difference(
            what="positions have no gap", bucket="facts", expected=str(look.position), found=str(facts), position=look.position
        )  # fmt: skip
    for transfer, points in found.across.items():
        if points and not found.differences:
            yield Difference(
                what="what one member sends another receives", bucket=transfer, expected="0", found=str(points),
                position=found.across_at[transfer],
            )  # fmt: skip
    for member_id in strangers:
        yield Difference(
            what="the read model is what the log says", member_id=member_id, bucket="accounts", expected="False",
            found="True", position=look.position,
        )  # fmt: skip
