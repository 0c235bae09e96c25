"""Points given without a purchase, and taken back wherever they are by then (rules 4, 11, 15)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from domain import granting, redeeming
from domain.command import Command, Decision, Streams, Wanted
from domain.commands.redemptions import SettleDebt
from domain.grants import GrantRevoked, PointsGranted
from domain.points_account import PointsAccount, account_id
from domain.snapshots import restored, taken
from domain.stream import Draft
from tests.builders import ANN, BOB, policy
from tests.domain.spending import REDEMPTION, Life
from tests.domain.world import DAY, NEVER, World, of
from tests.projections.histories import revoking
from tests.spec import NOON

GIFT = UUID(int=0x617)
RULES = policy(expiry=NEVER)


def granted(account: PointsAccount, *, at: datetime, points: int = 50, rules: Any = RULES) -> list[Draft]:
    return granting.grant(
        account, grant_id=GIFT, cause="birthday", reference="2023", points=points, at=at, policy=rules
    )


def revoked(account: PointsAccount, *, at: datetime, rules: Any = RULES) -> list[Draft]:
    return granting.revoke_grant(account, grant_id=GIFT, at=at, policy=rules, reason="a mistake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Give(Command):
    """Points are given to Ann."""

    scope: ClassVar[str] = "test"

    def wants(self, streams: Streams) -> Wanted:
        yield PointsAccount, account_id(ANN)

    def decide(self, streams: Streams) -> Decision:
        account = streams.get(PointsAccount, account_id(ANN))
        return Decision(granted(account, at=self.occurred_at), [SettleDebt.after(self, account)])


def give(world: World, *, at: datetime = NOON) -> None:
    who = world.identity().fields()
    del who["keyed"]
    world.do(Give(**who, fingerprint="give", occurred_at=at))


class TestGranting:
    def test_points_are_there_at_once_and_lapse_as_those_of_a_purchase_would(self) -> None:
        life = Life()
        (fact,) = life.do(granted, at=NOON, rules=policy(earning={"points": 1, "per_minor": 1_000, "pending_days": 9}))
        assert isinstance(fact, PointsGranted)
        assert fact.lot["expires_at"] == datetime(2024, 1, 1, 16, tzinfo=UTC)
        assert life.buckets(NOON) == {"issued": 50, "available": 50}
        assert life.account.periods == {}, "they never count for the tier"

    def test_what_was_given_is_not_given_again(self) -> None:
        life = Life()
        life.do(granted, at=NOON)
        assert life.do(granted, at=NOON + DAY, points=70) == []
        life.do(revoked, at=NOON + DAY)
        assert life.do(granted, at=NOON + DAY) == [], "nor is it once it was taken back"

    def test_a_closed_account_is_given_nothing(self) -> None:
        life = Life()
        life.account.closed_at = NOON
        assert life.do(granted, at=NOON) == []

    def test_they_pay_what_is_owed(self) -> None:
        life = Life(debt=20)
        life.do(granted, at=NOON)
        assert life.buckets(NOON) == {"issued": 50, "available": 30, "settled": 20}

    def test_a_snapshot_knows_what_was_given(self) -> None:
        life = Life()
        life.do(granted, at=NOON)
        state = taken(life.account)
        assert state is not None
        assert restored(life.account.id, life.account.version, state).grants == life.account.grants


class TestTakingBack:
    def test_all_of_it_goes_once(self) -> None:
        life = Life()
        life.do(granted, at=NOON)
        (fact,) = life.do(revoked, at=NOON + DAY)
        assert isinstance(fact, GrantRevoked)
        assert (fact.parts[0]["points"], fact.debt, fact.reason) == (50, 0, "a mistake")
        assert life.do(revoked, at=NOON + 2 * DAY) == []
        assert life.buckets(NOON + DAY) == {"issued": 50, "revoked": 50}

    def test_what_was_never_given_is_not_taken(self) -> None:
        assert Life().do(revoked, at=NOON) == []

    def test_nothing_goes_before_it_came(self) -> None:
        life = Life()
        life.do(granted, at=NOON)
        (fact,) = life.do(revoked, at=NOON - DAY)
        assert fact.occurred_at == NOON

    def test_what_lives_on_after_it_had_lapsed_goes_as_well(self) -> None:
        life, late = Life(), datetime(2024, 2, 1, tzinfo=UTC)
        life.do(granted, at=NOON, rules=policy())
        life.do(redeeming.redeem, redemption_id=REDEMPTION, points=30, at=NOON)
        back = {"redemption_id": REDEMPTION, "points": None, "reason": None, "grace_until": late + 9 * DAY}
        life.do(redeeming.reverse, at=late, **back)
        (fact,) = life.do(revoked, at=late)
        assert ([part["points"] for part in fact.parts], fact.debt) == ([20, 30], 0)

    def test_what_was_spent_is_owed_taken_elsewhere_or_forgiven_as_the_policy_says(self) -> None:
        expected = {
            "original_then_debt": of(issued=90, spent=40, settled=40, revoked=10),
            "next_lots_then_debt": of(issued=90, spent=40, available=0, revoked=50),
            "clamp_to_zero": of(issued=90, spent=40, available=40, revoked=10),
        }
        for returns, after in expected.items():
            rules = policy(expiry=NEVER, returns=returns)
            world = World(rules)
            give(world)
            world.do(world.redeem(40, at=NOON + DAY))
            world.do(world.adjust(40, at=NOON + 2 * DAY))
            world.do(revoking(world.identity(), ANN, GIFT, at=NOON + 3 * DAY))
            found = world.buckets(at=NOON + 3 * DAY)
            assert found == after, returns

    def test_what_lapsed_is_revoked_without_debt(self) -> None:
        rules = policy(expiry={"mode": "rolling", "months": 1})
        life = Life()
        life.do(granted, at=NOON, rules=rules)
        life.do(revoked, at=NOON + 60 * DAY, rules=rules)
        assert life.buckets(NOON + 60 * DAY) == {"issued": 50, "revoked": 50}


class TestAfterAMerge:
    def test_the_survivor_gives_them_back(self) -> None:
        world = World()
        give(world)
        world.do(world.merge(ANN, BOB, at=NOON + DAY))
        world.do(revoking(world.identity(), ANN, GIFT, at=NOON + 2 * DAY))
        assert world.buckets(BOB, at=NOON + 2 * DAY) == of(received=50, revoked=50)
        again = world.do(revoking(world.identity(), ANN, GIFT, at=NOON + 3 * DAY))
        assert again.facts == []

    def test_the_survivor_owes_what_is_spent(self) -> None:
        world = World()
        give(world)
        world.do(world.redeem(20, at=NOON + DAY))
        world.do(world.merge(ANN, BOB, at=NOON + DAY))
        world.do(world.redeem(25, at=NOON + 2 * DAY, member=BOB))
        world.do(revoking(world.identity(), ANN, GIFT, at=NOON + 2 * DAY))
        assert world.buckets(ANN, at=NOON + 2 * DAY) == of(issued=50, spent=20, sent=30)
        assert world.buckets(BOB, at=NOON + 2 * DAY) == of(received=30, spent=25, revoked=5, debt=45)

    def test_after_the_merge_was_undone_both_give_what_they_have(self) -> None:
        world = World()
        give(world)
        world.do(world.merge(ANN, BOB, at=NOON + DAY))
        world.do(world.redeem(10, at=NOON + 2 * DAY, member=BOB))
        world.do(world.unmerge(ANN, BOB, at=NOON + 3 * DAY))
        world.do(revoking(world.identity(), ANN, GIFT, at=NOON + 4 * DAY))
        assert world.buckets(ANN, at=NOON + 4 * DAY) == of(issued=50, sent=10, revoked=40, debt=10)
