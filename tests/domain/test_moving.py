"""Transfers, merges and their undoing (rules 15)."""

from datetime import timedelta
from uuid import UUID

from domain import redeeming
from domain.messages.corrections import ClosureBody, closure_command
from domain.movements import PointsReceived, PointsSent
from domain.refusals import (
    AccountIsClosed,
    EarlierThanCause,
    HoldsOpen,
    InsufficientPoints,
    MemberMerged,
    NotMerged,
    TransferToOneself,
)
from domain.tier_moves import TierMoved
from tests.builders import ANN, BOB, campaign_created, join, listed, policy, returned
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY, World, of
from tests.spec import NOON, fact

LATER = NOON + 20 * DAY
CID = UUID("d0000000-0000-4000-8000-000000000004")


class TestTransfers:
    def test_expiry_and_origin_travel_and_the_tier_does_not(self) -> None:
        world = World(policy(expiry={"mode": "rolling", "months": 12}))
        world.buys(10_000)
        world.do(world.transfer(4_000, at=LATER))
        (mine,) = world.account().lots.values()
        (given,) = world.account(BOB).lots.values()
        assert (given.earned_at, given.expires_at) == (mine.earned_at, mine.expires_at)
        assert given.active_from == LATER
        assert world.account(BOB).received == {given.id: (mine.id, ANN)}
        assert world.buckets(at=LATER) == of(issued=10_000, available=6_000, sent=4_000)
        assert world.buckets(BOB, at=LATER) == of(received=4_000, available=4_000)
        assert (world.account().tier, world.account(BOB).tier) == ("Silver", None)

    def test_points_within_the_return_window_stay(self) -> None:
        world = World()
        world.buys(10)
        early = world.transfer(1, at=NOON + 14 * DAY - timedelta(seconds=1))
        world.log.when(early).then_refused(InsufficientPoints(points=1, available=0, debt=0))
        world.do(world.transfer(10, at=NOON + 14 * DAY))

    def test_a_later_claw_is_the_senders_debt(self) -> None:
        world = World()
        sold = world.buys(10)
        world.do(world.transfer(8, at=LATER))
        world.gives_back(sold, 10, at=LATER)
        assert world.buckets(at=LATER) == of(issued=10, sent=8, revoked=2, debt=8)
        assert world.buckets(BOB, at=LATER) == of(received=8, available=8)

    def test_what_is_received_settles_the_receivers_debt(self) -> None:
        world = World()
        world.buys(10)
        world.do(world.adjust(-3, member=BOB, allow_debt=True))
        world.do(world.transfer(8, at=LATER))
        assert world.buckets(BOB, at=LATER) == of(received=8, settled=3, available=5)

    def test_nobody_transfers_to_oneself_nor_from_or_to_a_closed_account(self) -> None:
        world = World()
        world.buys(10)
        world.log.when(world.transfer(1, at=LATER, to=ANN)).then_refused(TransferToOneself(member_id=ANN))
        world.do(closure_command(ClosureBody(reason="asked", time=NOON), member_id=BOB, identity=world.identity()))
        world.log.when(world.transfer(1, at=LATER)).then_refused(AccountIsClosed(member_id=BOB, closed_at=NOON))

    def test_a_transfer_again_under_its_key_is_a_repeat(self) -> None:
        world = World()
        world.buys(10)
        world.do(world.transfer(4, at=LATER, key="K"))
        assert world.log.when(world.transfer(4, at=LATER, key="K")).repeat is not None
        assert world.buckets(BOB, at=LATER) == of(received=4, available=4)


class TestMerges:
    def test_lots_debt_credits_and_cards_go_to_the_survivor(self) -> None:
        world = World(policy(expiry={"mode": "rolling", "months": 12}))
        world.buys(6_000)
        world.buys(5_000, card="1002", id="R-2")
        done = world.do(world.merge(at=LATER))
        assert [type(one) for one in done.facts if isinstance(one, PointsSent | PointsReceived)] == [
            PointsSent,
            PointsReceived,
        ]
        assert world.buckets(at=LATER) == of(issued=6_000, sent=6_000)
        assert world.buckets(BOB, at=LATER) == of(issued=5_000, received=6_000, available=11_000)
        assert world.account(BOB).periods == {0: 11_000}
        assert world.account(BOB).tier == "Silver"
        world.buys(1, at=LATER, id="R-3")
        assert world.buckets(BOB, at=LATER).issued == 5_001

    def test_the_higher_tier_holds_until_its_review(self) -> None:
        world = World(policy())
        world.buys(10_000)
        world.buys(1, card="1002", id="R-2")
        moved = [one for one in world.do(world.merge(at=LATER)).facts if isinstance(one, TierMoved)]
        assert [(one.member_id, one.to_tier) for one in moved] == [(BOB, "Silver")]

    def test_debt_meets_the_survivors_points(self) -> None:
        world = World()
        world.do(world.adjust(-7, allow_debt=True))
        world.buys(5, card="1002")
        world.do(world.merge(at=LATER))
        assert world.buckets(at=LATER) == of()
        assert world.buckets(BOB, at=LATER) == of(issued=5, settled=5, debt=2)

    def test_a_return_of_a_merged_members_purchase_takes_the_points_where_they_are_now(self) -> None:
        world = World()
        sold = world.buys(10)
        world.buys(5, card="1002", id="R-2")
        world.do(world.merge(at=LATER))
        world.gives_back(sold, 4, at=LATER)
        assert world.buckets(BOB, at=LATER) == of(issued=5, received=10, available=11, revoked=4)
        world.do(world.adjust(-9, at=LATER, member=BOB))
        world.gives_back(sold, 6, at=LATER)
        found = world.buckets(BOB, at=LATER)
        assert (found.available, found.debt, found.revoked + found.settled) == (0, 4, 15)
        assert world.account(BOB).periods == {0: 5}
        assert world.buckets(at=LATER) == of(issued=10, sent=10)

    def test_a_second_merge_passes_the_claw_on(self) -> None:
        world = World()
        sold = world.buys(10)
        world.do(world.merge(at=LATER))
        world.do(join(CID, at=JOINED_AT, card="1004"))
        world.do(world.merge(BOB, CID, at=LATER))
        world.gives_back(sold, 10, at=LATER)
        assert world.buckets(CID, at=LATER) == of(received=10, revoked=10)
        assert world.account(CID).periods == {0: 0}

    def test_merge_and_unmerge_with_nothing_between_is_a_round_trip(self) -> None:
        world = World(policy())
        world.buys(10_000)
        world.buys(5, card="1002", id="R-2")
        world.do(world.adjust(-3, member=BOB, at=NOON))
        before = [world.buckets(one, at=LATER) for one in (ANN, BOB)]
        periods = [dict(world.account(one).periods) for one in (ANN, BOB)]
        world.do(world.merge(at=LATER))
        world.do(world.unmerge(at=LATER))
        assert [world.buckets(one, at=LATER) for one in (ANN, BOB)] == before
        assert [dict(world.account(one).periods) for one in (ANN, BOB)] == periods
        assert [world.account(one).tier or "Ordinary" for one in (ANN, BOB)] == ["Silver", "Ordinary"]
        world.buys(1, at=LATER, id="R-3")
        assert world.buckets(at=LATER).issued == 10_001

    def test_a_tier_granted_before_the_merge_outlives_its_undoing(self) -> None:
        world = World()
        world.do(world.opening(card="1001", tier="Diamond", at=NOON))
        world.do(world.opening(reference="B-1", card="1002", tier="Gold", at=NOON))
        world.do(world.merge(at=NOON))
        assert world.account(BOB).tier == "Diamond"
        world.do(world.unmerge(at=NOON))
        assert [world.account(one).tier for one in (ANN, BOB)] == ["Diamond", "Gold"]

    def test_after_an_unmerge_what_was_spent_stays_with_the_survivor(self) -> None:
        world = World()
        world.buys(10)
        world.do(world.merge(at=LATER))
        world.do(world.adjust(-4, at=LATER, member=BOB))
        world.do(world.unmerge(at=LATER))
        assert world.buckets(at=LATER) == of(issued=10, sent=4, available=6)
        assert world.buckets(BOB, at=LATER) == of(received=4, revoked=4)

    def test_a_merged_member_is_not_merged_again_nor_spends(self) -> None:
        world = World()
        world.buys(10)
        world.do(world.merge(at=LATER))
        gone = MemberMerged(member_id=ANN, survivor_id=BOB)
        world.log.when(world.merge(at=LATER)).then_refused(gone)
        world.log.when(world.adjust(1, at=LATER)).then_refused(gone)
        world.log.when(world.merge(BOB, ANN, at=LATER)).then_refused(gone)
        world.log.when(world.merge(BOB, BOB, at=LATER)).then_refused(TransferToOneself(member_id=BOB))
        world.log.when(world.unmerge(BOB, ANN, at=LATER)).then_refused(gone)

    def test_what_was_not_merged_is_not_unmerged(self) -> None:
        world = World()
        world.log.when(world.unmerge(at=LATER)).then_refused(NotMerged(member_id=ANN, survivor_id=BOB))

    def test_a_member_with_an_open_hold_waits(self) -> None:
        world = World()
        world.buys(10)
        account = world.account()
        hold = UUID(int=77)
        drafts = redeeming.hold(account, hold_id=hold, points=3, at=LATER, until=LATER + DAY, amount_minor=None)
        for draft in drafts:
            account.evolve(fact(draft.kind, **draft.what, originator_version=account.version + 1))
        world.log.when(world.merge(at=LATER)).then_refused(HoldsOpen(member_id=ANN, holds=(hold,)))
        world.do(world.merge(at=LATER + DAY))
        assert world.buckets(BOB, at=LATER + DAY) == of(received=10, available=10)

    def test_a_bonus_of_a_merged_member_that_is_taken_back_can_be_granted_again(self) -> None:
        gift = campaign_created("gift", bonus_points=50)
        world = World(None, gift, listed("gift"))
        sold = world.buys(10)
        world.do(world.merge(at=NOON))
        world.buys(10, card="1002", id="R-2")
        assert world.buckets(BOB).available == 70
        world.do(returned(sold, at=NOON, id="V-1"))
        world.buys(10, card="1002", id="R-3")
        assert world.buckets(BOB).available == 70

    def test_what_the_second_of_two_survivors_has_paid_comes_back_with_the_redemption_of_the_first(self) -> None:
        world = World()
        spent = world.redeem(10, offline=True)
        world.do(spent)
        world.do(world.merge(at=NOON))
        world.buys(10, card="1002", id="R-2")
        assert world.buckets(BOB) == of(issued=10, settled=10)
        world.do(join(CID, at=JOINED_AT, card="1004"))
        world.do(world.merge(BOB, CID, at=NOON))
        world.do(world.reverse(spent.id))
        assert world.buckets(CID) == of(received=10, available=10)

    def test_a_late_reversal_does_not_strand_points_with_who_was_merged(self) -> None:
        world = World()
        world.buys(10)
        world.do(world.hold(4))
        spent = world.redeem(3)
        world.do(spent)
        world.do(world.merge(at=NOON + DAY))
        world.do(world.reverse(spent.id, at=NOON + timedelta(minutes=5)))
        assert world.buckets(at=NOON + DAY).available == 0
        assert world.buckets(BOB, at=NOON + DAY).available == 10

    def test_a_claw_through_two_merges_finds_every_lot(self) -> None:
        world = World(policy(expiry={"mode": "never"}, returns="clamp_to_zero"))
        sold = world.buys(10)
        spent = world.redeem(4)
        world.do(spent)
        world.do(world.merge(at=NOON))
        world.do(world.reverse(spent.id))
        world.do(join(CID, at=JOINED_AT, card="1004"))
        world.do(world.merge(BOB, CID, at=NOON))
        world.gives_back(sold, 10)
        assert world.buckets(CID) == of(received=10, revoked=10)

    def test_a_bonus_that_both_had_is_given_up_only_once_both_are_taken_back(self) -> None:
        gift = campaign_created("gift", bonus_points=50)
        world = World(None, gift, listed("gift"))
        world.buys(10)
        sold = world.buys(10, card="1002", id="R-2")
        world.do(world.merge(at=NOON))
        world.do(returned(sold, at=NOON, id="V-1"))
        world.buys(10, card="1002", id="R-3")
        assert world.buckets(BOB).available == 70

    def test_a_merge_and_its_undoing_leave_everybody_their_own_bonus_of_the_day(self) -> None:
        gift = campaign_created("gift", bonus_points=50)
        world = World(None, gift, listed("gift"))
        world.buys(10)
        world.do(world.merge(at=NOON))
        world.do(world.unmerge(at=NOON))
        world.buys(10, card="1002", id="R-2")
        assert world.buckets(BOB).available == 60

    def test_a_tier_that_was_lost_long_ago_does_not_come_with_a_merge(self) -> None:
        world = World(policy())
        world.buys(200_000)
        assert world.account().tier == "Diamond"
        world.do(world.merge(at=NOON + 7 * 366 * DAY))
        assert world.account(BOB).tier is None

    def test_debt_that_is_gone_does_not_come_back_with_an_unmerge(self) -> None:
        world = World()
        spent = world.redeem(10, offline=True)
        world.do(spent)
        world.do(world.merge(at=NOON))
        world.do(world.reverse(spent.id))
        world.do(world.adjust(-10, member=BOB, allow_debt=True))
        world.do(world.unmerge(at=NOON))
        assert (world.buckets().debt, world.buckets(BOB).debt) == (0, 10)

    def test_nothing_is_undone_before_it_happened(self) -> None:
        world = World()
        world.buys(10)
        spent = world.redeem(4)
        world.do(spent)
        early = EarlierThanCause(occurred_at=NOON - DAY, cause_at=NOON)
        world.log.when(world.reverse(spent.id, at=NOON - DAY)).then_refused(early)
        world.do(world.adjust(-10, allow_debt=True))
        world.log.when(world.waive(at=NOON - DAY)).then_refused(early)
        world.do(world.merge(at=NOON))
        world.log.when(world.unmerge(at=NOON - DAY)).then_refused(early)

    def test_a_return_from_before_the_first_rules_is_taken_from_a_survivor_as_well(self) -> None:
        world = World()
        sold = world.buys(10)
        world.do(world.merge(at=NOON))
        world.gives_back(sold, 10, at=JOINED_AT - 1_000 * DAY)
        assert world.buckets(BOB) == of(received=10, revoked=10)

    def test_thousands_of_lots_that_become_active_at_once_pay_debt(self) -> None:
        world = World()
        lots = [{"points": 1, "earned_at": NOON} for _ in range(1_000)]
        for number in range(6):
            world.do(world.opening(f"A-{number}", lots=lots))
        world.do(world.adjust(-5_999, member=BOB, allow_debt=True))
        world.do(world.merge(at=NOON))
        assert world.buckets(BOB) == of(received=6_000, settled=5_999, available=1)
