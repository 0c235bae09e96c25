"""A sale as the rules see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain.basket import CouponUse, Line, LineDiscount, paid_in_all

NO_COUPONS: Mapping[str, str] = {}


class Sale:
    """What the rules need to know of a purchase, whether it just arrived or waited for its card."""

    __slots__ = (
        "_categories",
        "claimed",
        "coupon_kinds",
        "coupons",
        "discounts",
        "funded_minor",
        "lines",
        "occurred_at",
        "paid_minor",
        "points_minor",
        "purchase_id",
        "reservations_at",
        "store",
    )

    def __init__(
        self,
        *,
        purchase_id: UUID,
        occurred_at: datetime,
        store: str,
        lines: list[Line],
        coupons: list[CouponUse],
        coupon_kinds: Mapping[str, str] = NO_COUPONS,
        points_minor: int = 0,
        funded_minor: int = 0,
        discounts: Sequence[LineDiscount] = (),
        claimed: bool = False,
        recorded_at: datetime | None = None,
    ) -> None:
        self.purchase_id = purchase_id
        self.occurred_at = occurred_at
        self.reservations_at = occurred_at if recorded_at is None else min(occurred_at, recorded_at)
        """By when reservations of others have lapsed: its time, and ours where the till's clock runs ahead."""
        self.store = store
        self.lines = lines
        self.coupons = coupons
        self.coupon_kinds = coupon_kinds
        """Of those that were issued to the buyer, by code."""
        self.paid_minor = paid_in_all(lines)
        self.points_minor = points_minor
        """How much of it was paid by points."""
        self._categories: frozenset[str | None] | None = None
        self.funded_minor = funded_minor
        """How much of it coupons paid that points had bought."""
        self.discounts = discounts
        """What the programme took off, as it was quoted; what the till took off by itself is not among it."""
        self.claimed = claimed
        """Whether somebody brought the receipt later: it earns as the lowest tier does (rules 15)."""

    @property
    def categories(self) -> frozenset[str | None]:
        """Those of its lines."""
        if self._categories is None:
            self._categories = frozenset([line.get("category") for line in self.lines])
        return self._categories

    @property
    def earns_nothing_minor(self) -> int:
        """What of it points paid, at once or by way of a coupon: no points are earned on points."""
        return self.points_minor + self.funded_minor

    def hands_in(self, *, code: str | None, kind: str | None) -> bool:
        """Whether a coupon of this code comes with it, and one of this kind that was issued to the buyer, where they are asked for."""
        return (code is None or any(one["code"] == code for one in self.coupons)) and (
            kind is None or kind in self.coupon_kinds.values()
        )
