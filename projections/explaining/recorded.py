"""What the log holds about a member, and whatever their points depend on besides."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection

from domain.campaign import CATALOGUE_ID, BudgetDrawn, CampaignListed, SegmentListed, campaign_stream
from domain.commands.clock import CLOCK
from domain.fact import FACTS
from domain.movements import AccountOpened
from domain.points_account import account_id
from domain.programme import programme_id
from domain.segment import segment_stream
from projections.whatif.log import WANTED

NAMES = sorted(WANTED)
NAMED = frozenset({"to_member_id", "from_member_id", "survivor_id", "absorbed_id", "purchase_id"})
"""Fields that name another member, whose points are of the same matter, or a purchase."""

_OF_SUBJECTS: LiteralString = """
SELECT position, originator_id, name, state FROM facts
WHERE subject = ANY(%s::uuid[]) AND name = ANY(%s) AND position <= %s ORDER BY position
"""
_AT: LiteralString = "SELECT position, originator_id, name, state, subject FROM facts WHERE position = %s"


class NotRecorded(LookupError):
    """The log holds nothing of the kind; as it was known once, up to a position."""

    def __init__(self, what: str, which: object, *, upto: int) -> None:
        super().__init__(f"the log holds no {what} {which} up to position {upto}")
        self.what = what


class Recorded(NamedTuple):
    """A fact and its place in the log."""

    position: int
    stream_id: UUID
    name: str
    state: bytes
    fact: Any


class Matter:
    """All that a member's points follow from, in the order of the log."""

    def __init__(self, log: Connection, member_id: UUID, *, programme: str, position: int) -> None:
        """Raises `NotRecorded` where nobody is a member by that id."""
        self.log = log
        self.member_id = member_id
        self.account = account_id(member_id)
        self.programme = programme
        self.position = position
        self.own = read(log, [member_id], position=position)
        if not any(one.name == AccountOpened.stored_name for one in self.own):
            raise NotRecorded("member", member_id, upto=position)
        shared = read(log, [programme_id(programme), CATALOGUE_ID], position=position)
        listed = [campaign_stream(one.fact.campaign_id) for one in shared if one.name == CampaignListed.stored_name]
        listed += [segment_stream(one.fact.segment_id) for one in shared if one.name == SegmentListed.stored_name]
        others = read(log, [*listed, *self._others()], position=position)
        self.facts = sorted({one.position: one for one in (*self.own, *shared, *others)}.values())

    def with_draws(self, campaigns: Iterable[UUID]) -> Sequence[Recorded]:
        """The same, with what others drew on the budgets of these campaigns."""
        ours = {one.fact.correlation_id for one in self.own}
        drawn = read(self.log, list(campaigns), position=self.position, names=[BudgetDrawn.stored_name])
        return sorted((*self.facts, *(one for one in drawn if one.fact.correlation_id not in ours)))

    @cached_property
    def movements(self) -> list[Recorded]:
        """Of the member's account alone."""
        return [one for one in self.own if one.stream_id == self.account]

    def _others(self) -> set[UUID]:
        """Members with whom points were exchanged, and purchases that were recorded as nobody's."""
        known = {one.stream_id for one in self.own}
        found: set[UUID] = set()
        for one in self.own:
            named = vars(one.fact)
            found |= {named[name] for name in NAMED & named.keys() if named[name] is not None}
        claimed = {one.stream_id for one in self.own if one.name == "PurchaseClaimed.v1"}
        return (found - known) | claimed


def read(log: Connection, subjects: Sequence[UUID], *, position: int, names: Sequence[str] = NAMES) -> list[Recorded]:
    """The facts of these members, or streams of nobody, that have to do with points."""
    asked = (list(subjects), list(names), position)
    return [
        Recorded(place, stream_id, name, state, parsed(name, state))
        for place, stream_id, name, state in log.execute(_OF_SUBJECTS, asked, binary=True)
    ]


def parsed(name: str, state: bytes) -> Any:
    """The fact, as the write side reads it."""
    return FACTS[name].__pydantic_validator__.validate_json(state)


def fact_at(log: Connection, position: int, *, upto: int) -> tuple[Recorded, UUID]:
    """A fact by its place, of those up to another, and whose it is. Raises `NotRecorded`."""
    row = log.execute(_AT, (position,), binary=True).fetchone() if position <= upto else None
    if row is None:
        raise NotRecorded("fact", position, upto=upto)
    place, stream_id, name, state, subject = row
    if name not in FACTS:
        raise NotRecorded("fact", f"{position} that this program knows: it is a {name}", upto=upto)
    return Recorded(place, stream_id, name, state, parsed(name, state)), subject


def transactions(facts: Iterable[Recorded]) -> Iterator[list[Recorded]]:
    """The facts of one command after the other; whatever the clock recorded of an account when it came by counts as one."""
    for _, together in groupby(facts, key=_command):
        yield list(together)


def _command(one: Recorded) -> object:
    return one.fact.external_id if one.fact.source == CLOCK else one.fact.correlation_id
