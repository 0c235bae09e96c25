"""The log as a replay reads it: transaction by transaction, parted so that several processes can each tell a part of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from pydantic_core import from_json

from domain.campaign import (
    AudienceListed,
    BudgetReleased,
    BudgetReserved,
    CampaignCreated,
    CampaignListed,
    RewardListed,
    SegmentListed,
)
from domain.fact import Fact
from domain.member import MemberMerged
from domain.movements import PointsSent
from domain.points_account import PointsAccount
from domain.programme import Policy, ProgrammePublished, programme_id
from domain.purchase import PurchaseClaimed, PurchaseReturned, PurchaseVoided
from domain.segment import SegmentDefined
from infra.database import connect
from projections.whatif.plain import read
from projections.whatif.replay import STEPS
from projections.whatif.world import AS_RECORDED

PAGE = 20_000
"""Positions read at once."""

WANTED = {kind.stored_name for kind in (*AS_RECORDED, *STEPS, *PointsAccount.evolvers)}
SHARED: frozenset[type[Fact]] = frozenset({
    ProgrammePublished, CampaignListed, SegmentListed, RewardListed, CampaignCreated, AudienceListed, BudgetReserved,
    BudgetReleased, SegmentDefined,
})  # fmt: skip
"""What everybody must know."""

_POLICIES = """
SELECT state FROM facts WHERE originator_id = %s AND name = %s AND position <= %s ORDER BY originator_version
"""
_TIED = "SELECT originator_id, subject, state FROM facts WHERE name = ANY(%s) AND position <= %s"
_STATES = "SELECT state FROM facts WHERE name = %s AND position <= %s ORDER BY position"
_FACTS = """
SELECT name, state FROM facts
WHERE position > %s AND position <= %s AND name = ANY(%s) AND CASE
    WHEN name = ANY(%s) THEN true WHEN subject = ANY(%b::uuid[]) THEN %s = 0
    ELSE get_byte(uuid_send(subject), 15) %% %s = %s
END ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process reads: everything of its members, and what is shared by all."""

    url: str
    position: int
    """Up to which the log is read."""
    number: int
    parts: int
    together: Sequence[UUID]
    """Whose points depend on those of others: they are read by the first process, all of them."""
    told_of_again: frozenset[UUID]
    """The purchases of which something goes back, or that find their member later."""

    def transactions(self) -> Iterator[tuple[int, list[Any]]]:
        """The facts of one command after the other, each with how far the log is read."""
        waiting: list[Any] = []
        with connect(self.url) as log:
            log.read_only = True
            for start in range(0, self.position, PAGE):
                for fact in self._page(log, start):
                    if waiting and waiting[0].correlation_id != fact.correlation_id:
                        yield start, waiting
                        waiting = []
                    waiting.append(fact)
        if waiting:
            yield self.position, waiting

    def _page(self, log: Connection, start: int) -> Iterable[Any]:
        end = min(start + PAGE, self.position)
        asked = (
            start, end, list(WANTED), [kind.stored_name for kind in SHARED], list(self.together), self.number, self.parts, self.number
        )  # fmt: skip
        for name, state in log.execute(_FACTS, asked, binary=True).fetchall():
            yield read(name, state)


def published(log: Connection, programme: str, *, position: int) -> list[Policy]:
    """The versions of a programme."""
    asked = (programme_id(programme), ProgrammePublished.stored_name, position)
    return [
        ProgrammePublished.model_validate_json(state).policy for (state,) in log.execute(_POLICIES, asked, binary=True)
    ]


def last_position(log: Connection) -> int:
    """How long the log is."""
    row = log.execute("SELECT coalesce(max(position), 0) FROM facts").fetchone()
    assert row is not None, "an aggregate always has a row"
    return int(row[0])


def segments(log: Connection, *, position: int) -> set[str]:
    """The segments that are defined."""
    return {state["segment_id"] for state in _states(log, SegmentDefined, position)}


def has_budgets(log: Connection, *, position: int) -> bool:
    """Whether campaigns share out something that one member's purchases leave less of for another's."""
    return any(state.get("budget") for state in _states(log, CampaignCreated, position))


def told_of_again(log: Connection, *, position: int) -> frozenset[UUID]:
    """The purchases of which something goes back, or that find their member later."""
    names = [kind.stored_name for kind in (PurchaseReturned, PurchaseVoided, PurchaseClaimed)]
    rows = log.execute("SELECT originator_id FROM facts WHERE name = ANY(%s) AND position <= %s", (names, position))
    return frozenset(purchase_id for (purchase_id,) in rows)


def _states(log: Connection, kind: type[Fact], position: int) -> Iterator[dict[str, Any]]:
    for (state,) in log.execute(_STATES, (kind.stored_name, position), binary=True):
        yield from_json(state)


def tied(log: Connection, *, position: int) -> list[UUID]:
    """Members, and purchases, whose points depend on those of others: by transfers, merges, and receipts that were claimed."""
    names = [kind.stored_name for kind in (PointsSent, MemberMerged, PurchaseClaimed)]
    found: set[UUID] = set()
    for stream_id, subject, state in log.execute(_TIED, (names, position), binary=True):
        found |= {stream_id, subject, *_others(from_json(state))}
    return sorted(found)


def _others(fact: dict[str, Any]) -> Iterator[UUID]:
    return (UUID(fact[name]) for name in ("to_member_id", "survivor_id") if name in fact)
