"""One member's points."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given as forall
from hypothesis import strategies

from domain import crediting
from domain.campaign import Campaign
from domain.fact import Fact
from domain.movements import AccountOpened, PointsEarned
from domain.points_account import PointsAccount, account_id
from domain.sale import Sale
from domain.stream import Draft
from domain.tier_moves import TierMoved
from tests.builders import ANN, campaign, line, policy, sale
from tests.spec import STREAM, fact, given, numbered

REGISTERED = datetime(2023, 3, 15, 2, tzinfo=UTC)
MAY = datetime(2023, 5, 2, 4, tzinfo=UTC)
LAPSES = datetime.fromisoformat("2024-03-16T00:00:00+08:00")
PURCHASE = UUID("70000000-0000-4000-8000-000000000007")
LAPSES_NEXT = datetime.fromisoformat("2025-03-16T00:00:00+08:00")
OPENED = fact(AccountOpened, member_id=ANN, registered_at=REGISTERED)
RULES = policy()


def base(
    points: int, *, basis_minor: int | None = None, residue: str = "0", purchase_id: UUID = PURCHASE
) -> dict[str, Any]:
    return {
        "lot_id": uuid5(purchase_id, "base"), "part": "base", "points": points, "residue": residue, "qualifies": True,
        "basis_minor": points * 1000 if basis_minor is None else basis_minor,
    }  # fmt: skip


def earned(*parts: dict[str, Any], at: datetime = MAY, paid_minor: int | None = None, **what: Any) -> Fact:
    defaults: dict[str, Any] = {
        "member_id": ANN, "purchase_id": PURCHASE, "store": "1", "day": date(2023, 5, 2), "period": 0, "active_from": at, "expires_at": LAPSES,
    }  # fmt: skip
    paid = parts[0]["basis_minor"] if paid_minor is None else paid_minor
    return fact(PointsEarned, **{**defaults, "parts": list(parts), "paid_minor": paid, "occurred_at": at, **what})


def moved(from_tier: str, to_tier: str, *, period: int = 0, review: datetime | None = None, **points: int) -> Fact:
    what: dict[str, Any] = {"from_tier": from_tier, "to_tier": to_tier, "period": period}
    if review is not None:
        what |= {"reviewed": True, "occurred_at": review}
    return fact(TierMoved, member_id=ANN, qualifying_points={int(n[1:]): p for n, p in points.items()}, **what)


def credit(one: Sale, *campaigns: Campaign, account: PointsAccount) -> list[Draft]:
    return crediting.earn(account, one, policy=RULES, version=1, campaigns=campaigns)


def test_an_account_is_opened_for_a_member() -> None:
    given(PointsAccount).when(lambda account: account.open(member_id=ANN, registered_at=REGISTERED)).then(OPENED)


def test_a_sale_becomes_a_lot_of_the_base_part() -> None:
    one = sale(line(9500), at=MAY, purchase_id=PURCHASE)
    given(PointsAccount, OPENED).when(lambda account: credit(one, account=account)).then(
        earned(base(9, basis_minor=9500, residue="500/1000"))
    )


def test_a_sale_that_earns_nothing_is_credited_all_the_same_so_that_its_visit_is_known() -> None:
    one = sale(line(999), at=MAY, purchase_id=PURCHASE)
    given(PointsAccount, OPENED).when(lambda account: credit(one, account=account)).then(
        earned(base(0, basis_minor=999, residue="999/1000"))
    )


def test_each_campaign_becomes_a_lot_of_its_own_that_does_not_qualify() -> None:
    one = sale(line(5000), at=MAY, purchase_id=PURCHASE)
    twice, gift = campaign("twice", multiplier="2"), campaign("gift", bonus_points=30)
    other = {"basis_minor": 5000, "residue": "0", "qualifies": False}
    given(PointsAccount, OPENED).when(lambda account: credit(one, twice, gift, account=account)).then(
        earned(
            base(5),
            {"lot_id": uuid5(PURCHASE, "twice"), "part": "twice", "points": 5, **other},
            {"lot_id": uuid5(PURCHASE, "gift"), "part": "gift", "points": 30, "bonus": True, **other},
        )
    )


def test_a_bonus_counts_once_per_member_store_and_local_day() -> None:
    gift = campaign("gift", bonus_points=30)
    part = {
        "lot_id": uuid5(PURCHASE, "gift"),
        "part": "gift",
        "points": 30,
        "basis_minor": 5000,
        "residue": "0",
        "qualifies": False,
        "bonus": True,
    }
    before = [OPENED, earned(base(5), part)]

    def granted(at: datetime, store: str) -> bool:
        account = PointsAccount(STREAM)
        numbered(before, account)
        (draft,) = crediting.earn(
            account, sale(line(5000), at=at, store=store), policy=RULES, version=1, campaigns=[gift]
        )
        return any(part.get("bonus") for part in draft.what["parts"])

    assert not granted(MAY, "1")
    assert not granted(datetime.fromisoformat("2023-05-02T23:59:59+08:00"), "1")
    assert granted(datetime.fromisoformat("2023-05-03T00:00:00+08:00"), "1")
    assert granted(MAY, "2")


def test_a_tier_that_is_reached_is_reached_at_once_with_the_inputs_of_the_evaluation() -> None:
    before = earned(base(9_999))
    one = sale(line(1000), at=MAY, purchase_id=PURCHASE)
    given(PointsAccount, OPENED, before).when(lambda account: credit(one, account=account)).then(
        earned(base(1)), moved("Ordinary", "Silver", p0=10_000)
    )


def test_one_point_less_moves_nothing() -> None:
    one = sale(line(1000), at=MAY, purchase_id=PURCHASE)
    given(PointsAccount, OPENED, earned(base(9_998))).when(lambda account: credit(one, account=account)).then(
        earned(base(1))
    )


def test_a_large_purchase_skips_tiers() -> None:
    one = sale(line(200_000_000), at=MAY, purchase_id=PURCHASE)
    given(PointsAccount, OPENED).when(lambda account: credit(one, account=account)).then(
        earned(base(200_000)), moved("Ordinary", "Diamond", p0=200_000)
    )


def test_the_first_purchase_after_a_review_tells_what_the_review_decided() -> None:
    before = [OPENED, earned(base(100_000)), moved("Ordinary", "Gold", p0=100_000), earned(base(59_999), period=1)]
    at = datetime(2025, 5, 2, 4, tzinfo=UTC)
    one = sale(line(1000), at=at, purchase_id=PURCHASE)
    given(PointsAccount, *before).when(lambda account: credit(one, account=account)).then(
        earned(
            base(1),
            at=at,
            day=date(2025, 5, 2),
            period=2,
            expires_at=datetime.fromisoformat("2026-03-16T00:00:00+08:00"),
        ),
        moved("Gold", "Silver", period=1, review=LAPSES_NEXT, p0=100_000, p1=59_999, p2=1),
    )


def test_a_late_purchase_may_undo_a_demotion() -> None:
    before = [
        OPENED,
        earned(base(100_000)),
        earned(base(59_999), period=1),
        earned(base(1), period=2),
        moved("Gold", "Silver"),
    ]
    late = sale(line(1000), at=datetime(2024, 5, 2, 4, tzinfo=UTC), purchase_id=PURCHASE)
    account = PointsAccount(STREAM)
    numbered(before, account)
    _, tier = credit(late, account=account)
    assert (tier.what["from_tier"], tier.what["to_tier"]) == ("Silver", "Gold")
    assert tier.what["qualifying_points"] == {0: 100_000, 1: 60_000, 2: 1}


def test_bonus_points_move_no_tier() -> None:
    one = sale(line(1000), at=MAY, purchase_id=PURCHASE)
    account = PointsAccount(STREAM)
    numbered([OPENED], account)
    assert [draft.kind for draft in credit(one, campaign("gift", bonus_points=10**6), account=account)] == [
        PointsEarned
    ]


def test_a_decision_changes_nothing() -> None:
    account = PointsAccount(STREAM)
    numbered([OPENED], account)
    before = repr(vars(account))
    credit(sale(line(200_000_000), at=MAY), campaign("gift", bonus_points=5), account=account)
    assert repr(vars(account)) == before


def test_what_is_available_is_active_and_not_lapsed_at_the_instant_asked_for() -> None:
    later = MAY + timedelta(days=14)
    account = PointsAccount(STREAM)
    numbered([OPENED, earned(base(5), active_from=later)], account)
    (lot,) = account.credited[PURCHASE].lots
    assert (lot.part, lot.points, lot.qualifies, lot.bonus) == ("base", 5, True, False)
    instants = [MAY, later - timedelta(microseconds=1), later, LAPSES - timedelta(microseconds=1), LAPSES]
    assert [account.available(at) for at in instants] == [0, 0, 5, 5, 0]


def test_points_of_a_purchase_that_had_not_happened_yet_are_not_available() -> None:
    account = PointsAccount(STREAM)
    numbered([OPENED, earned(base(5))], account)
    assert account.available(MAY - timedelta(microseconds=1)) == 0


def test_progress_tells_the_next_tier_in_the_latest_period() -> None:
    account = PointsAccount(STREAM)
    numbered([OPENED], account)
    assert account.progress(RULES) == {"tier": "Ordinary", "next_tier": "Silver", "points_to_next": 10_000}
    numbered([earned(base(200_000)), moved("Ordinary", "Diamond", p0=200_000)], account)
    assert account.progress(RULES) == {"tier": "Diamond", "next_tier": None, "points_to_next": None}


def test_the_id_of_an_account_follows_from_its_member() -> None:
    assert account_id(ANN) == uuid5(ANN, "points")


SALES = strategies.lists(
    strategies.tuples(strategies.integers(0, 3 * 365 * 24), strategies.sampled_from([999, 15_000, 9_999_000, 10_000_000, 60_000_000, 100_000_000])),
    min_size=1, max_size=7,
)  # fmt: skip


@forall(SALES, strategies.randoms(use_true_random=False), strategies.booleans())
def test_whatever_the_order_of_arrival_the_lots_counters_and_tier_are_the_same(
    sales: list[tuple[int, int]], random: Any, multiplied: bool
) -> None:
    campaigns = [campaign("m", multiplier="1.5")] if multiplied else []
    made = [
        sale(line(paid), at=REGISTERED + timedelta(hours=hours), purchase_id=UUID(int=n))
        for n, (hours, paid) in enumerate(sales)
    ]
    shuffled = list(made)
    random.shuffle(shuffled)

    def after(ordered: list[Sale]) -> tuple[object, ...]:
        account = PointsAccount(STREAM)
        numbered([OPENED], account)
        for one in ordered:
            drafts = crediting.earn(account, one, policy=RULES, version=1, campaigns=campaigns)
            numbered([fact(draft.kind, **{**draft.what, "occurred_at": one.occurred_at}) for draft in drafts], account)
        tier = account.tier or "Ordinary"
        return sorted(account.credited.items()), account.periods, tier

    assert after(made) == after(shuffled)
