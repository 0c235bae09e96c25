"""Coupons over HTTP: given, reserved, released, taken back, and handed in once, however many tills try."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import ANN, BOB, join
from tests.command_api.test_redemptions import at_once
from tests.command_api.till import Till, problem, till_of, told
from tests.domain.story import JOINED_AT

NOON, LATER, UNTIL = "2023-05-02T04:00:00Z", "2023-05-02T04:10:00Z", "2023-06-01T04:00:00Z"
COUPONS = f"/members/{ANN}/coupons"
GIVEN = {"time": NOON, "kind": "ten-off", "valid_until": UNTIL, "amount_minor": 1_000, "reason": "a late delivery"}


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    home: Path = tmp_path_factory.mktemp("keys")
    with till_of(module_database_url, home, join(at=JOINED_AT), join(BOB, at=JOINED_AT, card="1002")) as opened:
        yield opened


def given(till: Till, **what: Any) -> str:
    return str(told(till.post(COUPONS, {**GIVEN, **what}, scope="staff"))["code"])


def receipt(number: object, *coupons: dict[str, Any], **what: Any) -> dict[str, Any]:
    return {
        "source": "/stores/1", "id": f"R-{number}", "time": NOON, "currency": "CNY", "store": "1", "card": "1001",
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 1_000}],
        "tenders": [{"kind": "card", "amount_minor": 1_000}], "coupons": list(coupons), **what,
    }  # fmt: skip


def test_a_coupon_is_given_once_under_a_key_with_a_code_that_stays(till: Till) -> None:
    first = told(till.post(COUPONS, GIVEN, key="k", scope="staff"))
    assert first == told(till.post(COUPONS, GIVEN, key="k", scope="staff"))
    assert {name: first[name] for name in ("member_id", "kind", "valid_from", "valid_until", "amount_minor")} == {
        "member_id": str(ANN), "kind": "ten-off", "valid_from": NOON, "valid_until": UNTIL, "amount_minor": 1_000,
    }  # fmt: skip
    assert len(first["code"]) == 16


def test_a_coupon_is_reserved_used_restored_and_used_again(till: Till) -> None:
    code = given(till)
    reserved = told(till.post(f"/coupons/{code}/reservation", {"time": NOON, "member": str(ANN)}, key="r"))
    assert (reserved["code"], reserved["until"]) == (code, "2023-05-02T04:15:00Z")
    assert problem(till.post("/purchases", receipt(1, {"code": code})), 409, "coupon-reserved")["code"] == code
    use = {"code": code, "reservation": reserved["reservation_id"]}
    first = told(till.post("/purchases", receipt(2, use)))
    assert told(till.post("/purchases", receipt(2, use))) == first, "a repeat is no second use"
    assert problem(till.post("/purchases", receipt(3, {"code": code})), 409, "coupon-used") == {
        "code": code, "purchase_id": first["purchase_id"],
    }  # fmt: skip
    told(till.post(f"/purchases/{first['purchase_id']}/void", {"time": LATER}))
    told(till.post("/purchases", receipt(4, {"code": code})))
    assert till.ledger.names()[-3:] == ["PurchaseRecorded", "CouponRedeemed", "PointsEarned"]


def test_a_reservation_is_released_and_a_coupon_taken_back(till: Till) -> None:
    code = given(till)
    reservation = told(till.post(f"/coupons/{code}/reservation", {"time": NOON, "member": str(ANN)}))["reservation_id"]
    told(till.post(f"/coupons/{code}/release", {"time": NOON, "reservation": reservation}))
    again = till.post(f"/coupons/{code}/release", {"time": NOON, "reservation": reservation})
    assert problem(again, 409, "coupon-not-reserved") == {"code": code}
    told(till.post(f"/coupons/{code}/void", {"time": NOON, "reason": "a mistake"}, scope="staff"))
    assert problem(till.post("/purchases", receipt(5, {"code": code})), 409, "coupon-voided") == {"code": code}


def test_what_is_wrong_is_told_by_name(till: Till) -> None:
    code = given(till)
    other = till.post(f"/coupons/{code}/reservation", {"time": NOON, "member": str(BOB)})
    assert problem(other, 409, "coupon-not-yours") == {"code": code}
    unknown = till.post("/coupons/PAPER/reservation", {"time": NOON, "member": str(ANN)})
    assert problem(unknown, 404, "coupon-unknown") == {"code": "PAPER"}
    late = till.post("/purchases", receipt(6, {"code": code}, time=UNTIL))
    assert problem(late, 409, "coupon-expired") == {"code": code, "valid_until": "2023-06-01T04:00:00+00:00"}
    problem(till.post(COUPONS, GIVEN), 403, "forbidden")
    problem(till.post(f"/coupons/{code}/void", {"time": NOON, "reason": "r"}), 403, "forbidden")
    assert problem(till.post(COUPONS, {**GIVEN, "amount_minor": 0}, scope="staff"), 422, "invalid-field")


def test_of_20_tills_at_once_one_uses_the_coupon(till: Till) -> None:
    code = given(till)
    found = at_once([
        lambda number=number: till.post("/purchases", receipt(f"at-once-{number}", {"code": code}))  # type: ignore[misc]
        for number in range(20)
    ])  # fmt: skip
    assert found == {"spent": 1, "urn:loyalty:coupon-used": 19}
