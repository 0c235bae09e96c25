"""Facts that come by the hundred thousand, read without checking again what was checked when they were recorded.

Of each only that is read which a replay asks for; the lines of a purchase, which are most of it, once a rule looks at them.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Raw, Struct
from msgspec.json import Decoder

from domain.basket import CouponUse, Line
from domain.fact import FACTS, Fact
from domain.ids import numbered
from domain.movements import PointsEarned
from domain.purchase import PurchaseRecorded, paid_by_points
from domain.sale import NO_COUPONS, Sale


class Plain(Struct, gc=False, kw_only=True):
    """What is read of every fact. Its ids are text until they are made ids."""

    originator_id: Any
    correlation_id: Any
    member_id: Any = None
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    source: str
    external_id: str
    store: str
    paid_minor: int
    coupons: list[Any] | None = None


class Sold(Plain, gc=False, kw_only=True):
    """A purchase that was recorded, of which nothing goes back later."""

    lines: Raw
    tenders: list[Any]
    quote: Any = None
    discounts: Any = None
    coupon_kinds: Any = None
    funded_minor: Any = None
    made: Any = None
    """Its sale: the same for all that replay it."""

    @property
    def uncommon(self) -> bool:
        """Whether there is more to it than is read."""
        return not (self.quote is self.discounts is self.coupon_kinds is self.funded_minor is None)

    def sale(self) -> Sale:
        """As the rules see it."""
        if self.made is None:
            self.made = PlainSale(self)
        made: Sale = self.made
        return made


class Earned(Plain, gc=False, kw_only=True):
    """What it earned."""

    originator_version: int
    programme_version: int | None = None
    purchase_id: Any
    day: date
    paid_by_points: dict[str, int] | None = None
    parts: list[dict[str, Any]]
    active_from: datetime
    expires_at: datetime | None = None
    keeps_alive_until: datetime | None = None
    period: int
    calendar: str | None = None


class PlainSale(Sale):
    """A sale whose lines are read once a rule looks at them; what they come to is recorded."""

    __slots__ = ("_lines", "_read")

    def __init__(self, sold: Sold) -> None:
        self.purchase_id = sold.originator_id
        self.occurred_at = at = sold.occurred_at
        self.reservations_at = min(at, sold.recorded_at)
        self.store, self.paid_minor = sold.store, sold.paid_minor
        self.coupons: list[CouponUse] = sold.coupons or []
        self.coupon_kinds = NO_COUPONS
        self.points_minor = paid_by_points(sold.tenders)
        self.funded_minor, self.discounts, self.claimed = 0, (), False
        self._categories = None
        self._lines = sold.lines
        self._read: list[Line] | None = None

    @property
    def lines(self) -> list[Line]:  # type: ignore[override]  # it is set nowhere
        """As the till sent them."""
        if self._read is None:
            self._read = _LINES.decode(self._lines)
        return self._read


KINDS: Mapping[type, type[Fact]] = {Sold: PurchaseRecorded, Earned: PointsEarned}
"""What they stand for."""


def read(name: str, state: bytes, *, told_of_again: Collection[UUID]) -> Any:
    """A stored fact. Those that are read plainly have the same fields, as far as a replay asks for them.

    `told_of_again`: the purchases of which something goes back, or that find their member later. They are read whole.
    """
    if name == PointsEarned.stored_name:
        return _earned(state)
    if name == PurchaseRecorded.stored_name:
        sold = _sold(state)
        if not sold.uncommon and sold.originator_id not in told_of_again:
            return sold
    return FACTS[name].__pydantic_validator__.validate_json(state)


def kind_of(fact: Any) -> type[Fact]:
    """Of which kind it is, however it was read."""
    kind = type(fact)
    return KINDS.get(kind, kind)


def _sold(state: bytes) -> Sold:
    told = _SOLD.decode(state)
    _envelope(told)
    return told


def _earned(state: bytes) -> Earned:
    told = _EARNED.decode(state)
    _envelope(told)
    told.purchase_id = _often(told.purchase_id)
    for part in told.parts:
        part["lot_id"] = _uuid(part["lot_id"])
        if "limited_until" in part:
            part["limited_until"] = datetime.fromisoformat(part["limited_until"])
    return told


def _envelope(told: Plain) -> None:
    told.originator_id, told.correlation_id = _often(told.originator_id), _often(told.correlation_id)
    if told.member_id is not None:
        told.member_id = _often(told.member_id)


def _uuid(text: str) -> UUID:
    return numbered(int(text.replace("-", ""), 16))


_often = lru_cache(maxsize=1 << 15)(_uuid)
_SOLD, _EARNED, _LINES = Decoder(Sold), Decoder(Earned), Decoder(list[Any])
