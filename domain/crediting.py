"""What a purchase brings to an account, and what its return takes from it (rules 1, 4)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from math import floor
from uuid import UUID

from domain.allowance import cut, earnable
from domain.basket import Line, paid
from domain.calendar_days import local_day
from domain.campaign import Campaign
from domain.caps import bonuses_reserved, cap, given, uses_of
from domain.climbing import tier_move
from domain.coupon import Coupon
from domain.earning import Part, earned_parts, set_against
from domain.expiry import keeps_alive_until, life
from domain.ids import named
from domain.lots import Lot, Reach, total
from domain.movements import PointsEarned, PointsRevoked
from domain.parts import RevokedPart
from domain.periods import period_of
from domain.points_account import BonusKey, PointsAccount
from domain.programme import Policy
from domain.qualifying import Credited, calendar_of
from domain.sale import Sale
from domain.stream import Draft
from domain.tally import Credit

NO_GIFTS: Mapping[str, Coupon] = {}


def earn(
    account: PointsAccount,
    sale: Sale,
    *,
    policy: Policy,
    version: int,
    campaigns: Sequence[Campaign],
    united: Sequence[PointsAccount] = (),
) -> list[Draft]:
    """Credit a sale: its parts become lots, and a tier that it reaches is reached at once. A closed account earns no more.

    `united`: the accounts of those whom the member absorbed, as their limits are one.
    """
    at, zone = sale.occurred_at, policy.zone
    closed = account.closed(at)
    if closed and not sale.points_minor:
        return []
    day = local_day(at, zone)
    registered_on = account.registered_on(policy)
    parts, by_points = _parts(account, sale, policy=policy, campaigns=campaigns, united=united, day=day)
    if closed:  # nothing is earned; what points paid for is kept, as it comes back with the goods
        parts = []
    if policy.limits is not None:
        left = earnable((account, *united), policy=policy, day=day)
        if left is not None:
            cut(parts, left)
    for part in parts:
        part["lot_id"] = named(sale.purchase_id, part["part"])
    active_from, expires_at = life(policy, earned_at=at, earned_on=day, registered_on=registered_on)
    period = period_of(policy.tiers.period, day=day, registered_on=registered_on)
    what = {
        "purchase_id": sale.purchase_id, "store": sale.store, "day": day, "paid_minor": sale.paid_minor,
        "coupons": sale.coupons or None, "paid_by_points": by_points, "parts": parts, "active_from": active_from,
        "expires_at": expires_at, "keeps_alive_until": keeps_alive_until(policy, purchased_on=day), "period": period,
        "calendar": calendar_of(policy), "programme_version": version, "member_id": account.member_id,
    }  # fmt: skip
    earned = Draft(account, PointsEarned, what)
    moves = tier_move(account, policy, version, at, [qualifying(sale, earned)], period=period)
    if not campaigns:
        return [earned, *moves]
    drawn = _draws(campaigns, sale.purchase_id, {part["part"]: given(part) for part in parts})
    return [earned, *moves, *drawn]


def qualifying(sale: Sale, earned: Draft) -> Credit:
    """What a sale counts for towards a tier, once it is credited so."""
    what = earned.what
    points = sum([part["points"] for part in what["parts"] if part["qualifies"]])
    by_points = what["paid_by_points"]
    spend_minor = sale.paid_minor - sum(by_points.values()) if by_points else sale.paid_minor
    return Credit(sale.occurred_at, points, spend_minor, sale.store, 1)


def _parts(
    account: PointsAccount,
    sale: Sale,
    *,
    policy: Policy,
    campaigns: Sequence[Campaign],
    united: Sequence[PointsAccount],
    day: date,
) -> tuple[list[Part], dict[str, int] | None]:
    """The parts of a sale, and what points paid for, by line.

    A campaign that has nothing left to give is as if it did not apply: a line that it would have won goes to the next.
    """
    bonuses: Collection[BonusKey] = account.bonuses
    if not campaigns and not sale.earns_nothing_minor:
        return earned_parts(sale, policy=policy, campaigns=(), bonuses=bonuses, day=day), None
    live, at = list(campaigns), sale.reservations_at
    if any(campaign.reserved for campaign in live):
        bonuses = account.bonuses.keys() | bonuses_reserved((account, *united), live, at=at)
    while True:
        by_points = set_against(sale, policy=policy, campaigns=live) if sale.earns_nothing_minor else None
        shares = money_shares(sale.lines, by_points) if by_points else {}
        parts = earned_parts(sale, policy=policy, campaigns=live, bonuses=bonuses, day=day, shares=shares)
        if not any(campaign.capped for campaign in live):
            return parts, by_points
        spent = cap(parts, live, used=uses_of((account, *united), at=at), day=day, at=at)
        if not spent:
            return parts, by_points
        live = [one for one in live if one.campaign_id not in spent]


def _draws(
    campaigns: Sequence[Campaign], purchase_id: UUID, amounts: Mapping[str, int], *, at: datetime | None = None
) -> list[Draft]:
    """Draw on the budgets of campaigns for what a purchase was given by each; below zero for what its return gave back."""
    return [
        draft
        for campaign in campaigns
        if campaign.capped
        for draft in campaign.draw(purchase_id, amounts.get(campaign.campaign_id, 0), at=at)
    ]


def revoke(
    account: PointsAccount,
    remaining: Sale,
    *,
    sold: Sequence[Line],
    gone: bool,
    at: datetime,
    policy: Policy,
    campaigns: Sequence[Campaign],
    judge: tuple[int, Policy],
    coupons: Mapping[str, Coupon] = NO_GIFTS,
    replaced: bool = False,
) -> list[Draft]:
    """Take back what a purchase no longer earns: granted − min(granted, earned by what remains) − taken back before.

    `sold` are the lines as they were bought. `policy` and `campaigns` are all those that granted; `judge`, the version
    in force now, judges the tier. `coupons` came with the purchase, by campaign: those that are not used go with it.
    `replaced`: another purchase of the same time stands in for it, so that budgets are as they were at that time.
    """
    credited = account.credited[remaining.purchase_id]
    shares = money_shares(sold, credited.paid_by_points) if credited.paid_by_points else {}
    earned = (
        {} if gone else _still_earned(remaining, policy=policy, campaigns=campaigns, day=credited.day, shares=shares)
    )
    reach, settlements = account.reach(at)
    parts = [
        _claw(account, reach, lot, claw, at=at, policy=policy)
        for lot in credited.lots
        if (claw := lot.points - min(lot.points, earned.get(lot.part, 0)) - lot.clawed) > 0
    ]
    parts += _no_longer_off(credited, remaining)
    lost = {campaign_id: one for campaign_id, one in coupons.items() if campaign_id not in earned}
    parts += _no_longer_given(credited, lost)
    paid_back = credited.paid_minor - remaining.paid_minor
    if not parts and not paid_back and gone == credited.gone:
        return []
    version, rules = judge
    counts = not rules.tiers.by_calendar or account.period(rules, at) <= account.period(rules, credited.at)
    spend_minor = credited.spend_minor - _paid_by_money(remaining.lines, shares)
    revoked = account.move(
        PointsRevoked,
        purchase_id=remaining.purchase_id,
        purchased_at=credited.at,
        paid_minor=paid_back,
        nothing_left=gone,
        parts=parts,
        period=credited.period,
        counts=counts,
        spend_minor=None if spend_minor == paid_back else spend_minor,
        coupons_used=[campaign_id for campaign_id, one in lost.items() if one.used_by is not None] or None,
        programme_version=credited.version,
    )
    qualifying = sum(part["points"] for part in parts if part["qualifies"])
    visits = -1 if gone and not credited.gone else 0
    credit = Credit(credited.at, -qualifying, -spend_minor, credited.store, visits, at)
    back = {part["part"]: -(part["points"] or part.get("discount_minor", 0)) for part in parts}
    return [
        *account.settled(settlements),
        revoked,
        *tier_move(account, rules, version, at, [credit] if counts else []),
        *_draws(campaigns, remaining.purchase_id, back, at=credited.at if replaced else None),
        *(draft for one in lost.values() for draft in one.revoke(reason="purchase-returned")),
    ]


def _no_longer_off(credited: Credited, remaining: Sale) -> list[RevokedPart]:
    """By campaign, what of its discounts went back with the goods. Whatever is left keeps its price."""
    off: dict[str, int] = {}
    for one in remaining.discounts:
        off[one["source"]] = off.get(one["source"], 0) + one["amount_minor"]
    return [
        RevokedPart(lot_id=lot.id, part=lot.part, points=0, qualifies=False, discount_minor=back)
        for lot in credited.lots
        if credited.discounts and (back := credited.discounts.get(lot.part, 0) - off.get(lot.part, 0)) > 0
    ]


def _no_longer_given(credited: Credited, lost: Mapping[str, Coupon]) -> list[RevokedPart]:
    """The coupons that go with the goods: whatever state they are in, but used."""
    return [
        RevokedPart(lot_id=lot.id, part=lot.part, points=0, qualifies=False, coupon=credited.coupons[lot.part])
        for lot in credited.lots
        if credited.coupons and lot.part in lost and lost[lot.part].used_by is None
    ]


def _paid_by_money(lines: Sequence[Line], shares: Mapping[str, Fraction]) -> int:
    """What is still paid for lines by money, in minor units, floored once."""
    return floor(sum((paid(line) * shares.get(line["line"], 1) for line in lines), Fraction(0)))


def money_shares(sold: Sequence[Line], by_points: Mapping[str, int]) -> dict[str, Fraction]:
    """By line, the share that was paid by money: what comes back of a line comes back in this proportion."""
    return {
        line["line"]: Fraction(paid(line) - by_points[line["line"]], paid(line))
        for line in sold
        if by_points.get(line["line"])
    }


def restored(remaining: Sale, credited: Credited, sold: Sequence[Line], points: int) -> int:
    """Of the points that paid for a purchase, those that its returns so far give back, floored once."""
    by_points = credited.paid_by_points or {}
    left = {line["line"]: paid(line) for line in remaining.lines}
    back = sum(
        Fraction(by_points[line["line"]] * (paid(line) - left.get(line["line"], 0)), paid(line))
        for line in sold
        if by_points.get(line["line"])
    )
    return int(points * back / sum(by_points.values())) if by_points else 0


def _claw(account: PointsAccount, reach: Reach, lot: Lot, claw: int, *, at: datetime, policy: Policy) -> RevokedPart:
    """From the lot's own free points first, lapsed ones too, and where they live on; the rest as the policy says."""
    part = RevokedPart(lot_id=lot.id, part=lot.part, points=claw, qualifies=lot.qualifies)
    found = account.take_back(reach, lot, claw, at=at)
    rest, others = claw - total(found), [one for one in found if one["lot_id"] != lot.id]
    merged = account.merged_into is not None
    if rest and policy.returns == "next_lots_then_debt" and not merged:
        others += (next_lots := reach.take(rest, at=at))
        rest -= total(next_lots)
    if others:
        part["others"] = others
    if rest:  # with a merge the survivor has them, or has spent them
        part["forwarded" if merged else "forgiven" if policy.returns == "clamp_to_zero" else "debt"] = rest
    return part


def _still_earned(
    remaining: Sale, *, policy: Policy, campaigns: Sequence[Campaign], day: date, shares: Mapping[str, Fraction]
) -> dict[str, int]:
    """What the rest of a purchase earns by part.

    Each line stays with the campaign that won it, and only then the minimum of the basket is tested again: a line
    does not pass on to another campaign, as what was not granted then cannot arise now.
    """
    parts = earned_parts(remaining, policy=policy, campaigns=campaigns, bonuses=set(), day=day, shares=shares)
    missed = {
        campaign.campaign_id
        for campaign in campaigns
        if campaign.terms is not None and not campaign.reached_by(remaining.paid_minor)
    }
    return {part["part"]: part["points"] for part in parts if part["part"] not in missed}
