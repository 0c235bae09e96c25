"""The coupons that campaigns give with a purchase, and which go with it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from domain.campaign import Campaign
from domain.coupon import Coupon, coupon_stream, good_through
from domain.member import Member
from domain.movements import PointsEarned
from domain.programme import Policy
from domain.qualifying import Credited
from domain.sale import Sale
from domain.stream import Draft

if TYPE_CHECKING:
    from domain.command import Streams


def issued(
    streams: "Streams", sale: Sale, member: Member, *, drafts: Sequence[Draft], campaigns: Sequence[Campaign], policy: Policy
) -> Iterator[Draft]:  # fmt: skip
    """For each part of what was earned that is a coupon, the coupon: good from the purchase on, for so many local days more.

    The part is told its code.
    """
    parts = {
        part["part"]: part
        for draft in drafts
        if draft.kind is PointsEarned
        for part in draft.what["parts"]
        if "coupon" in part
    }
    for campaign in campaigns if parts else ():
        terms = campaign.terms
        if terms is None or terms.effect.coupon is None or terms.campaign_id not in parts:
            continue
        gift, code = terms.effect.coupon, streams.new_code()
        parts[terms.campaign_id]["code"] = code
        yield from streams.get(Coupon, coupon_stream(code)).issue(
            member_id=member.id, code=code, kind=gift.kind, valid_from=sale.occurred_at,
            valid_until=good_through(policy, sale.occurred_at, gift.valid_days), amount_minor=None,
            reference=f"campaign:{terms.campaign_id}", reason=None,
        )  # fmt: skip


def given(streams: "Streams", credited: Credited) -> dict[str, Coupon]:
    """By campaign, the coupons that a purchase still has."""
    return {
        campaign_id: streams.get(Coupon, coupon_stream(code)) for campaign_id, code in (credited.coupons or {}).items()
    }
