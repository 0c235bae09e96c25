"""The facts that move points: what an account is folded from, and what the read models add up."""

from datetime import date, datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from domain.basket import CouponUse
from domain.fact import Fact
from domain.parts import EarnedPart, RevokedPart, Taken
from domain.policy.parts import Text


class GivenLot(TypedDict):
    """A lot that did not come with a purchase. `earned_at` is its business time, older than itself where it moved."""

    lot_id: UUID
    points: int
    earned_at: datetime
    active_from: datetime
    expires_at: NotRequired[datetime]
    from_lot: NotRequired[UUID]
    purchased: NotRequired[bool]
    """Whether a return may still ask for it, wherever it went."""


class BonusUse(TypedDict):
    """A bonus that was granted: it counts once per member, store and local day."""

    part: str
    store: str
    day: date
    purchase_id: UUID


class Credit(TypedDict):
    """What qualifies, dated at its purchase, and the period of the account that its points count in."""

    at: datetime
    points: int
    period: int
    spend_minor: NotRequired[int]
    """What was paid by money, in minor units."""
    store: NotRequired[str]
    visits: NotRequired[int]
    """1 for a purchase in that store, −1 once all of it is gone."""
    back_at: NotRequired[datetime]
    """Of a return: when it happened; reviews held by then are not reopened."""
    calendar: NotRequired[str]
    """By what `period` is counted: by membership years, unless told."""


class AccountOpened(Fact, name="AccountOpened.v1"):
    """A points account was opened for a member."""

    member_id: UUID
    registered_at: datetime
    referred_by: UUID | None = None
    """The stream of the code that they joined by."""


class PointsEarned(Fact, name="PointsEarned.v1"):
    """A purchase was credited to a member: points by part, and what qualifies for the tier."""

    member_id: UUID
    purchase_id: UUID
    store: str
    day: date
    paid_minor: int
    coupons: list[CouponUse] | None = None
    paid_by_points: dict[str, int] | None = None
    """By line, in minor units: what was paid by points and so earns none."""
    parts: list[EarnedPart]
    active_from: datetime
    expires_at: datetime | None = None
    keeps_alive_until: datetime | None = None
    """With expiry by inactivity: all points alive at the purchase live until then at least."""
    period: int
    calendar: str | None = None
    """By what `period` is counted: by membership years, unless told."""


class PointsRevoked(Fact, name="PointsRevoked.v1"):
    """A return or a void took back what its purchase no longer earns; no points, if what is left earns as much."""

    member_id: UUID
    purchase_id: UUID
    purchased_at: datetime
    paid_minor: int
    """What was paid back, in minor units."""
    nothing_left: bool
    """Whether with this the whole purchase is gone, as a visit, too: true once for a purchase."""
    parts: list[RevokedPart]
    period: int
    counts: bool
    """Whether the period of the purchase was still open: a closed review is never reopened."""
    spend_minor: int | None = None
    """Of what was paid back, what money had paid: all of it, unless told."""
    coupons_used: list[str] | None = None
    """The campaigns whose coupons had been used by then: these uses are not given back to the member's limits."""


class PointsHeld(Fact, name="PointsHeld.v1"):
    """Points were set aside for a redemption, until `until` by business time."""

    member_id: UUID
    hold_id: UUID
    points: int
    until: datetime
    parts: list[Taken]
    """In the order in which they will be taken."""
    amount_minor: int | None = None


class HoldReleased(Fact, name="HoldReleased.v1"):
    """A hold was given up: what it held is free again, unless it has lapsed meanwhile."""

    member_id: UUID
    hold_id: UUID
    parts: list[Taken]


class HoldTimedOut(Fact, name="HoldTimedOut.v1"):
    """Recorded later: a hold ended by itself at its time-out, which is when this occurred. A capture from before still counts."""

    member_id: UUID
    hold_id: UUID
    parts: list[Taken]


class PointsRedeemed(Fact, name="PointsRedeemed.v1"):
    """Points were spent: `points` = Σ `parts` + `debt`. With a hold it is ended by this, and the rest of it is free."""

    member_id: UUID
    redemption_id: UUID
    points: int
    parts: list[Taken]
    debt: int = 0
    """What the account could not cover: an offline redemption, or a late capture."""
    hold_id: UUID | None = None
    amount_minor: int | None = None
    """What the points paid for at the till, in minor units."""
    purchase_id: UUID | None = None
    reward_id: str | None = None
    reward_name: Text | None = None
    reason: str | None = None


class RedemptionReversed(Fact, name="RedemptionReversed.v1"):
    """Points of a redemption came back to their lots: `points` = Σ `parts` + `cancelled` + Σ `unsettled` + `forwarded` + `waived`."""

    member_id: UUID
    redemption_id: UUID
    points: int
    parts: list[Taken]
    cancelled: int = 0
    """Open debt that is owed no longer."""
    unsettled: tuple[Taken, ...] = ()
    """Given back to lots that had settled the redemption's debt."""
    forwarded: int = 0
    """Debt that had gone to another member with a merge: cancelled, or un-settled, there."""
    waived: int = 0
    """Debt of the redemption that had been waived: nothing comes back for it."""
    lapsed: int = 0
    """How much of what came back had lapsed by then, before any grace."""
    purchase_id: UUID | None = None
    """The purchase that the points had paid for, where a return of it is the cause."""
    refused_in_cash: int = 0
    """Points of that purchase that were paid back as money instead, and never come back."""
    reason: str | None = None


class PointsProlonged(Fact, name="PointsProlonged.v1"):
    """Points came back after they had lapsed, and live on for the days of grace: each lot leaves the one that it names."""

    member_id: UUID
    redemption_id: UUID
    """What they had been spent by."""
    lots: list[GivenLot]


class DebtSettled(Fact, name="DebtSettled.v1"):
    """Active, unheld points paid debt, at the instant at which this occurred."""

    member_id: UUID
    parts: list[Taken]


class DebtReversed(Fact, name="DebtReversed.v1"):
    """A redemption of a member who was merged into this one came back: its debt, which had come along, is gone."""

    member_id: UUID
    redemption_id: UUID
    from_member_id: UUID
    cancelled: int
    unsettled: tuple[Taken, ...] = ()


class DebtWaived(Fact, name="DebtWaived.v1"):
    """Staff let debt go; the actor is who approved it."""

    member_id: UUID
    points: int
    reason: str


class PointsExpired(Fact, name="PointsExpired.v1"):
    """Recorded later: points lapsed unspent, at the instant at which this occurred. It yields to what comes late."""

    member_id: UUID
    parts: list[Taken]


class PointsAdjusted(Fact, name="PointsAdjusted.v1"):
    """Staff gave points (`lot`) or took them (`points` < 0: −Σ `parts` − `debt`), for a reason."""

    member_id: UUID
    points: int
    lot: GivenLot | None = None
    parts: tuple[Taken, ...] = ()
    debt: int = 0
    qualifies: bool = False
    period: int
    calendar: str | None = None
    reason: str


class OpeningBalanceImported(Fact, name="OpeningBalanceImported.v1"):
    """What a member had in another system: lots with their own expiry, and qualifying points."""

    member_id: UUID
    lots: list[GivenLot]
    qualifying: tuple[Credit, ...] = ()
    debt: int = 0
    reason: str


class PointsSent(Fact, name="PointsSent.v1"):
    """Points went to another member: given away, or because the two were found to be one person."""

    member_id: UUID
    transfer_id: UUID
    to_member_id: UUID
    cause: Literal["transfer", "merge"]
    parts: list[Taken]
    debt: int = 0
    """Debt that went along, with a merge: cancelled here, raised there."""
    reason: str | None = None


class PointsReceived(Fact, name="PointsReceived.v1"):
    """Points came from another member; each lot keeps its expiry and names the lot that it was."""

    member_id: UUID
    transfer_id: UUID
    from_member_id: UUID
    cause: Literal["transfer", "merge"]
    lots: list[GivenLot]
    debt: int = 0
    qualifying: tuple[Credit, ...] = ()
    bonuses: tuple[BonusUse, ...] = ()
    reason: str | None = None


class PointsGivenBack(Fact, name="PointsGivenBack.v1"):
    """A merge was undone: what was left of the lots that it had brought went back where it came from."""

    member_id: UUID
    transfer_id: UUID
    to_member_id: UUID
    parts: list[Taken]
    debt: int = 0
    """Debt that the merge had brought and that is still open: it goes back too."""
    qualifying: tuple[Credit, ...] = ()
    """Credits that the merge had brought."""
    reason: str | None = None


class PointsTakenBack(Fact, name="PointsTakenBack.v1"):
    """A merge was undone: points are back in the lots that they had left."""

    member_id: UUID
    transfer_id: UUID
    from_member_id: UUID
    parts: list[Taken]
    debt: int = 0
    reason: str | None = None


class ReceivedRevoked(Fact, name="ReceivedRevoked.v1"):
    """A return took back points that a merge had brought here: from their lots, the rest is owed."""

    member_id: UUID
    from_member_id: UUID
    purchase_id: UUID
    parts: list[Taken]
    debt: int = 0
    forgiven: int = 0
    forwarded: tuple[Taken, ...] = ()
    """Moved on with another merge: taken back from that survivor."""
    qualifying: tuple[Credit, ...] = ()
    """Below zero: what the purchase no longer counts for."""
    bonuses: tuple[BonusUse, ...] = ()
    """Taken back whole, so that they can be granted again."""


class AccountClosed(Fact, name="AccountClosed.v1"):
    """The member earns and spends no more. Debt stays on record, and returns still count."""

    member_id: UUID
    reason: str
