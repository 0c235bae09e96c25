"""Coupons by member, and the state of each at any instant."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, Field

from projections.paging import cut, place_of
from projections.projection import Projection, Rows, moves
from projections.snapshot import Snapshot
from projections.told_of_rewards import CouponMoved, Issued

State = Literal["issued", "reserved", "redeemed", "expired", "void"]


class Coupons(Projection):
    """What was issued, and every step since; the state is worked out when it is asked for."""

    name = "coupons"
    tables = (
        """
        CREATE TABLE IF NOT EXISTS {schema}.coupons (
            code text PRIMARY KEY,
            member_id uuid NOT NULL,
            issued_at timestamptz NOT NULL,
            kind text NOT NULL,
            valid_from timestamptz NOT NULL,
            valid_until timestamptz NOT NULL,
            amount_minor bigint,
            reference text NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS coupons_member ON {schema}.coupons (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.steps (
            code text,
            version int,
            at timestamptz NOT NULL,
            step text NOT NULL,
            until timestamptz,
            purchase_id uuid,
            problem text,
            PRIMARY KEY (code, version)
        )
        """,
    )

    @moves("CouponIssued.v1")
    def issued(self, fact: Issued, rows: Rows) -> None:
        rows["coupons"].append((
            fact["code"], fact["member_id"], fact["occurred_at"], fact["kind"], fact["valid_from"], fact["valid_until"],
            fact.get("amount_minor"), fact["reference"],
        ))  # fmt: skip

    @moves("CouponReserved.v1")
    def reserved(self, fact: CouponMoved, rows: Rows) -> None:
        _step(rows, fact, "reserved")

    @moves("CouponReleased.v1")
    def released(self, fact: CouponMoved, rows: Rows) -> None:
        _step(rows, fact, "released")

    @moves("CouponRedeemed.v1")
    def redeemed(self, fact: CouponMoved, rows: Rows) -> None:
        _step(rows, fact, "redeemed")

    @moves("CouponFlagged.v1")
    def flagged(self, fact: CouponMoved, rows: Rows) -> None:
        _step(rows, fact, "flagged")

    @moves("CouponRestored.v1")
    def restored(self, fact: CouponMoved, rows: Rows) -> None:
        _step(rows, fact, "restored")

    @moves("CouponVoided.v1")
    def voided(self, fact: CouponMoved, rows: Rows) -> None:
        _step(rows, fact, "voided")


def _step(rows: Rows, fact: CouponMoved, step: str) -> None:
    rows["steps"].append((
        fact["code"], fact["originator_version"], fact["occurred_at"], step, fact.get("until"), fact.get("purchase_id"),
        fact.get("problem"),
    ))  # fmt: skip


class Flag(BaseModel):
    """A purchase that named the coupon although it was not good, and could not be refused."""

    purchase_id: UUID = Field(description="The purchase")
    problem: str = Field(description="The refusal that it would have met, as `coupon-used`")


class Coupon(BaseModel):
    """A coupon of a member."""

    code: str = Field(description="What is shown at the till")
    kind: str = Field(description="The word that campaigns and tills know it by")
    state: State = Field(description="At `as_of`; one that was restored is `issued` again")
    valid_from: datetime = Field(description="The first instant at which it is good")
    valid_until: datetime = Field(description="The first instant at which it is good no longer")
    amount_minor: int | None = Field(description="What it takes off a bill, in minor units, where it is money")
    reference: str = Field(description="What it came with: `reward:<redemption>`, `campaign:<id>`, `staff`")
    issued_at: datetime = Field(description="When it was issued")
    reserved_until: datetime | None = Field(description="Until when it is set aside for a bill, if it is")
    purchase_id: UUID | None = Field(description="The purchase that it was used with, if it is used")
    flags: list[Flag] = Field(description="Purchases that named it in vain")


class MemberCoupons(BaseModel):
    """A page of a member's coupons, the latest first; those of who was merged into the member among them."""

    member_id: UUID = Field(description="The member")
    items: list[Coupon] = Field(description="The coupons")
    next: str | None = Field(description="Pass it as `after` for the next page; null on the last one")
    as_of: datetime = Field(description="The instant that the answer is about")
    position: int = Field(description="The log position up to which the answer is complete")


class Step(NamedTuple):
    """Something that happened to a coupon."""

    step: str
    until: datetime | None
    purchase_id: Any
    problem: Any


_COUPONS = """
SELECT code, kind, valid_from, valid_until, amount_minor, reference, issued_at FROM {schema}.coupons
WHERE member_id = ANY(%(members)s) AND issued_at <= %(as_of)s
"""
_STEPS = """
SELECT code, step, until, purchase_id, problem FROM {schema}.steps
WHERE code = ANY(%(codes)s) AND at <= %(as_of)s ORDER BY code, version
"""


async def coupons_of(
    snapshot: Snapshot, *, member_id: UUID, one_person: Sequence[UUID], as_of: datetime, after: str, limit: int
) -> MemberCoupons:
    """The coupons that were issued to a member, or to who is one person with them, and the state of each."""
    rows = await snapshot.all(_COUPONS, members=list(one_person), as_of=as_of)
    page, more = cut(rows, key=lambda row: place_of(row[-1], row[0]), after=after, limit=limit, backwards=True)
    steps = defaultdict(list)
    for code, *step in await snapshot.all(_STEPS, codes=[row[0] for row in page], as_of=as_of):
        steps[code].append(Step(*step))
    fields = ("code", "kind", "valid_from", "valid_until", "amount_minor", "reference", "issued_at")
    items = [_told(dict(zip(fields, row, strict=True)), steps[row[0]], as_of) for row in page]
    return MemberCoupons(member_id=member_id, items=items, next=more, as_of=as_of, position=snapshot.position)


def _told(coupon: dict[str, Any], steps: Iterable[Step], as_of: datetime) -> Coupon:
    """Walk what happened to it, in the order in which it was decided; its reservation and its end are told by the clock."""
    state: State = "issued"
    reserved_until: datetime | None = None
    purchase_id: UUID | None = None
    flags = []
    for one in steps:
        if one.step == "flagged":
            flags.append(Flag(purchase_id=one.purchase_id, problem=one.problem))
            continue
        if one.step == "voided" and state == "redeemed":
            continue  # it was used, and is not restored any more
        reserved_until = one.until if one.step == "reserved" else None
        purchase_id = one.purchase_id if one.step == "redeemed" else None
        state = "redeemed" if one.step == "redeemed" else "void" if one.step == "voided" else "issued"
    if reserved_until is not None and reserved_until <= as_of:
        reserved_until = None
    told = Coupon(**coupon, state=state, reserved_until=reserved_until, purchase_id=purchase_id, flags=flags)
    if state == "issued" and as_of >= told.valid_until:
        return told.model_copy(update={"state": "expired", "reserved_until": None})
    return told if reserved_until is None else told.model_copy(update={"state": "reserved"})
