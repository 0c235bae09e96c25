"""Those parts of the facts of rewards and coupons that the read models need; ids and times stay text, as in `told`."""

from typing import Any, NotRequired

from typing_extensions import TypedDict


class Created(TypedDict):
    """Of `RewardCreated`; the terms' own model reads them when they are asked for."""

    reward_id: str
    terms: dict[str, Any]


class Stocked(TypedDict):
    """Of `RewardStocked`."""

    reward_id: str
    occurred_at: str
    pieces: int


class Had(TypedDict):
    """Of `RewardRedeemed` and `RewardGivenBack`."""

    member_id: str
    reward_id: str
    occurred_at: str


class Issued(TypedDict):
    """Of `CouponIssued`."""

    member_id: str
    code: str
    kind: str
    occurred_at: str
    valid_from: str
    valid_until: str
    amount_minor: NotRequired[int]
    reference: str


class CouponMoved(TypedDict):
    """Of every other fact of a coupon."""

    code: str
    originator_version: int
    occurred_at: str
    until: NotRequired[str]
    purchase_id: NotRequired[str]
    problem: NotRequired[str]


class CouponHandedIn(CouponMoved):
    """Of `CouponRedeemed`."""

    member_id: str
    kind: str


REWARDS = {
    "RewardCreated.v1": Created,
    "RewardStocked.v1": Stocked,
    "RewardRedeemed.v1": Had,
    "RewardGivenBack.v1": Had,
    "CouponIssued.v1": Issued,
    "CouponReserved.v1": CouponMoved,
    "CouponReleased.v1": CouponMoved,
    "CouponRedeemed.v1": CouponHandedIn,
    "CouponFlagged.v1": CouponMoved,
    "CouponRestored.v1": CouponMoved,
    "CouponVoided.v1": CouponMoved,
}
"""What is read of each of them."""
