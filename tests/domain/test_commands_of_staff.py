"""What staff ask for: members who join, campaigns, programmes."""

from datetime import datetime, timedelta

import pytest

from domain.campaign import AudienceListed, CampaignCreated, campaign_stream
from domain.member import CardAssigned, MemberJoined, PurchaseKeptForCard
from domain.movements import AccountOpened, PointsEarned
from domain.programme import programme_id
from domain.purchase import PurchaseClaimed
from domain.receipt import MessageAnswered
from domain.refusals import (
    CampaignAlreadyExists,
    CardAlreadyAssigned,
    ConflictingRepeat,
    EffectiveDateNotAfterPublished,
    IdOfAnotherKind,
    MemberAlreadyExists,
    TimeInTheFuture,
    WindowEndsBeforeItBegins,
)
from domain.tier_moves import TierMoved
from tests.builders import (
    ANN,
    ANNS_CARD,
    BOB,
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
from tests.domain.story import ANN_IS_IN, ASSIGNED, JOINED, JOINED_AT, OPENED, RULES, SALE, kinds, recorded
from tests.spec import NOON, fact
from tests.spec_of_commands import given_log


class TestJoining:
    def test_a_member_joins_with_a_card_and_an_account(self) -> None:
        given_log(RULES).when(join(at=JOINED_AT)).then(JOINED, ASSIGNED, OPENED)

    def test_a_key_is_claimed_first_so_that_a_repeat_finds_all_that_follows(self) -> None:
        command = join(at=JOINED_AT, key="k")
        answered = fact(MessageAnswered, scope="member", fingerprint="f", target=str(ANN))
        given_log(RULES).when(command).then(answered, JOINED, ASSIGNED, OPENED)

    def test_purchases_kept_for_the_card_are_credited_at_the_time_they_were_made(self) -> None:
        before = purchase(line(20_000), at=JOINED_AT - timedelta(days=5), id="R-0")
        kept = [fact(PurchaseKeptForCard, originator_id=ANNS_CARD, purchase_id=one.id) for one in (before, SALE)]
        log = given_log(RULES, recorded(before, occurred_at=before.occurred_at), recorded(SALE), *kept)
        facts = log.when(join(at=JOINED_AT)).facts
        assert kinds(facts) == [
            MemberJoined,
            CardAssigned,
            AccountOpened,
            PurchaseClaimed,
            PointsEarned,
            PurchaseClaimed,
            PointsEarned,
        ]
        claimed = [one for one in facts if isinstance(one, PurchaseClaimed)]
        earned = [one for one in facts if isinstance(one, PointsEarned)]
        assert [one.originator_id for one in claimed] == [before.id, SALE.id]
        assert [(one.occurred_at, one.parts[0]["points"]) for one in earned] == [(before.occurred_at, 20), (NOON, 15)]
        lapse = datetime.fromisoformat("2024-03-16T00:00:00+08:00")
        assert [one.expires_at for one in earned] == [lapse, lapse]

    def test_kept_purchases_can_lift_the_member(self) -> None:
        large = purchase(line(100_000_000), at=NOON)
        kept = fact(PurchaseKeptForCard, originator_id=ANNS_CARD, purchase_id=large.id)
        assert kinds(given_log(RULES, recorded(large), kept).when(join(at=JOINED_AT)).facts)[-2:] == [
            PointsEarned,
            TierMoved,
        ]

    def test_the_same_key_with_the_same_content_repeats_the_first_answer(self) -> None:
        command = join(None, at=JOINED_AT, key="k")
        answered = fact(MessageAnswered, originator_id=command.id, scope="member", fingerprint="f", target=str(ANN))
        given_log(*ANN_IS_IN, answered).when(command).then_repeats(command.id)

    def test_the_same_key_with_other_content_is_a_conflicting_repeat(self) -> None:
        command = join(at=JOINED_AT, key="k", fingerprint="other")
        answered = fact(MessageAnswered, originator_id=command.id, scope="member", fingerprint="f", target=str(ANN))
        given_log(*ANN_IS_IN, answered).when(command).then_refused(
            ConflictingRepeat(source="/clients/tests", external_id="k")
        )

    def test_a_chosen_member_id_makes_a_repeat_an_answer(self) -> None:
        given_log(*ANN_IS_IN).when(join(at=JOINED_AT)).then_repeats(ANN)
        given_log(*ANN_IS_IN).when(join(at=JOINED_AT, fingerprint="other")).then_refused(
            MemberAlreadyExists(member_id=ANN)
        )

    def test_without_a_chosen_id_the_card_makes_a_repeat_an_answer(self) -> None:
        given_log(*ANN_IS_IN).when(join(None, at=JOINED_AT)).then_repeats(ANN)
        given_log(*ANN_IS_IN).when(join(None, at=JOINED_AT, fingerprint="other")).then_refused(
            CardAlreadyAssigned(card_id=ANNS_CARD)
        )

    def test_somebody_else_cannot_join_with_a_card_that_is_held(self) -> None:
        given_log(*ANN_IS_IN).when(join(BOB, at=JOINED_AT)).then_refused(CardAlreadyAssigned(card_id=ANNS_CARD))

    def test_nobody_joins_in_the_future(self) -> None:
        at = NOON + timedelta(days=2)
        given_log(RULES).when(join(at=at)).then_refused(TimeInTheFuture(occurred_at=at, recorded_at=NOON))

    def test_an_id_that_stands_for_something_else_cannot_be_chosen(self) -> None:
        taken = programme_id("member_experience")
        given_log(RULES).when(join(taken, at=JOINED_AT)).then_refused(IdOfAnotherKind(id=taken))


class TestCreatingACampaign:
    def test_it_is_created_with_its_audience_and_entered_in_the_catalogue(self) -> None:
        targeted = fact(AudienceListed, campaign_id="twice", card_ids=[ANNS_CARD])
        created = campaign_created("twice", multiplier="2", everyone=False)
        given_log(RULES).when(
            create_campaign("twice", at=NOON, multiplier="2", everyone=False, card_ids=[ANNS_CARD])
        ).then(created, targeted, listed("twice"))

    def test_again_with_the_same_content_is_a_repeat(self) -> None:
        log = given_log(RULES, campaign_created("twice", multiplier="2"), listed("twice"))
        log.when(create_campaign("twice", at=NOON, multiplier="2")).then_repeats(campaign_stream("twice"))

    def test_another_campaign_under_the_same_id_is_refused(self) -> None:
        log = given_log(RULES, campaign_created("twice", multiplier="2"), listed("twice"))
        log.when(create_campaign("twice", at=NOON, multiplier="3", fingerprint="o")).then_refused(
            CampaignAlreadyExists(campaign_id="twice")
        )

    @pytest.mark.parametrize("ends_at", [NOON, NOON - timedelta(days=1)])
    def test_a_window_that_ends_before_or_as_it_begins_is_refused(self, ends_at: datetime) -> None:
        command = create_campaign("twice", at=NOON, multiplier="2", starts_at=NOON, ends_at=ends_at)
        given_log(RULES).when(command).then_refused(WindowEndsBeforeItBegins(starts_at=NOON, ends_at=ends_at))

    def test_a_key_is_claimed_and_repeated(self) -> None:
        command = create_campaign("twice", at=NOON, multiplier="2", key="k")
        log = given_log(RULES)
        assert kinds(log.when(command).facts) == [MessageAnswered, CampaignCreated, type(listed("twice"))]
        log.when(command).then_repeats(command.id)

    def test_a_campaign_that_was_made_in_the_batch_applies_to_its_next_purchase(self) -> None:
        log = given_log(*ANN_IS_IN)
        log.when(create_campaign("twice", at=NOON, multiplier="2"))
        _, earned = log.when(SALE).facts
        assert [part["part"] for part in earned.parts] == ["base", "twice"]


class TestPublishingAProgramme:
    def test_its_versions_are_numbered(self) -> None:
        log, first = given_log(), policy()
        later = policy(effective_from="2024-01-01T00:00:00+08:00")
        log.when(publish(first, at=NOON)).then(published(first))
        log.when(publish(later, at=NOON)).then(published(later, version=2))

    def test_a_version_that_was_published_is_a_repeat_also_without_a_key(self) -> None:
        given_log(RULES).when(publish(policy(), at=NOON)).then_repeats(programme_id("member_experience"))

    def test_the_key_tells_a_repeat_and_a_conflict(self) -> None:
        log, command = given_log(), publish(policy(), at=NOON, key="k")
        log.when(command)
        log.when(command).then_repeats(command.id)
        other = publish(policy(), at=NOON, key="k", fingerprint="other")
        log.when(other).then_refused(ConflictingRepeat(source="/clients/tests", external_id="k"))

    def test_the_past_is_not_rewritten(self) -> None:
        earlier = policy(effective_from="2022-01-01T00:00:00+08:00")
        given_log(RULES).when(publish(earlier, at=NOON)).then_refused(
            EffectiveDateNotAfterPublished(
                effective_from=earlier.effective_from, published_until=policy().effective_from
            )
        )
