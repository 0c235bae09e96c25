"""The log as a replay reads it: transaction by transaction, parted so that several processes can each tell a part of it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple
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
_TYING = {kind.stored_name for kind in (PointsSent, MemberMerged, PurchaseClaimed)}
_AGAIN = {kind.stored_name for kind in (PurchaseReturned, PurchaseVoided, PurchaseClaimed)}
_TOLD = {CampaignCreated.stored_name, SegmentDefined.stored_name, *_TYING}
_LOOK = """
SELECT name, originator_id, subject, CASE WHEN name = ANY(%s) THEN state END FROM facts
WHERE name = ANY(%s) AND position <= %s
"""
_BYTES = """
SELECT get_byte(uuid_send(subject), 15), count(*) FROM facts TABLESAMPLE SYSTEM (10) REPEATABLE (1)
WHERE position <= %s GROUP BY 1
"""
_FACTS = """
SELECT name, state FROM facts
WHERE position > %s AND position <= %s AND name = ANY(%s) AND CASE
    WHEN name = ANY(%s) THEN true WHEN subject = ANY(%b::uuid[]) THEN %s = 0
    ELSE get_byte(uuid_send(subject), 15) BETWEEN %s AND %s
END ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process reads: everything of its members, and what is shared by all."""

    url: str
    position: int
    """Up to which the log is read."""
    number: int
    bytes: range
    """The last bytes of the ids of its members."""
    together: Sequence[UUID]
    """Whose points depend on those of others: they are read by the first process, all of them."""
    told_of_again: frozenset[UUID]
    """The purchases of which something goes back, or that find their member later."""

    def transactions(self) -> Iterator[tuple[int, list[Any]]]:
        """The facts of one command after the other, each with how far the log is read."""
        waiting: list[Any] = []
        caused = -1
        with connect(self.url) as log:
            log.read_only = True
            for start in range(0, self.position, PAGE):
                for fact in self._page(log, start):
                    cause = fact.correlation_id.int
                    if cause != caused:
                        if waiting:
                            yield start, waiting
                        waiting, caused = [], cause
                    waiting.append(fact)
        if waiting:
            yield self.position, waiting

    def _page(self, log: Connection, start: int) -> Iterable[Any]:
        end = min(start + PAGE, self.position)
        asked = (
            start, end, list(WANTED), [kind.stored_name for kind in SHARED], list(self.together), self.number,
            self.bytes.start, self.bytes.stop - 1,
        )  # fmt: skip
        for name, state in log.execute(_FACTS, asked, binary=True).fetchall():
            yield read(name, state, told_of_again=self.told_of_again)


def published(log: Connection, programme: str, *, position: int) -> list[Policy]:
    """The versions of a programme."""
    asked = (programme_id(programme), ProgrammePublished.stored_name, position)
    return [
        ProgrammePublished.model_validate_json(state).policy for (state,) in log.execute(_POLICIES, asked, binary=True)
    ]


class Look(NamedTuple):
    """What must be known of the whole log before parts of it are read."""

    segments: set[str]
    """Those that are defined."""
    has_budgets: bool
    """Whether campaigns share out something that one member's purchases leave less of for another's."""
    together: Sequence[UUID]
    """Members, and purchases, whose points depend on those of others: by transfers, merges, and receipts that were claimed."""
    told_of_again: frozenset[UUID]
    """The purchases of which something goes back, or that find their member later."""


def look(log: Connection, *, position: int) -> Look:
    """In one go, as no index tells facts by their names."""
    segments: set[str] = set()
    together: set[UUID] = set()
    again: set[UUID] = set()
    has_budgets = False
    asked = (list(_TOLD), list(_TOLD | _AGAIN), position)
    for name, stream_id, subject, state in log.execute(_LOOK, asked, binary=True):
        if name in _AGAIN:
            again.add(stream_id)
        if name in _TOLD:
            told = from_json(state)
            if name in _TYING:
                together |= {stream_id, subject, *_others(told)}
            elif name == SegmentDefined.stored_name:
                segments.add(told["segment_id"])
            else:
                has_budgets |= bool(told.get("budget"))
    return Look(segments, has_budgets, sorted(together), frozenset(again))


def _others(fact: dict[str, Any]) -> Iterator[UUID]:
    return (UUID(fact[name]) for name in ("to_member_id", "survivor_id") if name in fact)


def cut(log: Connection, parts: int, *, position: int) -> list[range]:
    """The last bytes of members' ids in so many ranges, each with about as much to tell: by a tenth of the log."""
    weights = [1] * 256
    for byte, facts in log.execute(_BYTES, (position,)):
        weights[byte] += facts
    part_of = [before * parts // sum(weights) for before in accumulate(weights[:-1], initial=0)]
    bounds = [bisect_left(part_of, number) for number in range(parts + 1)]
    return [range(start, stop) for start, stop in pairwise(bounds)]
