"""Facts laid flat for analysts: lines of receipts, what campaigns gave, and what moved points, as `balances` folds it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from domain.earning import BASE
from projections.balances import Balances
from projections.told import Told

Row = tuple[Any, ...]

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_POINTS = Balances(generation=0, schema="")

EARNED, REVOKED = "PointsEarned.v1", "PointsRevoked.v1"
CREDITED = (EARNED, REVOKED)
PURCHASES = ("PurchaseRecorded.v1",)
POINTS = tuple(sorted(Balances.handlers.keys() - {"AccountOpened.v1", "ProgrammePublished.v1"}))


def flat(lines: Callable[[int, str, bytes, int], Iterable[Row]]) -> Callable[[Iterable[Row]], list[Row]]:
    """What makes rows of a page, given what makes those of a fact: from its position, name, state and time of recording."""
    return lambda facts: [
        row for position, _, _, name, state, _, at in facts for row in lines(position, name, state, at)
    ]


def lines_of_purchase(position: int, name: str, state: bytes, recorded_at: int) -> Iterator[Row]:
    """One row for each line of a receipt, as the till sent it; a line's money as the fact leaves out what is 0."""
    del name  # there is but one
    told = orjson.loads(state)
    receipt = (
        told["originator_id"], micros(told["occurred_at"]), told["source"], told["external_id"], told["store"],
        told["channel"], told.get("member_id"), told.get("card_id"), told["programme_version"], told["currency"],
    )  # fmt: skip
    for line in told["lines"]:
        off = line.get("discount_minor", 0)
        yield (
            position, recorded_at, *receipt, line["line"], line["sku"], line.get("category"), str(line["quantity"]),
            line["gross_minor"], off, line.get("tax_minor", 0), line["gross_minor"] - off,
        )  # fmt: skip


def parts_of_campaigns(position: int, name: str, state: bytes, recorded_at: int) -> Iterator[Row]:
    """One row for each part of a purchase that a campaign gave, each that a return took, and each coupon of one handed in."""
    told = orjson.loads(state)
    at, back = micros(told["occurred_at"]), name == REVOKED
    bought = told["member_id"], told["purchase_id"], micros(told["purchased_at"]) if back else at
    for part in told["parts"]:
        if part["part"] != BASE and (kind := _kind(part, back=back)):
            sign, coupon = (-1, part.get("coupon")) if back else (1, part.get("code"))
            yield (
                position, recorded_at, at, part["part"], *bought, kind, sign * part["points"],
                sign * part.get("discount_minor", 0), coupon, part.get("uncapped"),
            )  # fmt: skip
    for used in () if back else told.get("coupons", ()):
        if "campaign" in used:
            yield position, recorded_at, at, used["campaign"], *bought, "coupon-used", 0, 0, used["code"], None


def _kind(part: Mapping[str, Any], *, back: bool) -> str | None:
    """What a campaign gave with a part, or what went back of it; None where nothing did."""
    if "coupon" in part:
        return "coupon-voided" if back else "coupon-given"
    if "discount_minor" in part:
        return "discount"
    return "points" if part["points"] or not back else None


def movements_of(position: int, name: str, state: bytes, recorded_at: int) -> Iterator[Row]:
    """One row for each lot that a fact gives, each lot that it takes from, and each change of what is owed."""
    rows = _POINTS.fold([Told(name, position, b"", state)])
    for member, lot, part, purchase, points, received, earned_at, active_from, expires_at, at, cause in rows["lots"]:
        yield (
            position, recorded_at, micros(at), name, str(member), "received" if received else "issued", points, str(lot),
            part, purchase and str(purchase), str(cause or purchase), micros(earned_at), micros(active_from),
            expires_at and micros(expires_at),
        )  # fmt: skip
    for member, lot, bucket, points, at, cause in rows["movements"]:
        yield _moved(position, recorded_at, at, name, member, bucket, points, str(lot), cause)
    for member, kind, points, at, _, cause in rows["debts"]:
        yield _moved(position, recorded_at, at, name, member, f"debt-{kind}", points, None, cause)


def _moved(
    position: int,
    recorded_at: int,
    at: str,
    name: str,
    member: Any,
    kind: str,
    points: int,
    lot: str | None,
    cause: Any,
) -> Row:
    return (
        position, recorded_at, micros(at), name, str(member), kind, points, lot, None, None, str(cause), None, None, None
    )  # fmt: skip


@lru_cache(maxsize=4096)
def micros(text: str) -> int:
    """An instant as facts tell it, in microseconds since 1970 UTC."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
