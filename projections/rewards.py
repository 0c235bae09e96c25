"""Rewards, what is left of them, and what of them a member can afford, or what keeps them from it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.policy.parts import Text
from domain.refusals import AccountIsClosed, InsufficientPoints, Refusal
from domain.reward import Applicant, CouponTerms, RewardTerms, obstacles
from projections.projection import Projection, Rows, moves
from projections.snapshot import Snapshot
from projections.told_of_rewards import Created, Had, Stocked


class Rewards(Projection):
    """Terms, and every piece that came or went; what is left is added up when it is asked for."""

    name = "rewards"
    tables = (
        "CREATE TABLE IF NOT EXISTS {schema}.rewards (reward_id text PRIMARY KEY, terms jsonb NOT NULL)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.pieces (
            reward_id text NOT NULL,
            member_id uuid,
            at timestamptz NOT NULL,
            came bigint NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS pieces_reward ON {schema}.pieces (reward_id)",
    )

    @moves("RewardCreated.v1")
    def created(self, fact: Created, rows: Rows) -> None:
        rows["rewards"].append((fact["reward_id"], RewardTerms.model_validate(fact["terms"]).model_dump_json()))

    @moves("RewardStocked.v1")
    def stocked(self, fact: Stocked, rows: Rows) -> None:
        rows["pieces"].append((fact["reward_id"], None, fact["occurred_at"], fact["pieces"]))

    @moves("RewardRedeemed.v1")
    def redeemed(self, fact: Had, rows: Rows) -> None:
        rows["pieces"].append((fact["reward_id"], fact["member_id"], fact["occurred_at"], -1))

    @moves("RewardGivenBack.v1")
    def given_back(self, fact: Had, rows: Rows) -> None:
        rows["pieces"].append((fact["reward_id"], fact["member_id"], fact["occurred_at"], 1))


class RewardTold(RewardTerms):
    """A reward: its terms, and what is left of it. Amounts are in minor units; the window is half open."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reward_id: str = Field(description="The reward's id")
    state: Literal["planned", "live", "ended"] = Field(description="Where `as_of` lies to its window")
    stock_left: int | None = Field(
        description="Pieces that are left at `as_of`, as far as known here; null: it cannot run out"
    )
    redeemed: int = Field(description="How often it was had by then, less what was given back")


class RewardList(BaseModel):
    """A page of rewards, ordered by id."""

    items: list[RewardTold] = Field(description="The rewards")
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class Lock(BaseModel):
    """What keeps the member from a reward: the name of the refusal that a redemption would meet, and its fields."""

    model_config = ConfigDict(extra="allow")

    why: str = Field(description="As `insufficient-points`, `reward-locked`, `spend-missing`, `reward-not-in-window`")


class Offer(BaseModel):
    """A reward as one member sees it."""

    reward_id: str = Field(description="The reward's id")
    name: Text = Field(description="Its name in English and Chinese")
    kind: str = Field(description="`good`, `coupon`, `service` or `cash_off`")
    points: int = Field(description="What it costs")
    points_missing: int = Field(description="How many points are missing; 0, where there are enough")
    state: Literal["affordable", "locked"] = Field(description="Whether the member could have it at `as_of`")
    locked_by: list[Lock] = Field(description="Everything that keeps the member from it")
    min_order_spend_minor: int = Field(description="What an order must come to that is shown with it; 0: none needs be")
    coupon: CouponTerms | None = Field(description="The coupon that it is, if it is one")
    ends_at: datetime | None = Field(description="Until, and not at, this instant it can be had; null: for ever")
    stock_left: int | None = Field(description="Pieces that are left; null: it cannot run out")


class MemberRewards(BaseModel):
    """What a member can have for points, the nearest first: what is affordable, then by the points that are missing."""

    member_id: UUID = Field(description="The member")
    available: int = Field(description="Points that can be spent at `as_of`")
    tier: str = Field(description="The tier held at `as_of`")
    items: list[Offer] = Field(description="Rewards that have not ended; of two as near, the one locked by less first")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class Person(NamedTuple):
    """What other read models know of a member at an instant."""

    member_id: UUID
    one_person: Sequence[UUID]
    """The member, and those who were merged into them."""
    available: int
    debt: int
    tier: str
    segments: frozenset[str]
    lifetime_minor: int
    closed_at: datetime | None
    position: int
    """Up to which all of them are complete."""


_LIST = """
SELECT reward_id, terms::text, coalesce(came, 0)::bigint, coalesce(had, 0)::bigint FROM {schema}.rewards
LEFT JOIN (
    SELECT reward_id, sum(came) AS came, -sum(came) FILTER (WHERE member_id IS NOT NULL) AS had
    FROM {schema}.pieces WHERE at <= %(as_of)s GROUP BY reward_id
) AS moved USING (reward_id)
WHERE reward_id COLLATE "C" > %(after)s ORDER BY reward_id COLLATE "C" LIMIT %(limit)s
"""
_HAD = """
SELECT reward_id, -sum(came)::bigint FROM {schema}.pieces WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s
GROUP BY reward_id
"""


async def reward_list(snapshot: Snapshot, *, as_of: datetime, after: str, limit: int) -> RewardList:
    """The rewards whose ids follow `after`."""
    rows = await snapshot.all(_LIST, after=after, limit=limit + 1, as_of=as_of)
    items = []
    for reward_id, text, came, had in rows[:limit]:
        terms = RewardTerms.model_validate_json(text)
        told = {"reward_id": reward_id, "state": _state(terms, as_of), "stock_left": _left(terms, came)}
        items.append(RewardTold(**dict(terms), **told, redeemed=had))
    more = items[-1].reward_id if len(rows) > limit else None
    return RewardList(items=items, next=more, as_of=as_of, position=snapshot.position)


async def offers_of(snapshot: Snapshot, person: Person, *, as_of: datetime) -> MemberRewards:
    """What one member can have, and what keeps them from the rest: by the same rule as on the write side."""
    had: dict[str, int] = dict(await snapshot.all(_HAD, members=list(person.one_person), as_of=as_of))
    offers = []
    for reward_id, text, came, _ in await snapshot.all(_LIST, after="", limit=None, as_of=as_of):
        terms = RewardTerms.model_validate_json(text)
        if _state(terms, as_of) != "ended":
            offers.append(_offer(person, reward_id, terms, _left(terms, came), had.get(reward_id, 0), as_of))
    return MemberRewards(
        member_id=person.member_id, available=person.available, tier=person.tier, items=sorted(offers, key=_nearness),
        as_of=as_of, position=min(snapshot.position, person.position),
    )  # fmt: skip


def _offer(
    person: Person, reward_id: str, terms: RewardTerms, left: int | None, had: int, as_of: datetime
) -> Offer:  # fmt: skip
    applicant = Applicant(
        at=as_of, tier=person.tier, segments=person.segments.intersection(terms.segments or ()),
        lifetime_minor=person.lifetime_minor, had=had, order_minor=None,
    )  # fmt: skip
    missing = max(0, terms.points - person.available)
    refusals: list[Refusal] = []
    if person.closed_at is not None:
        refusals.append(AccountIsClosed(member_id=person.member_id, closed_at=person.closed_at))
    refusals += obstacles(reward_id, terms, left, applicant)
    if missing:
        refusals.append(InsufficientPoints(points=terms.points, available=person.available, debt=person.debt))
    return Offer(
        reward_id=reward_id, name=terms.name, kind=terms.kind, points=terms.points, points_missing=missing,
        state="locked" if refusals else "affordable", locked_by=[_lock(one) for one in refusals],
        min_order_spend_minor=terms.min_order_spend_minor, coupon=terms.coupon, ends_at=terms.ends_at, stock_left=left,
    )  # fmt: skip


def _lock(refusal: Refusal) -> Lock:
    said: dict[str, Any] = {name: value for name, value in refusal.fields().items() if name != "reward_id"}
    return Lock(why=refusal.name, **said)


def _nearness(offer: Offer) -> tuple[bool, int, int, int, str]:
    """What only points are missing for comes before what cannot be had by any number of them."""
    others = len(offer.locked_by) - bool(offer.points_missing)
    return (others > 0, offer.points_missing, others, offer.points, offer.reward_id)


def _state(terms: RewardTerms, as_of: datetime) -> Literal["planned", "live", "ended"]:
    if terms.ends_at is not None and terms.ends_at <= as_of:
        return "ended"
    return "planned" if terms.starts_at is not None and as_of < terms.starts_at else "live"


def _left(terms: RewardTerms, came: int) -> int | None:
    return None if terms.stock is None else terms.stock + came
