"""What budgets and limits leave of what campaigns would give (rules 10)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from domain.basket import LineDiscount
from domain.campaign import Campaign
from domain.campaign_terms import Limits
from domain.movements import PointsEarned, PointsRevoked
from domain.parts import EarnedPart
from domain.refusals import CampaignUsedUp

Part = dict[str, Any]


@dataclass(slots=True)
class Use:
    """One purchase that a limited campaign gave something for."""

    day: date
    """The local day of the purchase."""
    points: int
    until: datetime
    """The end of the window: what goes back from then on is not given again."""


Uses = dict[str, dict[UUID, Use]]
"""By campaign and purchase, what counts towards a member's limits."""


NOTHING: Mapping[UUID, Use] = {}


class Holder(Protocol):
    """An account, as far as limits are concerned."""

    member_id: UUID | None
    uses: Uses


def given(part: EarnedPart | Part) -> int:
    """How much a part gives, in the unit of the campaign's budget; a coupon counts as one."""
    return part["points"] or part.get("discount_minor", 0) or int("coupon" in part)


def cap(
    parts: Sequence[Part],
    campaigns: Sequence[Campaign],
    *,
    used: Callable[[Campaign], list[Use]],
    day: date,
    at: datetime,
) -> set[str]:
    """Cut the parts down to what budgets and limits leave; answers the campaigns that can give nothing at all.

    What a part would have been is kept with it as `uncapped`. `at`: when reservations count that have not lapsed by then.
    """
    capped = {one.campaign_id: one for one in campaigns if one.capped}
    spent = set()
    for part in parts:
        campaign = capped.get(part["part"])
        if campaign is not None and not _fits(part, campaign, used=used, day=day, at=at):
            spent.add(part["part"])
    return spent


def _fits(part: Part, campaign: Campaign, *, used: Callable[[Campaign], list[Use]], day: date, at: datetime) -> bool:
    terms, wanted = campaign.terms, given(part)
    assert terms is not None, "only what was created gives anything"
    left = wanted
    if campaign.limits is not None:
        allowed = left_to(campaign.limits, used(campaign), day)
        if allowed == 0 and "discount_minor" not in part:  # what is off the price is off, and the budget bears it
            return False
        left = min(wanted, allowed) if allowed else wanted
        part["limited_until"] = campaign.ends_at
    left = campaign.covers(left, at=at)
    if left < wanted:
        part["uncapped"] = wanted
        part["points" if terms.effect.gives_points else "discount_minor"] = left
    return left > 0 or not wanted


def check_quoted(
    discounts: Sequence[LineDiscount],
    campaigns: Sequence[Campaign],
    *,
    used: Callable[[Campaign], list[Use]],
    day: date,
    at: datetime,
    quote_id: UUID,
) -> None:
    """Refuse discounts that were quoted, and that the campaign's budget or the member's limit does not cover any more.

    What is reserved for the quote itself is there for it.
    """
    for campaign in campaigns:
        terms = campaign.terms
        off = sum(one["amount_minor"] for one in discounts if terms is not None and one["source"] == terms.campaign_id)
        if terms is None or not off:
            continue
        over = terms.limits is not None and left_to(terms.limits, used(campaign), day) == 0
        left = 0 if over else campaign.covers(off, at=at, quote_id=quote_id)
        if left < off:
            raise CampaignUsedUp(campaign_id=terms.campaign_id, discount_minor=off, left_minor=left)


def left_to(limits: Limits, uses: Sequence[Use], day: date) -> int | None:
    """How many points a member may still be given on a local day; 0 once nothing is given any more, None without end."""
    most: int | None = None
    today = [use for use in uses if use.day == day]
    for allowed, counted in ((limits.per_day, today), (limits.per_window, uses)):
        if allowed is None:
            continue
        if allowed.uses is not None and len(counted) >= allowed.uses:
            return 0
        if allowed.points is not None:
            left = max(0, allowed.points - sum(use.points for use in counted))
            most = left if most is None else min(most, left)
    return most


def count(uses: Uses, fact: PointsEarned) -> None:
    """Let what a purchase was given count towards the limits."""
    for part in fact.parts:
        until = part.get("limited_until")
        if until is not None and given(part):
            uses.setdefault(part["part"], {})[fact.purchase_id] = Use(fact.day, part["points"], until)


def give_back(uses: Uses, fact: PointsRevoked) -> None:
    """Let what a return took back, within the window, be given again; the use as well, once nothing is left of it.

    A coupon that was used is left for ever.
    """
    clawed = {part["part"]: part["points"] for part in fact.parts}
    kept = fact.coupons_used or ()
    void = {part["part"] for part in fact.parts if "coupon" in part}
    for campaign_id, purchases in uses.items():
        use = purchases.get(fact.purchase_id)
        if use is None or fact.occurred_at >= use.until or campaign_id in kept:
            continue
        back = clawed.get(campaign_id, 0)
        use.points -= back
        if fact.nothing_left or campaign_id in void or (back and not use.points):
            del purchases[fact.purchase_id]


def uses_of(
    accounts: Iterable[Holder], *, at: datetime, quote_id: UUID | None = None
) -> Callable[[Campaign], list[Use]]:
    """What counts towards one member's limits, those that were merged into them included: what they were given, and
    what is reserved for them at an instant by quotes but this one.
    """
    known = list(accounts)
    members = {one.member_id for one in known}

    def used(campaign: Campaign) -> list[Use]:
        uses = [use for one in known for use in one.uses.get(campaign.campaign_id, NOTHING).values()]
        if campaign.reserved:
            reserved = campaign.reservations(at, of=members, quote_id=quote_id)
            uses += [Use(one.day, one.points, one.until) for one in reserved]
        return uses

    return used


def bonuses_reserved(
    accounts: Iterable[Holder], campaigns: Iterable[Campaign], *, at: datetime
) -> set[tuple[str, str, date]]:
    """The bonuses, by campaign, store and day, that are reserved for one member at an instant."""
    members = {one.member_id for one in accounts}
    return {
        (one.campaign_id, one.store, one.day)
        for campaign in campaigns
        for one in campaign.reservations(at, of=members)
        if one.store is not None
    }
