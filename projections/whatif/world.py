"""A world in memory: what was recorded stands as it is, but points and budgets, which are decided anew."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from domain.batch import Batch, StreamCache
from domain.campaign import BudgetDrawn, Campaign, Catalogue
from domain.command import Command, Decision
from domain.commands.coupons import RestoreCoupons
from domain.commands.referees import OfReferees
from domain.coupon import Coupon, CouponIssued
from domain.fact import Fact
from domain.member import Member
from domain.points_account import PointsAccount
from domain.programme import Policy, Programme, programme_id
from domain.purchase import Purchase
from domain.segment import Segment
from domain.stream import Draft, Stream

BEFORE_EVERYTHING = datetime.min.replace(tzinfo=UTC)

AS_RECORDED: Mapping[type[Fact], type[Stream]] = {
    kind: stream
    for stream in (Member, Purchase, Coupon, Campaign, Catalogue, Segment)
    for kind in stream.evolvers
    if kind is not BudgetDrawn
}
"""The facts that no rule of a programme has a say in, with the streams that they belong to."""

CATALOGUED = frozenset(Catalogue.evolvers)

DECIDED_ANEW = (PointsAccount, Campaign)

Tap = Callable[[type[Fact], Any], None]
"""Told of every movement of points: its kind, and its fields."""


class Told:
    """A fact as streams fold it: fields, and nothing else. What is not told is as its kind has it, see `told_as`."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__ = fields


@cache
def left_out(kind: type[Fact]) -> dict[str, Any]:
    """What a fact says where it says nothing."""
    return {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in kind.model_fields.items()
        if not field.is_required()
    }


@cache
def told_as(kind: type[Fact]) -> type[Told]:
    """The facts of a kind, which say by themselves what was left out."""
    return type(kind.__name__, (Told,), left_out(kind).copy())


class Codes:
    """Codes of coupons. They know nothing of the world, or else it would be left to the collector when it is let go."""

    def __init__(self) -> None:
        self.recorded: Iterator[str] = iter(())
        """Those that the next purchase gave by the record."""
        self._more = count()

    def __call__(self) -> str:
        return next(self.recorded, None) or f"replayed-{next(self._more)}"


class World(Batch):
    """Streams that are decided upon, and changed, without a log. Every stream is there: a blank one until it is told of."""

    def __init__(self, programme: str, versions: Sequence[Policy], tap: Tap) -> None:
        codes = Codes()
        super().__init__(
            programme=programme, recorded_at=BEFORE_EVERYTHING, cache=StreamCache(most_facts=0), load=_blank,
            encode=lambda fact: fact, new_code=codes,
        )  # fmt: skip
        self.codes = codes
        self._tap = tap
        published = self.get(Programme, programme_id(programme))
        published.name, published.versions = programme, list(versions)

    def take_over(self, kind: type[Fact], fact: Any) -> None:
        """What happened whatever the rules: it stands as it was recorded."""
        stream = self.streams.get(fact.originator_id)
        if stream is None:
            stream = self.streams[fact.originator_id] = AS_RECORDED[kind](fact.originator_id)
        if kind is CouponIssued and stream.version:  # with the purchase that brought it, which was told before
            return
        stream.evolvers[kind](stream, fact)
        stream.version += 1
        if kind in CATALOGUED:
            self._live.clear()

    def move(self, draft: Draft, at: datetime) -> None:
        """Let what was decided happen at an instant, unless it tells its own."""
        stream, kind, what = draft
        what.setdefault("occurred_at", at)
        what.setdefault("recorded_at", self.recorded_at)
        fact = told_as(kind)(what)
        stream.evolvers[kind](stream, fact)
        stream.version += 1
        if isinstance(stream, PointsAccount):
            self._tap(kind, fact)

    def happen(self, drafts: Iterable[Draft], at: datetime) -> None:
        """Let happen what was decided about points and budgets, and the coupons that campaigns give; all else stands as recorded."""
        for draft in drafts:
            if isinstance(draft.stream, DECIDED_ANEW) or draft.kind is CouponIssued:
                self.move(draft, at)

    def _apply(self, decision: Decision, command: Command) -> None:
        self.happen(decision.drafts, command.occurred_at)

    def _carry_on(self, commands: Sequence[Command]) -> None:
        """Referrals and coupons stand as they were recorded."""
        super()._carry_on([one for one in commands if not isinstance(one, OfReferees | RestoreCoupons)])


def _blank(missing: dict[UUID, type[Stream]]) -> list[Stream]:
    return [kind(stream_id) for stream_id, kind in missing.items()]
