"""Analytics against a computation that knows no SQL, for histories told in any order."""

import random
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from domain.campaign import BudgetDrawn, campaign_stream
from domain.coupon import CouponRedeemed, coupon_stream
from domain.fact import Fact
from domain.points_account import account_id
from domain.tier_moves import TierMoved
from projections.analytics import Analytics, Sales, analytics_of, definitions, uplift, window_cut
from projections.campaign_list import campaign_list
from tests.builders import campaign_created, policy, published
from tests.read_spec import JANUARY, ReadSide, earns, erases, joins, revokes, targets
from tests.spec import ENVELOPE, fact

DAY = timedelta(days=1)
STARTS, ENDS = JANUARY + 100 * DAY, JANUARY + 130 * DAY


def listed(name: str, **terms: Any) -> Fact:
    return campaign_created(name, multiplier="2", **{"everyone": False, "starts_at": STARTS, "ends_at": ENDS, **terms})


LATER = JANUARY + 3_000 * DAY


def ask(read_side: ReadSide, name: str = "spring", *, as_of: datetime = LATER, **what: Any) -> Analytics:
    found = read_side.ask("campaigns", analytics_of, campaign_id=name, as_of=as_of, **what)
    assert found is not None
    return found


def drawn(points: int, *, at: datetime = STARTS) -> Fact:
    return fact(
        BudgetDrawn, originator_id=campaign_stream("spring"), campaign_id="spring", purchase_id=uuid4(), points=points,
        occurred_at=at,
    )  # fmt: skip


def moves(member: UUID, tier: str, *, at: datetime, version: int) -> Fact:
    return fact(
        TierMoved, originator_id=account_id(member), originator_version=version, occurred_at=at, member_id=member,
        from_tier="Ordinary", to_tier=tier, period=0, qualifying_points={0: 1},
    )  # fmt: skip


class Sold(NamedTuple):
    """A purchase, for the naive computation."""

    member: UUID
    at: datetime
    paid: int


class History:
    """Twenty members, half of them targeted by card or id, and what they bought."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.members = [UUID(int=chance.getrandbits(128), version=4) for _ in range(20)]
        self.targeted = self.members[:9]
        self.sold = [
            Sold(chance.choice(self.members), JANUARY + chance.randrange(366 * 24) * DAY / 24, chance.randrange(10_000))
            for _ in range(400)
        ]
        by_card = [str(number) for number in range(5)]
        self.facts = [
            listed("spring"),
            targets("spring", cards=[*by_card, by_card[0], "nobody"], members=[*self.members[4:9], uuid4()]),
            *(one for number, member in enumerate(self.members) for one in joins(member, card=str(number))),
            *(
                earns(
                    one.member,
                    1,
                    at=one.at,
                    paid_minor=one.paid,
                    campaign="spring",
                    bonus=2,
                    coupons=["spring", "other"],
                )
                for one in self.sold
            ),
        ]

    def sales(self, *, ours: bool, since: datetime, until: datetime) -> list[Sold]:
        return [one for one in self.sold if (one.member in self.targeted) == ours and since <= one.at < until]

    def expected(self) -> dict[str, Any]:
        before = STARTS - (ENDS - STARTS)
        t1, t0, u1, u0 = (
            sum(one.paid for one in self.sales(ours=ours, since=since, until=until))
            for ours in (True, False)
            for since, until in ((STARTS, ENDS), (before, STARTS))
        )
        inside = self.sales(ours=True, since=STARTS, until=ENDS)
        return {
            "targeted": 9, "participants": len({one.member for one in inside}), "purchases": len(inside),
            "sales_minor": t1, "bonus_points": 800, "coupons_redeemed": 400, "baseline_sales_minor": t0,
            "uplift_minor": round((t1 - t0) - (u1 - u0) * Fraction(9, 11)), "window_cut": None,
        }  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_are_those_of_a_naive_computation_in_any_order_of_arrival(read_side: ReadSide, seed: int) -> None:
    history = History(seed)
    told = history.facts if seed == 1 else random.Random(seed).sample(history.facts, len(history.facts))
    for start in range(0, len(told), 100):
        read_side.given(*told[start : start + 100])
    found = ask(read_side).model_dump()
    assert {name: found[name] for name in history.expected()} == history.expected()


def bought_and_returned(chance: random.Random) -> list[Fact]:
    """Twenty members, who join as they buy first; of a third of the purchases something goes back later, or all of it."""
    told: list[Fact] = [published(policy())]
    for number in range(20):
        member, at = UUID(int=chance.getrandbits(128), version=4), JANUARY + chance.randrange(120) * DAY
        told += joins(member, card=str(number), at=at)
        told.append(moves(member, "Gold", at=at + chance.randrange(60) * DAY, version=2))
        for _ in range(12):
            sold_at, purchase_id = at + chance.randrange(100) * DAY, UUID(int=chance.getrandbits(128), version=4)
            of_it: dict[str, Any] = {"paid_minor": chance.randrange(10_000), "campaign": "spring", "bonus": 2}
            told.append(
                earns(member, 9, at=sold_at, codes=["SAVE-5"], coupons=["spring"], purchase_id=purchase_id, **of_it)
            )
            told.append(drawn(2, at=sold_at))
            if chance.random() < 0.3:
                back_at = sold_at + chance.randrange(40) * DAY
                told.append(revokes(member, purchase_id, 1, bought_at=sold_at, at=back_at, nothing_left=True, **of_it))
                told.append(drawn(-2, at=back_at))
    return told


@pytest.mark.parametrize("days", [20, 110, 160])
def test_as_of_an_instant_figures_are_those_of_what_had_happened_by_then(
    read_side: ReadSide, database_url: str, days: int
) -> None:
    """Told in any order, they are the same as where nothing later was told; a campaign is known whenever it was made."""
    chance, as_of = random.Random(days), JANUARY + days * DAY
    campaigns = [
        listed("spring", coupon="SAVE-5", budget={"points": 1_000}), targets("spring", cards=map(str, range(9))),
        listed("summer", tiers=["Gold"], coupon="SAVE-5"), listed("autumn", everyone=True),
    ]  # fmt: skip
    told = bought_and_returned(chance)
    read_side.given(*campaigns, *chance.sample(told, len(told)))
    other = ReadSide(database_url)
    other.given(*campaigns, *(one for one in told if one.occurred_at <= as_of or one is told[0]))
    for name in ("spring", "summer", "autumn"):
        for by in ("day", "tier"):
            found, expected = (ask(side, name, as_of=at, by=by) for side, at in ((read_side, as_of), (other, LATER)))
            kept = found.model_dump(exclude={"as_of", "position"})
            assert kept == expected.model_dump(exclude={"as_of", "position"})
    other.close()
    assert ask(read_side, "autumn").bonus_points == 0
    assert ask(read_side).bonus_points != ask(read_side, as_of=as_of).bonus_points


def test_a_campaign_for_everyone_targets_all_and_has_nobody_to_compare_with(read_side: ReadSide) -> None:
    history = History(4)
    read_side.given(*history.facts, listed("summer", everyone=True))
    found = ask(read_side, "summer")
    assert (found.targeted, found.uplift_minor) == (20, None)
    assert found.sales_minor == sum(one.paid for one in history.sold if STARTS <= one.at < ENDS)


def test_a_baseline_that_the_data_does_not_reach_is_null(read_side: ReadSide) -> None:
    history = History(5)
    read_side.given(*history.facts, listed("new-year", starts_at=JANUARY + 10 * DAY, ends_at=JANUARY + 40 * DAY))
    found = ask(read_side, "new-year")
    assert (found.baseline_sales_minor, found.uplift_minor) == (None, None)


def test_coupons_are_those_that_name_the_campaign_and_those_that_it_asks_for_within_its_window(
    read_side: ReadSide,
) -> None:
    member, card, (within, before, after) = uuid4(), "1", (STARTS, STARTS - DAY, ENDS)
    asking = [
        listed("printed", everyone=True, coupon="SAVE-5"), listed("issued", everyone=True, coupon_kind="tea"),
        listed("named", everyone=True),
    ]  # fmt: skip
    known = [
        earns(member, 1, at=at, codes=["SAVE-5", "OTHER", "AB12"], purchase_id=UUID(int=number))
        for number, at in enumerate((within, before, after))
    ]
    used = [
        CouponRedeemed.model_validate(ENVELOPE | {
            "originator_id": coupon_stream("AB12"), "originator_version": 2 + number, "occurred_at": at,
            "member_id": member, "code": "AB12", "kind": "tea", "purchase_id": UUID(int=number),
        })
        for number, at in enumerate((within, before, after))
    ]  # fmt: skip
    both = earns(member, 1, at=within, coupons=["printed", "named"], codes=["SAVE-5"])
    read_side.given(*joins(member, card=card), *asking, *known, *used, both)
    found = {name: ask(read_side, name).coupons_redeemed for name in ("printed", "issued", "named")}
    assert found == {"printed": 1 + 2, "issued": 1, "named": 1}


def test_without_purchases_nothing_is_counted(read_side: ReadSide) -> None:
    read_side.given(listed("spring"))
    found = ask(read_side)
    assert (found.targeted, found.participants, found.sales_minor, found.bonus_points) == (0, 0, 0, 0)
    assert (found.baseline_sales_minor, found.uplift_minor, found.window_cut) == (None, None, "both")


def test_an_erasure_changes_no_figure_and_whoever_has_the_card_next_is_targeted_too(read_side: ReadSide) -> None:
    first, second = uuid4(), uuid4()
    bought = earns(first, 1, at=STARTS, paid_minor=700)
    read_side.given(listed("spring"), targets("spring", cards=["1"]), *joins(first, card="1"), bought)
    before = ask(read_side)
    read_side.given(*erases(first, cards=["1"]))
    assert ask(read_side).model_copy(update={"position": before.position}) == before
    read_side.given(*joins(second, card="1"), earns(second, 1, at=STARTS, paid_minor=300))
    found = ask(read_side)
    assert (found.targeted, found.participants, found.sales_minor) == (2, 2, 1_000)


def test_an_unknown_campaign_has_no_figures(read_side: ReadSide) -> None:
    assert read_side.ask("campaigns", analytics_of, campaign_id="none", as_of=LATER) is None


def test_campaigns_are_paged_by_id(read_side: ReadSide) -> None:
    read_side.given(*(listed(name) for name in ("c", "B", "a", "a-1")))
    first = read_side.ask("campaigns", campaign_list, after="", limit=3, as_of=JANUARY)
    assert ([one.campaign_id for one in first.items], first.next) == (["B", "a", "a-1"], "a-1")
    last = read_side.ask("campaigns", campaign_list, after="a-1", limit=3, as_of=JANUARY)
    assert ([one.campaign_id for one in last.items], last.next) == (["c"], None)


def test_a_campaign_is_planned_live_and_ended_and_its_budget_is_what_was_not_drawn(read_side: ReadSide) -> None:
    read_side.given(
        listed("spring", budget={"points": 100}, limits={"per_day": {"uses": 1}}), drawn(70), drawn(-20, at=STARTS + DAY)
    )  # fmt: skip

    def told(at: datetime, **what: Any) -> list[tuple[str, int | None]]:
        page = read_side.ask("campaigns", campaign_list, after="", limit=9, as_of=at, **what)
        return [(one.state, one.budget_left) for one in page.items]

    second = timedelta(seconds=1)
    for at, state, left in (
        (STARTS - second, "planned", 100), (STARTS, "live", 30), (ENDS - second, "live", 50), (ENDS, "ended", 50),
    ):  # fmt: skip
        assert told(at) == [(state, left)]
    assert (told(STARTS, state="live"), told(STARTS, state="ended")) == ([("live", 30)], [])
    for at, used in ((STARTS, 70), (ENDS, 50)):
        found = ask(read_side, as_of=at)
        assert (found.budget_points, found.budget_used, found.budget_minor, found.budget_used_minor) == (
            100,
            used,
            None,
            0,
        )


def test_tiers_are_targeted_by_whoever_held_them_in_the_window_and_broken_down_by_the_time_of_sale(
    read_side: ReadSide,
) -> None:
    ann, bob, eve = (uuid4() for _ in range(3))
    read_side.given(
        published(policy()), listed("spring", tiers=["Gold"]), listed("base", tiers=["Ordinary"]),
        *(one for number, member in enumerate((ann, bob, eve)) for one in joins(member, card=str(number))),
        moves(ann, "Gold", at=STARTS + DAY, version=5), moves(eve, "Gold", at=JANUARY, version=3),
        moves(eve, "Silver", at=STARTS, version=4), moves(bob, "Gold", at=ENDS, version=3),
        earns(ann, 1, at=STARTS, paid_minor=100), earns(ann, 1, at=STARTS + DAY, paid_minor=250, campaign="spring", bonus=7),
        earns(eve, 1, at=STARTS, paid_minor=900), earns(bob, 1, at=STARTS, paid_minor=900),
    )  # fmt: skip
    found = ask(read_side, by="tier")
    assert (found.targeted, found.participants, found.purchases, found.sales_minor) == (1, 1, 2, 350)
    assert found.breakdown is not None
    assert [(one.key, one.participants, one.sales_minor, one.bonus_points) for one in found.breakdown] == [
        ("Gold", 1, 250, 7), ("Ordinary", 1, 100, 0),
    ]  # fmt: skip
    assert ask(read_side, "base").targeted == 2, "Ann until she rose, and Bob"


def test_days_are_those_of_the_programme_and_a_return_counts_at_its_purchase(read_side: ReadSide) -> None:
    ann, bought = uuid4(), uuid4()
    late = STARTS + timedelta(hours=17)
    read_side.given(
        published(policy()), listed("spring", everyone=True), *joins(ann, card="1"),
        earns(ann, 1, at=STARTS, paid_minor=100, campaign="spring", bonus=5, purchase_id=bought),
        earns(ann, 1, at=late, paid_minor=30),
        revokes(ann, bought, 1, bought_at=STARTS, at=late, paid_minor=100, campaign="spring", bonus=5, nothing_left=True),
    )  # fmt: skip
    found = ask(read_side, by="day")
    assert found.breakdown is not None
    days = [(one.key, one.participants, one.purchases, one.sales_minor, one.bonus_points) for one in found.breakdown]
    assert days == [("2024-04-10", 0, 0, 0, 0), ("2024-04-11", 1, 1, 30, 0)], "17:00 UTC is the next day in Shanghai"


def test_members_of_the_segment_are_targeted_as_they_are_told(read_side: ReadSide) -> None:
    ann, bob = uuid4(), uuid4()
    read_side.given(
        listed("spring", segment="new"), *joins(ann, card="1"), *joins(bob, card="2"),
        earns(ann, 1, at=STARTS, paid_minor=100), earns(bob, 1, at=STARTS, paid_minor=40),
    )  # fmt: skip
    found = ask(read_side, segment=[ann])
    assert (found.targeted, found.participants, found.sales_minor) == (1, 1, 100)


def test_every_figure_has_its_definition_beside_it(read_side: ReadSide) -> None:
    read_side.given(listed("spring"))
    assert ask(read_side).definitions == definitions()
    figures = Analytics.model_fields.keys() - {"breakdown", "definitions", "as_of", "position"}
    assert definitions().keys() == figures


@pytest.mark.parametrize(("theirs", "rounded"), [(1, 0), (3, -2), (5, -2), (-1, 0), (-3, 2)])
def test_uplift_is_rounded_half_to_even(theirs: int, rounded: int) -> None:
    sales = Sales(0, 0, targeted_in=0, targeted_before=0, untargeted_in=theirs, untargeted_before=0)
    assert uplift(sales, targeted=1, untargeted=2) == rounded


@pytest.mark.parametrize(
    ("starts", "ends", "cut"),
    [(0, 30, None), (-1, 31, None), (-2, 30, "start"), (0, 32, "end"), (-2, 32, "both"), (-90, -60, "start")],
)
def test_a_window_that_the_data_does_not_reach_is_said_to_be_cut(starts: int, ends: int, cut: str | None) -> None:
    edges = {"earliest": JANUARY, "latest": JANUARY + 30 * DAY}
    assert window_cut(JANUARY + starts * DAY, JANUARY + ends * DAY, **edges) == cut
