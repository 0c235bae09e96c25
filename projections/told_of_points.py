"""Those parts of the facts of an account that the read models need; ids and times stay text, as in `told`."""

from typing import NotRequired

from typing_extensions import TypedDict


class Opened(TypedDict):
    """Of `AccountOpened`."""

    member_id: str
    registered_at: str


class Part(TypedDict):
    """Of a part of `PointsEarned`."""

    lot_id: str
    part: str
    points: int
    qualifies: bool
    coupon: NotRequired[str]
    discount_minor: NotRequired[int]


class CouponUsed(TypedDict):
    """Of a coupon in `PointsEarned`."""

    code: str
    campaign: NotRequired[str]


class Earned(TypedDict):
    """Of `PointsEarned`."""

    member_id: str
    purchase_id: str
    occurred_at: str
    store: str
    day: str
    paid_minor: int
    paid_by_points: NotRequired[dict[str, int]]
    coupons: NotRequired[list[CouponUsed]]
    parts: list[Part]
    active_from: str
    expires_at: NotRequired[str]
    keeps_alive_until: NotRequired[str]


class TierMoved(TypedDict):
    """Of `TierMoved`."""

    member_id: str
    originator_version: int
    occurred_at: str
    to_tier: str


class Taken(TypedDict):
    """Points of a lot."""

    lot_id: str
    points: int


class GivenLot(TypedDict):
    """A lot that did not come with a purchase."""

    lot_id: str
    points: int
    earned_at: str
    active_from: str
    expires_at: NotRequired[str]
    from_lot: NotRequired[str]


class Qualifying(TypedDict):
    """What qualifies, dated at its purchase."""

    at: str
    points: int
    spend_minor: NotRequired[int]
    store: NotRequired[str]
    visits: NotRequired[int]
    back_at: NotRequired[str]


class Moved(TypedDict):
    """Of every fact that moves points but `PointsEarned`. Source and external id tell its cause."""

    member_id: str
    originator_version: int
    occurred_at: str
    source: str
    external_id: str


class RevokedPart(TypedDict):
    """Of a part of `PointsRevoked`."""

    lot_id: str
    part: str
    points: int
    qualifies: bool
    debt: NotRequired[int]
    forgiven: NotRequired[int]
    forwarded: NotRequired[int]
    others: NotRequired[list[Taken]]
    discount_minor: NotRequired[int]


class Revoked(Moved):
    """Of `PointsRevoked`."""

    purchase_id: str
    purchased_at: str
    paid_minor: int
    nothing_left: bool
    parts: list[RevokedPart]
    counts: bool
    spend_minor: NotRequired[int]


class Held(Moved):
    """Of `PointsHeld`."""

    hold_id: str
    until: str
    parts: list[Taken]


class HoldEnded(Moved):
    """Of `HoldReleased` and `HoldTimedOut`."""

    hold_id: str
    parts: list[Taken]


class RewardName(TypedDict):
    """What a reward was called when it was had."""

    en: str
    zh: str


class Redeemed(Moved):
    """Of `PointsRedeemed`."""

    redemption_id: str
    parts: list[Taken]
    debt: int
    hold_id: NotRequired[str]
    reward_name: NotRequired[RewardName]
    reason: NotRequired[str]


class Reversed(Moved):
    """Of `RedemptionReversed`."""

    redemption_id: str
    parts: list[Taken]
    cancelled: int
    unsettled: list[Taken]
    reason: NotRequired[str]


class DebtReversed(Moved):
    """Of `DebtReversed`."""

    redemption_id: str
    cancelled: int
    unsettled: list[Taken]


class Prolonged(Moved):
    """Of `PointsProlonged`."""

    redemption_id: str
    lots: list[GivenLot]


class Parts(Moved):
    """Of `DebtSettled` and `PointsExpired`."""

    parts: list[Taken]


class Waived(Moved):
    """Of `DebtWaived`."""

    points: int
    reason: str


class Adjusted(Moved):
    """Of `PointsAdjusted`."""

    points: int
    lot: NotRequired[GivenLot]
    parts: list[Taken]
    debt: int
    qualifies: bool
    reason: str


class Imported(Moved):
    """Of `OpeningBalanceImported`."""

    lots: list[GivenLot]
    qualifying: list[Qualifying]
    debt: int
    reason: str


class Sent(Moved):
    """Of `PointsSent`."""

    to_member_id: str
    cause: str
    parts: list[Taken]
    debt: int
    reason: NotRequired[str]


class Received(Moved):
    """Of `PointsReceived`."""

    from_member_id: str
    cause: str
    lots: list[GivenLot]
    debt: int
    qualifying: list[Qualifying]
    reason: NotRequired[str]


class GivenBack(Moved):
    """Of `PointsGivenBack`."""

    transfer_id: str
    to_member_id: str
    parts: list[Taken]
    debt: int
    qualifying: list[Qualifying]
    reason: NotRequired[str]


class TakenBack(Moved):
    """Of `PointsTakenBack`."""

    from_member_id: str
    parts: list[Taken]
    debt: int
    reason: NotRequired[str]


class ReceivedRevoked(Moved):
    """Of `ReceivedRevoked`."""

    purchase_id: str
    parts: list[Taken]
    debt: int
    qualifying: NotRequired[list[Qualifying]]


class PointsGranted(Moved):
    """Of `PointsGranted`."""

    grant_id: str
    cause: str
    reference: str
    lot: GivenLot


class GrantRevoked(Moved):
    """Of `GrantRevoked`."""

    grant_id: str
    cause: str
    parts: list[Taken]
    debt: int


class Granted(Moved):
    """Of `TierGranted`."""

    tier: str
    since: str
    period: int
    transfer_id: NotRequired[str]


class Closed(Moved):
    """Of `AccountClosed`."""

    reason: str


POINTS = {
    "AccountOpened.v1": Opened,
    "PointsEarned.v1": Earned,
    "TierMoved.v1": TierMoved,
    "PointsRevoked.v1": Revoked,
    "PointsHeld.v1": Held,
    "HoldReleased.v1": HoldEnded,
    "HoldTimedOut.v1": HoldEnded,
    "PointsRedeemed.v1": Redeemed,
    "RedemptionReversed.v1": Reversed,
    "PointsProlonged.v1": Prolonged,
    "DebtSettled.v1": Parts,
    "DebtReversed.v1": DebtReversed,
    "DebtWaived.v1": Waived,
    "PointsExpired.v1": Parts,
    "PointsAdjusted.v1": Adjusted,
    "OpeningBalanceImported.v1": Imported,
    "PointsSent.v1": Sent,
    "PointsReceived.v1": Received,
    "PointsGivenBack.v1": GivenBack,
    "PointsTakenBack.v1": TakenBack,
    "ReceivedRevoked.v1": ReceivedRevoked,
    "PointsGranted.v1": PointsGranted,
    "GrantRevoked.v1": GrantRevoked,
    "TierGranted.v1": Granted,
    "AccountClosed.v1": Closed,
}
"""What is read of each of them."""
