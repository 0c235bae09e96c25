"""Commands: repeats, refusals in their order, and what each leads to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.campaign import AudienceListed, campaign_stream
from domain.command import CLOCK_TOLERANCE
from domain.commands.members import JoinMember
from domain.fact import message_id
from domain.member import PurchaseKeptForCard
from domain.movements import PointsEarned
from domain.purchase import PurchaseRecorded
from domain.refusals import (
    ConflictingRepeat,
    NoProgrammeInForce,
    Refusal,
    TimeInTheFuture,
    UnknownMember,
    WrongCurrency,
)
from domain.tier_moves import TierMoved
from tests.builders import (
    ANN,
    ANNS_CARD,
    BOB,
    FAR_AHEAD,
    LONG_AGO,
    campaign_created,
    create_campaign,
    join,
    line,
    listed,
    policy,
    publish,
    published,
    purchase,
)
from tests.domain.story import ANN_IS_IN, JOINED_AT, RULES, SALE, kinds, recorded
from tests.spec import NOON, fact
from tests.spec_of_commands import given_log


class TestRecordingAPurchase:
    def test_of_a_member_it_is_recorded_and_credited(self) -> None:
        facts = given_log(*ANN_IS_IN).when(SALE).facts
        assert kinds(facts) == [PurchaseRecorded, PointsEarned]
        first, second = facts
        assert (first.member_id, second.member_id, second.parts[0]["points"]) == (ANN, ANN, 15)

    def test_it_names_the_version_of_its_business_time_and_who_caused_it(self) -> None:
        later = policy(effective_from="2023-05-01T00:00:00+08:00")
        facts = given_log(RULES, published(later, version=2), *ANN_IS_IN[1:]).when(SALE).facts
        for one in facts:
            assert (one.programme_version, one.actor, one.source, one.external_id) == (
                2,
                "/stores/1",
                "/stores/1",
                "R-1",
            )
            assert (one.correlation_id, one.occurred_at, one.recorded_at) == (SALE.id, NOON, NOON)

    def test_that_lifts_the_member_tells_the_tier_too(self) -> None:
        facts = given_log(*ANN_IS_IN).when(purchase(line(10_000_000), at=NOON)).facts
        assert kinds(facts) == [PurchaseRecorded, PointsEarned, TierMoved]

    def test_of_an_unknown_card_it_is_kept_for_the_card(self) -> None:
        given_log(RULES).when(SALE).then(recorded(SALE), fact(PurchaseKeptForCard, purchase_id=SALE.id))

    def test_without_a_card_it_is_anonymous(self) -> None:
        anonymous = purchase(line(15_000), at=NOON, card=None)
        given_log(RULES).when(anonymous).then(recorded(anonymous))

    def test_by_member_id_it_is_credited_like_one_by_card(self) -> None:
        by_member = purchase(line(15_000), at=NOON, card=None, member=ANN)
        assert kinds(given_log(*ANN_IS_IN).when(by_member).facts) == [PurchaseRecorded, PointsEarned]

    def test_in_a_campaign_of_the_card_it_earns_more(self) -> None:
        targeted = fact(
            AudienceListed, originator_id=campaign_stream("twice"), campaign_id="twice", card_ids=[ANNS_CARD]
        )
        log = given_log(
            *ANN_IS_IN, campaign_created("twice", multiplier="2", everyone=False), targeted, listed("twice")
        )
        _, earned = log.when(SALE).facts
        assert [(part["part"], part["points"]) for part in earned.parts] == [("base", 15), ("twice", 15)]

    @pytest.mark.parametrize(
        ("starts_at", "ends_at", "parts"),
        [
            (NOON, FAR_AHEAD, 2),
            (NOON + timedelta(microseconds=1), FAR_AHEAD, 1),
            (LONG_AGO, NOON, 1),
            (LONG_AGO, NOON + timedelta(microseconds=1), 2),
        ],
    )
    def test_the_window_of_a_campaign_is_half_open(self, starts_at: datetime, ends_at: datetime, parts: int) -> None:
        log = given_log(
            *ANN_IS_IN, campaign_created("twice", multiplier="2", starts_at=starts_at, ends_at=ends_at), listed("twice")
        )
        _, earned = log.when(SALE).facts
        assert len(earned.parts) == parts

    def test_again_with_the_same_content_is_a_repeat(self) -> None:
        given_log(*ANN_IS_IN, recorded(SALE)).when(SALE).then_repeats(SALE.id)

    def test_again_with_other_content_is_a_conflicting_repeat(self) -> None:
        other = purchase(line(15_001), at=NOON)
        given_log(*ANN_IS_IN, recorded(SALE)).when(other).then_refused(
            ConflictingRepeat(source="/stores/1", external_id="R-1")
        )

    def test_again_at_another_time_or_with_another_card_is_a_conflicting_repeat(self) -> None:
        for other in (
            purchase(line(15_000), at=NOON + timedelta(seconds=1)),
            purchase(line(15_000), at=NOON, card="1002"),
        ):
            given_log(*ANN_IS_IN, recorded(SALE)).when(other).then_refused(
                ConflictingRepeat(source="/stores/1", external_id="R-1")
            )

    def test_a_clock_that_runs_ahead_is_tolerated_for_a_day_and_no_longer(self) -> None:
        at_most = purchase(line(15_000), at=NOON + CLOCK_TOLERANCE)
        assert kinds(given_log(*ANN_IS_IN).when(at_most).facts) == [PurchaseRecorded, PointsEarned]
        too_far = NOON + CLOCK_TOLERANCE + timedelta(microseconds=1)
        given_log(*ANN_IS_IN).when(purchase(line(1), at=too_far)).then_refused(
            TimeInTheFuture(occurred_at=too_far, recorded_at=NOON)
        )

    def test_before_any_programme_was_in_force_it_is_refused(self) -> None:
        given_log(*ANN_IS_IN).when(purchase(line(1), at=LONG_AGO)).then_refused(
            NoProgrammeInForce(programme="member_experience", occurred_at=LONG_AGO)
        )
        given_log().when(SALE).then_refused(NoProgrammeInForce(programme="", occurred_at=NOON))

    def test_in_another_currency_it_is_refused(self) -> None:
        given_log(*ANN_IS_IN).when(purchase(line(1), at=NOON, currency="USD")).then_refused(
            WrongCurrency(currency="USD", expected="CNY")
        )

    def test_of_an_unknown_member_it_is_refused(self) -> None:
        given_log(*ANN_IS_IN).when(purchase(line(1), at=NOON, card=None, member=BOB)).then_refused(
            UnknownMember(member_id=BOB)
        )

    def test_the_refusals_come_in_their_order(self) -> None:
        at = NOON + timedelta(days=2)
        everything = purchase(line(1), at=at, currency="USD", card=None, member=BOB)
        given_log(recorded(everything, fingerprint="other")).when(everything).then_refused(
            ConflictingRepeat(source="/stores/1", external_id="R-1")
        )
        given_log().when(everything).then_refused(TimeInTheFuture(occurred_at=at, recorded_at=NOON))
        earlier = purchase(line(1), at=NOON, currency="USD", card=None, member=BOB)
        given_log().when(earlier).then_refused(NoProgrammeInForce(programme="", occurred_at=NOON))
        given_log(RULES).when(earlier).then_refused(WrongCurrency(currency="USD", expected="CNY"))


@pytest.mark.parametrize(
    "refused",
    [
        lambda: purchase(line(1), at=NOON, currency="USD"),
        lambda: purchase(line(1), at=NOON, card=None, member=BOB),
        lambda: join(BOB, at=JOINED_AT),
        lambda: create_campaign("c", at=NOON, multiplier="2", starts_at=NOON, ends_at=NOON),
        lambda: publish(policy(effective_from="2022-01-01T00:00:00+08:00"), at=NOON),
        lambda: publish(policy(effective_from="2022-01-01T00:00:00+08:00"), at=NOON, key="k"),
    ],
)
def test_a_refusal_leaves_no_trace_in_the_batch(refused: Callable[[], Any]) -> None:
    log = given_log(*ANN_IS_IN)
    log.when(SALE)
    before = {stream_id: repr(vars(stream)) for stream_id, stream in log.batch.streams.items()}
    facts = list(log.batch.facts)
    assert isinstance(log.when(refused()).refusal, Refusal)
    after = {stream_id: repr(vars(stream)) for stream_id, stream in log.batch.streams.items()}
    assert {stream_id: after[stream_id] for stream_id in before} == before
    assert log.batch.facts == facts


def test_a_message_has_one_identity_for_ever() -> None:
    assert message_id("/stores/367/tills/4", "R-31198570044") == UUID("880e1cd9-f128-57dc-b2b7-d7ab6aabb146")


def test_commands_name_all_streams_that_they_read() -> None:
    """What is not named costs a query of its own for each command."""
    log = given_log(*ANN_IS_IN)
    for command in (SALE, join(BOB, at=JOINED_AT, card="1002", key="k"), create_campaign("c", at=NOON, multiplier="2")):
        log.batch.prefetch([command])
        before = set(log.batch.streams)
        log.batch.carry_out(command)
        assert set(log.batch.streams) == before
    assert isinstance(join(at=JOINED_AT), JoinMember)
