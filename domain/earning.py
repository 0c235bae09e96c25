"""What a sale earns: one part for the base and one for each campaign, each floored once (semantics 1)."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from domain.basket import Line, paid
from domain.campaign import Campaign, CampaignCreated
from domain.money import floor_points
from domain.programme import Policy
from domain.purchase import Sale

BASE = "base"
"""The part that every purchase earns; the others are named after their campaigns."""

Part = dict[str, Any]
"""A part of what was earned: its name, points, basis, residue and whether it qualifies for tiers."""


def earned_parts(
    sale: Sale, *, policy: Policy, campaigns: Sequence[Campaign], bonuses: set[tuple[str, str, date]], day: date
) -> list[Part]:
    """The parts of a sale under the policy and campaigns that apply to it; `bonuses` were granted before."""
    lines = [line for line in sale.lines if line.get("category") not in policy.earning.excluded]
    parts = [_part(BASE, policy.earning.rate, sum(map(paid, lines)), qualifies=True)]
    if campaigns:
        terms = [campaign.terms for campaign in campaigns if campaign.terms is not None]
        parts += _multiplied(lines, policy.earning.rate, terms)
        parts += _bonuses(lines, terms, store=sale.store, day=day, granted=bonuses)
    return parts


def _part(name: str, rate: Fraction, basis_minor: int, *, qualifies: bool) -> Part:
    points, residue = floor_points(rate, basis_minor)
    return {"part": name, "points": points, "basis_minor": basis_minor, "residue": residue, "qualifies": qualifies}


def _multiplied(lines: list[Line], rate: Fraction, terms: list[CampaignCreated]) -> list[Part]:
    """Multipliers are exclusive per line: highest priority, then highest multiplier, then campaign id."""
    multipliers = sorted(
        (campaign for campaign in terms if campaign.effect.multiplier is not None),
        key=lambda campaign: (-campaign.priority, -campaign.effect.extra, campaign.campaign_id),
    )
    basis: dict[str, int] = {}
    for line in lines if multipliers else ():
        best = next((campaign for campaign in multipliers if campaign.conditions.hold_for(line)), None)
        if best is not None:
            basis[best.campaign_id] = basis.get(best.campaign_id, 0) + paid(line)
    return [
        _part(campaign.campaign_id, campaign.effect.extra * rate, basis[campaign.campaign_id], qualifies=False)
        for campaign in multipliers
        if campaign.campaign_id in basis
    ]


def _bonuses(
    lines: list[Line], terms: list[CampaignCreated], *, store: str, day: date, granted: set[tuple[str, str, date]]
) -> list[Part]:
    """Bonuses add up; each counts once per member, store and local day."""
    parts = []
    for campaign in sorted(terms, key=lambda campaign: campaign.campaign_id):
        matching = [line for line in lines if campaign.conditions.hold_for(line)]
        points = campaign.effect.bonus_points
        if points is None or not matching or (campaign.campaign_id, store, day) in granted:
            continue
        basis = sum(map(paid, matching))
        parts.append({
            "part": campaign.campaign_id, "points": points, "basis_minor": basis, "residue": "0", "qualifies": False, "bonus": True,
        })  # fmt: skip
    return parts
