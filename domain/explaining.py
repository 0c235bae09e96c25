"""Which rules a quote was made by, and why others gave nothing: in stable words, for whoever asks at the till."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from typing_extensions import TypedDict

from domain.basket import Line
from domain.campaign import Campaign, CampaignCreated
from domain.earning import BASE
from domain.policy.tiers import Tier
from domain.programme import Policy
from domain.sale import Sale

POINTS_AS_CASH = "points-as-cash"

Considered = Sequence[tuple[Campaign, str | None]]
"""Campaigns that were looked at, and why one does not apply."""


class Rule(TypedDict):
    """A rule that was looked at, whether it gives something, and why or why not, in a word."""

    rule: str
    applied: bool
    why: str
    version: int


def rules(
    sale: Sale,
    *,
    parts: Sequence[Mapping[str, Any]],
    considered: Considered,
    tier: Tier,
    as_cash: Mapping[str, int] | None,
    policy: Policy,
    version: int,
    closed: bool,
) -> list[Rule]:
    """Earning first, then the tier, points as cash, and each campaign that was live, all by one version of the policy."""
    lines = [line for line in sale.lines if line.get("category") not in policy.earning.excluded]
    off = {one["source"] for one in sale.discounts}
    found = [
        (BASE, _of_base(parts, lines, closed=closed)),
        *_of_tier(tier, lines, off),
        (POINTS_AS_CASH, _of_cash(as_cash)),
        *_of_campaigns(considered, {part["part"]: part for part in parts}, lines, off, sale.reservations_at),
    ]
    return [Rule(rule=rule, applied=applied, why=why, version=version) for rule, (applied, why) in found]


def _of_base(parts: Sequence[Mapping[str, Any]], lines: Sequence[Line], *, closed: bool) -> tuple[bool, str]:
    if closed:
        return False, "account-closed"
    if not lines:
        return False, "no-matching-line"
    base = next((part for part in parts if part["part"] == BASE), None)
    if base is not None and "uncapped" in base:
        return _of_cut(base)
    return (True, "earned") if base is not None and base["points"] else (False, "below-one-point")


def _of_cut(part: Mapping[str, Any]) -> tuple[bool, str]:
    """Of a part that a budget or a limit has cut, which may leave nothing."""
    given = part["points"] or part.get("discount_minor", 0)
    return (True, "cut-by-budget-or-limit") if given else (False, "limit-used-up")


def _of_tier(tier: Tier, lines: Sequence[Line], off: Collection[str]) -> Iterator[tuple[str, tuple[bool, str]]]:
    """The tier's discount, where it has one."""
    if tier.discount:
        rule = f"tier:{tier.name}"
        taken = rule in off
        yield rule, (taken, "discounted" if taken else "better-discount" if lines else "no-matching-line")


def _of_cash(as_cash: Mapping[str, int] | None) -> tuple[bool, str]:
    if as_cash is None:
        return False, "no-rate"
    if as_cash["points"]:
        return True, "paid"
    return False, "not-asked" if as_cash["most_points"] else "nothing-to-pay-with"


def _of_campaigns(
    considered: Considered,
    parts: Mapping[str, Mapping[str, Any]],
    lines: Sequence[Line],
    off: Collection[str],
    at: datetime,
) -> Iterator[tuple[str, tuple[bool, str]]]:
    for campaign, missing in considered:
        terms = campaign.terms
        assert terms is not None, "only what was created is listed"
        part = parts.get(terms.campaign_id)
        if missing is not None:
            told = False, missing
        elif terms.campaign_id in off:
            told = True, "discounted"
        elif part is not None:
            told = _of_cut(part) if "uncapped" in part else (True, "granted")
        else:
            told = False, _why_nothing(campaign, terms, lines, at)
        yield terms.campaign_id, told


def _why_nothing(campaign: Campaign, terms: CampaignCreated, lines: Sequence[Line], at: datetime) -> str:
    """Why a campaign that applies to the sale gives nothing."""
    effect = terms.effect
    if not campaign.about(lines):
        return "no-matching-line"
    if not campaign.covers(effect.bonus_points or 1, at=at):
        return "budget-used-up"
    if effect.multiplier is not None:
        return "line-won-by-another"
    return "better-discount" if effect.discount is not None else "granted-today"
