"""Returns and voids of one purchase, and what they take of the account, with their numbers (rules 4)."""

from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from domain import crediting
from domain.basket import Line
from domain.fact import Fact
from domain.movements import PointsRevoked
from domain.points_account import PointsAccount
from domain.purchase import Purchase, PurchaseReturned, PurchaseVoided, ReturnKept
from domain.refusals import OverReturn, UnknownLine
from domain.returned import ReturnedLine
from tests.builders import ANN, back, campaign, counted, line, sale
from tests.domain.test_points_account import MAY, OPENED, PURCHASE, RULES, base, credit, earned, moved
from tests.domain.test_purchase import recorded
from tests.spec import STREAM, Given, Result, fact, given, numbered

WEEK = timedelta(days=7)


def bought(*lines: Line) -> Fact:
    made = counted(lines)
    paid = sum(one["gross_minor"] - one.get("discount_minor", 0) for one in made)
    return recorded(member_id=ANN, lines=made, paid_minor=paid)


def returned(*lines: ReturnedLine, excess: list[ReturnedLine] | None = None, **what: Any) -> Fact:
    amount = sum(one["amount_minor"] for one in lines)
    return fact(PurchaseReturned, member_id=ANN, lines=list(lines), excess=excess, amount_minor=amount, **what)


def voided(amount_minor: int) -> Fact:
    return fact(PurchaseVoided, member_id=ANN, amount_minor=amount_minor)


def take_back(before: Given[Purchase], *lines: ReturnedLine, strictly: bool = True) -> Result:
    return before.when(lambda one: one.take_back(list(lines), strictly=strictly, tenders=None, reason=None))


class TestWhatGoesBack:
    def test_goods_and_money_go_back_by_line(self) -> None:
        before = given(Purchase, bought(line(9_500, quantity=2), line(500)))
        take_back(before, back(quantity=1, amount_minor=4_750)).then(returned(back(quantity=1, amount_minor=4_750)))

    def test_how_it_was_paid_back_and_why_is_kept(self) -> None:
        paid_back: Any = [{"kind": "card", "amount_minor": 100}]
        given(Purchase, bought(line(100))).when(
            lambda one: one.take_back(
                [back(quantity=1, amount_minor=100)], strictly=True, tenders=paid_back, reason="x"
            )
        ).then(returned(back(quantity=1, amount_minor=100), tenders=paid_back, reason="x"))

    def test_quantity_0_is_money_back_without_goods(self) -> None:
        before = given(Purchase, bought(line(9_500)))
        take_back(before, back(amount_minor=600)).then(returned(back(amount_minor=600)))

    def test_all_goods_may_go_back_while_a_fee_is_kept(self) -> None:
        before = given(Purchase, bought(line(10_000)), returned(back(quantity=1, amount_minor=9_000)))
        assert (before.stream.left_minor, before.stream.nothing_left) == (1_000, False)
        take_back(before, back(quantity=1)).then_refused(OverReturn(line="1", left_minor=1_000, left_quantity=0))

    @pytest.mark.parametrize(
        ("asked", "left"),
        [
            (back(quantity=3, amount_minor=100), OverReturn(line="1", left_minor=300, left_quantity=2)),
            (back(quantity=1, amount_minor=301), OverReturn(line="1", left_minor=300, left_quantity=2)),
            (back("9", quantity=1, amount_minor=1), UnknownLine(line="9", purchase_id=STREAM)),
        ],
    )
    def test_where_somebody_waits_too_much_is_refused_with_what_is_left(
        self, asked: ReturnedLine, left: OverReturn
    ) -> None:
        before = given(Purchase, bought(line(400, quantity=3)), returned(back(quantity=1, amount_minor=100)))
        take_back(before, asked).then_refused(left)

    def test_a_line_named_twice_in_one_return_is_counted_twice(self) -> None:
        half = back(quantity=1, amount_minor=200)
        before = given(Purchase, bought(line(300, quantity=2)))
        take_back(before, half, half).then_refused(OverReturn(line="1", left_minor=100, left_quantity=1))
        rest = back(quantity=1, amount_minor=100)
        take_back(before, half, half, strictly=False).then(returned(half, rest, excess=[back(amount_minor=100)]))

    def test_where_nobody_waits_it_is_capped_and_the_excess_is_flagged(self) -> None:
        before = given(Purchase, bought(line(400, quantity=3)), returned(back(quantity=1, amount_minor=100)))
        take_back(before, back(quantity=5, amount_minor=350), back("9", amount_minor=7), strictly=False).then(
            returned(
                back(quantity=2, amount_minor=300),
                excess=[back(quantity=3, amount_minor=50), back("9", amount_minor=7)],
            )
        )

    def test_weighed_goods_go_back_by_weight(self) -> None:
        before = given(Purchase, bought(line(964, quantity="0.482")), returned(back(quantity="0.2", amount_minor=400)))
        take_back(before, back(quantity="0.283", amount_minor=564)).then_refused(
            OverReturn(line="1", left_minor=564, left_quantity="0.282")
        )
        take_back(before, back(quantity="0.282", amount_minor=564)).then(
            returned(back(quantity="0.282", amount_minor=564))
        )
        take_back(before, back(quantity=1, amount_minor=564), strictly=False).then(
            returned(back(quantity="0.282", amount_minor=564), excess=[back(quantity="0.718")])
        )

    def test_a_void_takes_what_returns_left(self) -> None:
        before = given(Purchase, bought(line(400, quantity=3)), returned(back(quantity=1, amount_minor=100)))
        before.when(lambda one: one.void(reason=None)).then(voided(300))

    def test_after_a_void_a_return_is_excess_alone(self) -> None:
        before = given(Purchase, bought(line(400)), voided(400))
        assert (before.stream.left_minor, before.stream.nothing_left, before.stream.void_version) == (0, True, 2)
        asked = back(quantity=1, amount_minor=400)
        take_back(before, asked, strictly=False).then(returned(excess=[asked]))

    def test_before_its_purchase_a_return_waits(self) -> None:
        before = given(Purchase)
        kept = fact(ReturnKept, lines=[back(quantity=1)], reason="x")
        before.when(lambda one: one.wait(lines=[back(quantity=1)], tenders=None, reason="x")).then(kept)
        numbered([kept], before.stream)
        assert (before.stream.recorded, len(before.stream.waiting)) == (None, 1)


class TestWhatRemains:
    @pytest.mark.parametrize(
        ("lines", "went_back", "remaining", "nothing_left"),
        [
            ([line(900)], back(quantity=1, amount_minor=900), [], True),
            ([line(900)], back(amount_minor=900), [], False),
            ([line(900, discount_minor=100)], back(amount_minor=600), [("1", 200)], False),
            ([line(900), line(0)], back(quantity=1, amount_minor=900), [("2", 0)], False),
            ([line(900), line(0, quantity=0)], back(quantity=1, amount_minor=900), [("2", 0)], True),
            ([line(900), line(0, quantity=2)], back("2", quantity=1), [("1", 900), ("2", 0)], False),
            ([line(900), line(50, discount_minor=50)], back("2", quantity=1), [("1", 900)], False),
        ],
    )
    def test_each_line_counts_with_what_is_still_paid_for_it(
        self, lines: list[Line], went_back: ReturnedLine, remaining: list[tuple[str, int]], nothing_left: bool
    ) -> None:
        purchase = given(Purchase, bought(*lines), returned(went_back)).stream
        assert [(one["line"], one["gross_minor"]) for one in purchase.remaining().lines] == remaining
        assert purchase.nothing_left == nothing_left
        assert purchase.backs[-1].nothing_left == nothing_left

    def test_what_was_left_after_each_return_is_remembered(self) -> None:
        purchase = given(Purchase, bought(line(900)), returned(back(amount_minor=200)), voided(700)).stream
        assert [(one.remaining.paid_minor, one.nothing_left) for one in purchase.backs] == [(700, False), (0, True)]


def revoked(*parts: tuple[str, int], paid_minor: int, **what: Any) -> Fact:
    made = [
        {"lot_id": uuid5(PURCHASE, name), "part": name, "points": points, "qualifies": name == "base"}
        for name, points in parts
    ]
    defaults = {"purchased_at": MAY, "nothing_left": False, "period": 0, "counts": True}
    return fact(
        PointsRevoked, **{**defaults, "member_id": ANN, "purchase_id": PURCHASE, "paid_minor": paid_minor, "parts": made, **what}
    )  # fmt: skip


def revoke(
    before: Given[PointsAccount], *lines: Line, campaigns: Any = (), at: Any = MAY + WEEK, gone: bool = False
) -> Result:
    rest = sale(*lines, at=MAY, purchase_id=PURCHASE)
    return before.when(
        lambda account: crediting.revoke(
            account, rest, sold=lines, gone=gone, at=at, policy=RULES, campaigns=campaigns, judge=(1, RULES)
        )
    )


def holding(*lines: Line, campaigns: Any = ()) -> Given[PointsAccount]:
    """An account that a purchase was credited to."""
    before = given(PointsAccount, OPENED)
    for draft in credit(sale(*lines, at=MAY, purchase_id=PURCHASE), *campaigns, account=before.stream):
        numbered([fact(draft.kind, **draft.what)], before.stream)
    return before


class TestWhatIsRevoked:
    def test_95_earns_9_and_89_earns_8_so_a_return_of_6_claws_1(self) -> None:
        revoke(holding(line(9_500)), line(8_900)).then(revoked(("base", 1), paid_minor=600))

    def test_then_a_return_of_the_other_89_claws_8(self) -> None:
        before = holding(line(9_500))
        numbered([revoked(("base", 1), paid_minor=600)], before.stream)
        revoke(before, gone=True).then(revoked(("base", 8), paid_minor=8_900, nothing_left=True))

    def test_what_is_left_may_earn_as_much(self) -> None:
        revoke(holding(line(9_500)), line(9_000)).then(revoked(paid_minor=500))

    def test_120_with_a_bonus_of_50_from_100_loses_3_and_50_with_a_return_of_30(self) -> None:
        gift = campaign("gift", bonus_points=50, minimum_paid_minor=10_000)
        revoke(holding(line(12_000), campaigns=[gift]), line(9_000), campaigns=[gift]).then(
            revoked(("base", 3), ("gift", 50), paid_minor=3_000)
        )

    @pytest.mark.parametrize(("rest", "lost"), [(10_000, [("base", 2)]), (9_999, [("base", 3), ("gift", 50)])])
    def test_the_minimum_of_a_basket_is_tested_again_to_the_cent(self, rest: int, lost: list[tuple[str, int]]) -> None:
        gift = campaign("gift", bonus_points=50, minimum_paid_minor=10_000)
        revoke(holding(line(12_000), campaigns=[gift]), line(rest), campaigns=[gift]).then(
            revoked(*lost, paid_minor=12_000 - rest)
        )

    def test_100_returned_with_10_kept_as_a_fee_leaves_1(self) -> None:
        revoke(holding(line(10_000)), line(1_000)).then(revoked(("base", 9), paid_minor=9_000))

    def test_a_bonus_of_which_30_were_granted_loses_30(self) -> None:
        part = {"lot_id": uuid5(PURCHASE, "gift"), "part": "gift", "points": 30, "basis_minor": 5_000, "residue": "0"}
        before = given(PointsAccount, OPENED, earned(base(5), {**part, "qualifies": False, "bonus": True}))
        gift = campaign("gift", bonus_points=50)
        revoke(before, gone=True, campaigns=[gift]).then(
            revoked(("base", 5), ("gift", 30), paid_minor=5_000, nothing_left=True)
        )

    def test_a_multiplier_is_floored_by_itself(self) -> None:
        half = campaign("half", multiplier="1.5")
        revoke(holding(line(15_000), campaigns=[half]), line(13_900), campaigns=[half]).then(
            revoked(("base", 2), ("half", 1), paid_minor=1_100)
        )

    def test_a_line_stays_with_the_campaign_that_won_it_though_that_falls_below_its_minimum(self) -> None:
        """Else the other campaign, having lost points with one return, would get them back with the next."""
        strong = campaign("strong", multiplier="3", priority=1, categories=["DAIRY"], minimum_paid_minor=10_000)
        weak = campaign("weak", multiplier="2")
        lines = [line(6_000, category="DAIRY"), line(6_000)]
        before = holding(*lines, campaigns=[strong, weak])
        assert [(lot.part, lot.points) for lot in before.stream.credited[PURCHASE].lots] == [
            ("base", 12), ("strong", 12), ("weak", 6),
        ]  # fmt: skip
        revoke(before, lines[0], campaigns=[strong, weak]).then(
            revoked(("base", 6), ("strong", 12), ("weak", 6), paid_minor=6_000)
        )

    def test_even_if_it_won_the_line_without_a_whole_point(self) -> None:
        strong = campaign("strong", multiplier="3", priority=1, categories=["DAIRY"])
        weak = campaign("weak", multiplier="2")
        before = holding(line(400, category="DAIRY"), line(1_700), campaigns=[strong, weak])
        rest = [line(400, category="DAIRY"), line(600)]
        revoke(before, *rest, campaigns=[strong, weak]).then(revoked(("base", 1), ("weak", 1), paid_minor=1_100))

    def test_a_part_that_was_not_granted_cannot_arise(self) -> None:
        """A second bonus of the day was not granted; it does not come when the first one goes."""
        gift = campaign("gift", bonus_points=50)
        revoke(holding(line(9_500)), line(8_900), campaigns=[gift]).then(revoked(("base", 1), paid_minor=600))

    def test_where_nothing_changes_nothing_is_recorded(self) -> None:
        before = holding(line(9_500), line(0))
        revoke(before, line(9_500)).then()
        numbered([revoked(("base", 9), paid_minor=9_500, nothing_left=True)], before.stream)
        revoke(before, gone=True).then()

    def test_a_purchase_is_gone_once(self) -> None:
        """Money alone takes the points; the goods that follow take the visit; a void after that takes nothing."""
        before = holding(line(9_500))
        numbered([revoked(("base", 9), paid_minor=9_500)], before.stream)
        revoke(before, gone=True).then(revoked(paid_minor=0, nothing_left=True))

    def test_a_promotion_that_the_open_period_no_longer_supports_is_undone_at_once(self) -> None:
        before = holding(line(10_000_000))
        assert before.stream.tier == "Silver"
        revoke(before, line(9_999_000)).then(
            revoked(("base", 1), paid_minor=1_000), moved("Silver", "Ordinary", p0=9_999)
        )
        revoke(before, line(9_999_999)).then(revoked(("base", 1), paid_minor=1), moved("Silver", "Ordinary", p0=9_999))

    def test_a_tier_may_fall_by_more_than_one_step_as_this_is_no_demotion(self) -> None:
        revoke(holding(line(200_000_000)), gone=True).then(
            revoked(("base", 200_000), paid_minor=200_000_000, nothing_left=True), moved("Diamond", "Ordinary", p0=0)
        )

    @pytest.mark.parametrize(
        ("at", "counts"), [("2024-03-15T23:59:59+08:00", True), ("2024-03-16T00:00:00+08:00", False)]
    )
    def test_a_closed_review_is_not_reopened(self, at: str, counts: bool) -> None:
        """The membership year ends with the anniversary day, and the review is the next morning."""
        facts = revoke(holding(line(10_000_000)), gone=True, at=type(MAY).fromisoformat(at)).facts
        assert facts[0].counts is counts
        assert [type(one).__name__ for one in facts[1:]] == ["TierMoved"] * counts

    def test_a_return_dated_before_its_purchase_counts(self) -> None:
        """The clock of another till was wrong, by a year even."""
        assert revoke(holding(line(9_500)), gone=True, at=MAY - timedelta(days=300)).facts[0].counts

    def test_the_points_come_from_the_lot_itself_though_it_has_expired(self) -> None:
        before = holding(line(9_500))
        revoke(before, gone=True, at=MAY + timedelta(days=4_000)).then(
            revoked(("base", 9), paid_minor=9_500, nothing_left=True, counts=False)
        )

    def test_limit_use_of_a_bonus_is_free_again_as_of_the_purchase(self) -> None:
        gift = campaign("gift", bonus_points=50)
        before = holding(line(9_500), campaigns=[gift])
        later = sale(line(9_500), at=MAY + timedelta(minutes=1))

        def granted() -> list[str]:
            return [part["part"] for part in credit(later, gift, account=before.stream)[0].what["parts"]]

        assert granted() == ["base"]
        numbered([revoked(("base", 9), ("gift", 50), paid_minor=9_500, nothing_left=True)], before.stream)
        assert granted() == ["base", "gift"]

    def test_what_is_available_is_less_what_was_revoked(self) -> None:
        before = holding(line(9_500))
        numbered([revoked(("base", 1), paid_minor=600)], before.stream)
        assert before.stream.available(MAY) == 8
        assert before.stream.periods == {0: 8}
