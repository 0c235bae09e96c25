"""The command that takes back: repeats, refusals in their order, what waits, and by which rules points are reclaimed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.fact import Fact, message_id
from domain.movements import PointsEarned, PointsRevoked
from domain.points_account import PointsAccount, account_id
from domain.purchase import PurchaseClaimed, PurchaseRecorded, PurchaseReturned, PurchaseVoided, ReturnKept
from domain.receipt import MessageAnswered
from domain.refusals import (
    ConflictingRepeat,
    IdOfAnotherKind,
    OverReturn,
    PurchaseVoidedBefore,
    TimeInTheFuture,
    UnknownLine,
    UnknownPurchase,
)
from domain.tier_moves import TierMoved
from tests.builders import (
    ANN,
    FAR_AHEAD,
    back,
    campaign_created,
    join,
    line,
    listed,
    policy,
    published,
    purchase,
    returned,
)
from tests.domain.story import ANN_IS_IN, JOINED_AT, RULES, kinds
from tests.spec import NOON, Result
from tests.spec_of_commands import GivenLog, given_log

DAY = timedelta(days=1)
SALE = purchase(line(9_500), line(500), at=NOON)
SIX_YUAN = back(amount_minor=600)


def shop(*facts: Fact) -> GivenLog:
    """A log whose clock is far ahead, so that whatever is told of has happened."""
    log = given_log(*(facts or ANN_IS_IN))
    log.batch.recorded_at = FAR_AHEAD
    return log


def told(log: GivenLog, *commands: Any) -> list[Result]:
    return [log.when(command) for command in commands]


def account(log: GivenLog) -> PointsAccount:
    return log.batch.get(PointsAccount, account_id(ANN))


def revoked(facts: Sequence[Any]) -> list[tuple[str, int]]:
    return [(part["part"], part["points"]) for one in facts if isinstance(one, PointsRevoked) for part in one.parts]


class TestAReturn:
    def test_is_recorded_with_its_claim_and_with_what_it_takes(self) -> None:
        log = shop()
        _, result = told(log, SALE, returned(SALE.id, SIX_YUAN, at=NOON + DAY))
        assert kinds(result.facts) == [MessageAnswered, PurchaseReturned, PointsRevoked]
        claimed, went_back, points = result.facts
        assert (claimed.originator_id, claimed.target) == (message_id("/stores/1", "T-1"), str(SALE.id))
        assert (went_back.originator_id, went_back.member_id, went_back.amount_minor) == (SALE.id, ANN, 600)
        assert (points.member_id, points.purchase_id, points.paid_minor) == (ANN, SALE.id, 600)
        assert revoked(result.facts) == [("base", 1)]
        for one in result.facts:
            assert (one.occurred_at, one.external_id, one.correlation_id) == (NOON + DAY, "T-1", claimed.originator_id)

    def test_again_with_the_same_content_is_a_repeat_and_with_other_content_a_conflict(self) -> None:
        log, once = shop(), returned(SALE.id, SIX_YUAN, at=NOON)
        told(log, SALE, once)
        log.when(once).then_repeats(once.id)
        for other in (
            returned(SALE.id, back(amount_minor=601), at=NOON),
            returned(SALE.id, SIX_YUAN, at=NOON + DAY),
            returned(SALE.id, at=NOON),
        ):
            log.when(other).then_refused(ConflictingRepeat(source="/stores/1", external_id="T-1"))

    def test_under_the_identity_of_the_receipt_itself_is_refused(self) -> None:
        log = shop()
        told(log, SALE)
        log.when(returned(SALE.id, SIX_YUAN, at=NOON, id="R-1")).then_refused(IdOfAnotherKind(id=SALE.id))
        unknown = purchase(line(1), at=NOON, id="R-9")
        log.when(returned(unknown.id, SIX_YUAN, at=NOON, id="R-9")).then_refused(IdOfAnotherKind(id=unknown.id))

    def test_the_refusals_come_in_their_order_and_leave_no_trace(self) -> None:
        log, late = given_log(*ANN_IS_IN), NOON + 2 * DAY
        nobody = UUID(int=9)

        def asked(at: Any = NOON, of: UUID = SALE.id, **what: Any) -> Any:
            return returned(of, back("9", amount_minor=1), back(amount_minor=9_501), at=at, strictly=True, **what)

        told(log, SALE, returned(SALE.id, SIX_YUAN, at=NOON))
        facts = list(log.batch.facts)
        log.when(asked(at=late, of=nobody)).then_refused(ConflictingRepeat(source="/stores/1", external_id="T-1"))
        log.when(asked(at=late, of=nobody, id="T-2")).then_refused(TimeInTheFuture(occurred_at=late, recorded_at=NOON))
        log.when(asked(of=nobody, id="T-2")).then_refused(UnknownPurchase(purchase_id=nobody))
        log.when(asked(id="T-2")).then_refused(UnknownLine(line="9", purchase_id=SALE.id))
        log.when(returned(SALE.id, back(amount_minor=9_501), at=NOON, id="T-2", strictly=True)).then_refused(
            OverReturn(line="1", left_minor=8_900, left_quantity=1)
        )
        assert log.batch.facts == facts
        told(log, returned(SALE.id, at=NOON, id="V-1"))
        log.when(asked(id="T-2")).then_refused(PurchaseVoidedBefore(purchase_id=SALE.id))

    def test_by_the_version_that_granted_though_a_newer_one_is_in_force(self) -> None:
        generous = {"points": 1, "per_minor": 1}
        newer = published(policy(effective_from=NOON + DAY, earning=generous), version=2)
        log = shop(RULES, newer, *ANN_IS_IN[1:])
        _, result = told(log, SALE, returned(SALE.id, SIX_YUAN, at=NOON + 2 * DAY))
        assert revoked(result.facts) == [("base", 1)]
        assert result.facts[-1].programme_version == 1

    def test_while_the_tier_is_judged_by_the_version_in_force(self) -> None:
        lower = [
            {"name": name, "title": {"en": name, "zh": name}, "promote_at": points, "retain_at": points}
            for name, points in (("Ordinary", 0), ("Silver", 5_000))
        ]
        tiers = {"period": "membership_year", "metric": "points", "levels": lower}
        newer = published(policy(effective_from=NOON + DAY, tiers=tiers), version=2)
        bought = purchase(line(10_000_000), at=NOON)
        for at, moves in ((NOON, 1), (NOON + 2 * DAY, 0)):
            log = shop(RULES, newer, *ANN_IS_IN[1:])
            _, result = told(log, bought, returned(bought.id, SIX_YUAN, at=at))
            assert kinds(result.facts).count(TierMoved) == moves

    def test_within_the_campaign_that_granted_though_it_has_ended(self) -> None:
        ended = campaign_created("gift", bonus_points=50, minimum_paid_minor=10_000, ends_at=NOON + DAY)
        log = shop(*ANN_IS_IN, ended, listed("gift"))
        _, result = told(log, SALE, returned(SALE.id, SIX_YUAN, at=NOON + 9 * DAY))
        assert revoked(result.facts) == [("base", 1), ("gift", 50)]

    def test_within_a_campaign_that_won_a_line_without_a_whole_point(self) -> None:
        """It keeps the line from the other campaign, as it did when the line was bought."""
        strong = campaign_created("strong", multiplier="3", priority=1, categories=["DAIRY"])
        weak = campaign_created("weak", multiplier="2")
        log = shop(*ANN_IS_IN, strong, listed("strong"), weak, listed("weak"))
        bought = purchase(line(400, category="DAIRY"), line(1_700), at=NOON)
        _, result = told(log, bought, returned(bought.id, back("2", amount_minor=1_100), at=NOON))
        assert revoked(result.facts) == [("base", 1), ("weak", 1)]

    def test_of_an_anonymous_purchase_takes_nothing_from_anybody(self) -> None:
        anonymous = purchase(line(9_500), at=NOON, card=None)
        _, result = told(shop(), anonymous, returned(anonymous.id, SIX_YUAN, at=NOON))
        assert kinds(result.facts) == [MessageAnswered, PurchaseReturned]


class TestAVoid:
    def test_is_a_return_of_all_that_is_left(self) -> None:
        log = shop()
        _, _, result = told(log, SALE, returned(SALE.id, SIX_YUAN, at=NOON), returned(SALE.id, at=NOON + DAY, id="V-1"))
        assert kinds(result.facts) == [MessageAnswered, PurchaseVoided, PointsRevoked]
        assert result.facts[1].amount_minor == 9_400
        assert (revoked(result.facts), result.facts[2].nothing_left) == ([("base", 9)], True)

    def test_twice_is_a_repeat_whoever_sends_it(self) -> None:
        log = shop()
        told(log, SALE, returned(SALE.id, SIX_YUAN, at=NOON), returned(SALE.id, at=NOON, id="V-1"))
        for strictly in (False, True):
            log.when(returned(SALE.id, at=NOON, id="V-2", strictly=strictly)).then_repeats(SALE.id, 3)

    def test_is_followed_by_no_return_over_http_and_by_a_flagged_one_over_kafka(self) -> None:
        log = shop()
        told(log, SALE, returned(SALE.id, at=NOON, id="V-1"))
        result = log.when(returned(SALE.id, SIX_YUAN, at=NOON))
        assert kinds(result.facts) == [MessageAnswered, PurchaseReturned]
        assert (result.facts[1].lines, result.facts[1].excess, result.facts[1].amount_minor) == ([], [SIX_YUAN], 0)

    def test_after_a_full_return_takes_nothing_twice(self) -> None:
        log = shop()
        everything = [back("1", quantity=1, amount_minor=9_500), back("2", quantity=1, amount_minor=500)]
        _, _, result = told(log, SALE, returned(SALE.id, *everything, at=NOON), returned(SALE.id, at=NOON, id="V-1"))
        assert kinds(result.facts) == [MessageAnswered, PurchaseVoided]


class TestBeforeItsPurchase:
    def test_a_return_over_kafka_waits_visibly(self) -> None:
        early = returned(SALE.id, SIX_YUAN, at=NOON + DAY)
        result = shop().when(early)
        assert kinds(result.facts) == [MessageAnswered, ReturnKept]
        assert (result.facts[1].originator_id, result.facts[1].lines) == (SALE.id, [SIX_YUAN])

    def test_and_is_taken_in_with_the_purchase_under_its_own_name_and_time(self) -> None:
        log = shop()
        told(log, returned(SALE.id, SIX_YUAN, at=NOON + DAY))
        result = log.when(SALE)
        assert kinds(result.facts) == [PurchaseRecorded, PointsEarned, PurchaseReturned, PointsRevoked]
        assert revoked(result.facts) == [("base", 1)]
        for one in result.facts[2:]:
            assert (one.occurred_at, one.external_id, one.correlation_id) == (NOON + DAY, "T-1", SALE.id)
        log.when(returned(SALE.id, SIX_YUAN, at=NOON + DAY)).then_repeats(message_id("/stores/1", "T-1"))
        log.when(SALE).then_repeats(SALE.id, 2)

    def test_what_goes_too_far_is_flagged_then(self) -> None:
        log = shop()
        told(log, returned(SALE.id, back("9", quantity=1), back(amount_minor=9_999), at=NOON))
        _, _, went_back, _ = log.when(SALE).facts
        assert went_back.lines == [back(amount_minor=9_500)]
        assert went_back.excess == [back("9", quantity=1), back(amount_minor=499)]

    def test_a_void_waits_too_and_twice_is_once(self) -> None:
        log = shop()
        told(log, *(returned(SALE.id, at=NOON, id=name) for name in ("V-1", "V-2")))
        result = log.when(SALE)
        assert kinds(result.facts) == [PurchaseRecorded, PointsEarned, PurchaseVoided, PointsRevoked]
        log.when(returned(SALE.id, at=NOON, id="V-3")).then_repeats(SALE.id, 4)

    def test_a_purchase_that_others_wait_for_is_not_claimed_by_them(self) -> None:
        log = shop()
        told(log, returned(SALE.id, SIX_YUAN, at=NOON))
        other = purchase(line(20_000), at=NOON)
        assert kinds(log.when(other).facts)[:2] == [PurchaseRecorded, PointsEarned]

    def test_a_purchase_that_is_refused_leaves_the_return_waiting(self) -> None:
        log = shop()
        told(log, returned(SALE.id, SIX_YUAN, at=NOON))
        assert log.when(purchase(line(9_500), at=NOON, currency="USD")).refusal is not None
        assert kinds(log.when(SALE).facts)[2:] == [PurchaseReturned, PointsRevoked]


class TestBeforeTheCardJoins:
    def test_returns_count_at_their_own_times_once_it_does(self) -> None:
        """As they would have, had the card joined first: the second one after the review of that year."""
        later, bought = NOON + 800 * DAY, purchase(line(10_000_000), at=NOON)
        backs = [
            returned(bought.id, back(amount_minor=1_000), at=NOON + DAY),
            returned(bought.id, back(amount_minor=2_000), at=later, id="T-2"),
        ]
        log, usual = shop(RULES), shop()
        told(log, bought, *backs)
        result = log.when(join(at=JOINED_AT))
        assert kinds(result.facts)[-6:] == [
            PurchaseClaimed, PointsEarned, TierMoved, PointsRevoked, TierMoved, PointsRevoked,
        ]  # fmt: skip
        told(usual, bought, *backs)
        ours, theirs = (
            [
                (one.occurred_at, one.external_id, one.counts, one.parts)
                for one in facts
                if isinstance(one, PointsRevoked)
            ]
            for facts in (result.facts, usual.batch.facts)
        )
        assert ours == theirs
        assert [one[2] for one in ours] == [True, False]
        assert account(log).periods == account(usual).periods == {0: 9_999}
        assert account(log).tier == account(usual).tier

    def test_what_was_voided_is_credited_and_revoked(self) -> None:
        log = shop(RULES)
        told(log, SALE, returned(SALE.id, at=NOON, id="V-1"))
        result = log.when(join(at=JOINED_AT))
        assert kinds(result.facts)[-3:] == [PurchaseClaimed, PointsEarned, PointsRevoked]
        assert account(log).available(NOON) == 0


def test_commands_name_all_streams_that_they_read() -> None:
    """What is not named costs a query of its own for each command."""
    gift = [campaign_created("gift", bonus_points=50), listed("gift")]
    log = shop(*ANN_IS_IN, *gift)
    told(log, SALE)
    facts = [*ANN_IS_IN, *gift, *log.batch.facts]
    for command in (returned(SALE.id, SIX_YUAN, at=NOON), returned(SALE.id, at=NOON), returned(UUID(int=3), at=NOON)):
        fresh = shop(*facts)
        fresh.batch.prefetch([command])
        before = set(fresh.batch.streams)
        fresh.batch.carry_out(command)
        assert set(fresh.batch.streams) == before
