"""Snapshots of long accounts: a cache of what decisions to come need of them. Whoever deletes one loses nothing but time.

Open stay: what is not used up, what happened lately, and every counter; the rest is left in the log.
"""

import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from inspect import getsource
from uuid import UUID

from pydantic import BaseModel

from domain import (
    activity,
    books,
    campaign,
    campaign_books,
    campaign_terms,
    caps,
    grants,
    lots,
    movements,
    parts,
    points_account,
    purse,
    qualifying,
    tally,
    tier_moves,
)
from domain.activity import KeepAlive
from domain.books import OpenEntries
from domain.caps import Uses
from domain.lots import Hold, Lot
from domain.movements import Credit
from domain.parts import Taken
from domain.points_account import BonusKey, PointsAccount
from domain.purse import Grant, Redemption
from domain.qualifying import Absorbed, Credited, Granted

OPEN_FOR = timedelta(days=35)
"""Business of this time before the latest stays open: goods come back within it, and tills that were offline report."""


class Books(BaseModel):
    """The open books of an account."""

    open_since: datetime
    latest: datetime
    lots: list[Lot]
    """In the order in which they came."""
    blank: list[Lot]
    """Parts of purchases that earned no points."""
    credited: dict[UUID, Credited]
    """Their lots stand above."""
    lots_of: dict[UUID, list[UUID]]
    """By purchase."""
    holds: dict[UUID, Hold]
    redemptions: dict[UUID, Redemption]
    activity: list[KeepAlive]
    bonuses: list[tuple[BonusKey, set[UUID]]]
    # Whole, as they are:
    member_id: UUID | None
    registered_at: datetime | None
    referred_by: UUID | None
    received: dict[UUID, tuple[UUID, UUID]]
    debt: int
    debt_since: datetime | None
    settlements: list[Taken]
    periods: dict[int, int]
    calendars: set[str]
    dated: list[Credit]
    granted: list[Granted]
    grants: dict[UUID, Grant]
    absorbed: dict[UUID, Absorbed]
    uses: Uses
    tier: str | None
    tier_since: datetime | None
    warned: date | None
    closed_at: datetime | None
    merged_into: UUID | None


FOLDED_BY = (
    activity,
    books,
    campaign,
    campaign_books,
    campaign_terms,
    caps,
    grants,
    lots,
    movements,
    parts,
    points_account,
    purse,
    qualifying,
    tally,
    tier_moves,
)
"""Where it stands what an account or a campaign is, and how facts are folded into it; and here, what is left in the log."""


def _name() -> str:
    sources = "".join(map(getsource, (*FOLDED_BY, sys.modules[__name__])))
    return f"AccountBooks.{sha256(sources.encode()).hexdigest()[:16]}"


NAME = _name()
"""A program that holds or folds anything otherwise gives its snapshots another name, and does not find these."""

IN_PART = {
    "open_since", "latest", "lots", "blank", "credited", "lots_of", "holds", "redemptions", "activity", "bonuses",
}  # fmt: skip
WHOLE = Books.model_fields.keys() - IN_PART


def taken(account: PointsAccount) -> bytes | None:
    """The open books of an account as it stands; none, where nothing ever happened."""
    if account.latest is None:
        return None
    since = account.latest - OPEN_FOR
    if account.open_since is not None:
        since = max(since, account.open_since)
    credited = {id_: one for id_, one in dict.items(account.credited) if one.at >= since}
    staying = {lot.id for lot in account.open_lots() if _lot_stays(lot, account, since)}
    holds = {id_: one for id_, one in dict.items(account.holds) if _hold_stays(one, staying, since)}
    redemptions = {id_: one for id_, one in dict.items(account.redemptions) if one.at >= since}
    staying |= {part["lot_id"] for one in holds.values() for part in one.parts}
    staying |= {part["lot_id"] for one in redemptions.values() for part in one.parts}
    staying |= {lot.id for one in credited.values() for lot in one.lots}
    kept = Books.model_construct(
        open_since=since,
        latest=account.latest,
        lots=[lot for lot in account.open_lots() if lot.id in staying],
        blank=[lot for one in credited.values() for lot in one.lots if not lot.points],
        credited={id_: replace(one, lots=[]) for id_, one in credited.items()},
        lots_of={id_: [lot.id for lot in one.lots] for id_, one in credited.items()},
        holds=holds,
        redemptions=redemptions,
        activity=[one for one in account.activity if one.at >= since] or account.activity[-1:],
        bonuses=[(key, purchases) for key, purchases in dict.items(account.bonuses) if not _day_over(key, since)],
        **{name: getattr(account, name) for name in WHOLE},
    )
    return kept.model_dump_json(exclude_defaults=True).encode()


def restored(stream_id: UUID, version: int, state: bytes) -> PointsAccount:
    """The account as it was, but for what lies in closed books."""
    kept = Books.model_validate_json(state)
    account = PointsAccount(stream_id)
    account.version = version
    account.open_since, account.latest, account.activity = kept.open_since, kept.latest, kept.activity
    account.member_id, account.registered_at = kept.member_id, kept.registered_at
    account.debt, account.debt_since, account.settlements = kept.debt, kept.debt_since, kept.settlements
    account.periods, account.dated, account.granted = kept.periods, kept.dated, kept.granted
    account.calendars, account.tier = kept.calendars, kept.tier
    account.tier_since, account.warned = kept.tier_since, kept.warned
    account.grants, account.referred_by = kept.grants, kept.referred_by
    account.received, account.absorbed, account.merged_into = kept.received, kept.absorbed, kept.merged_into
    account.closed_at, account.uses = kept.closed_at, kept.uses
    here = {lot.id: lot for lot in kept.lots}
    parts = here | {lot.id: lot for lot in kept.blank}
    for purchase_id, one in kept.credited.items():
        one.lots = [parts[lot_id] for lot_id in kept.lots_of[purchase_id]]
    account.lots = OpenEntries(stream_id, here)
    account.credited = OpenEntries(stream_id, kept.credited)
    account.holds = OpenEntries(stream_id, kept.holds)
    account.redemptions = OpenEntries(stream_id, kept.redemptions)
    account.bonuses = OpenEntries(stream_id, dict(kept.bonuses), lambda key: _day_over(key, kept.open_since))
    return account


def _day_over(bonus: BonusKey, since: datetime) -> bool:
    return bonus[2] < since.date()


def _lot_stays(lot: Lot, account: PointsAccount, since: datetime) -> bool:
    """What is used up can be asked for by its name only; and so what has lapsed, once that was recorded.

    While debt is open, what had lapsed may have paid it before.
    """
    over = lot.expires_at is not None and lot.expires_at <= since and lot.free <= lot.lapsed
    return lot.free > 0 and (account.debt > 0 or not over)


def _hold_stays(hold: Hold, staying: Collection[UUID], since: datetime) -> bool:
    """One that ended can be asked for by its name only. One that timed out is to be recorded, and dates what lapses of its lots."""
    if hold.ended is not None:
        return hold.at >= since
    return hold.until > since or not hold.timed_out or any(part["lot_id"] in staying for part in hold.parts)
