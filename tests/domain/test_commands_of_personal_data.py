"""What is asked about a member's personal data: joining with them, changing them, erasing them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.commands.personal_data import ChangeProfile, ErasePersonalData
from domain.commands.transfers import MergeMembers
from domain.fact import Fact
from domain.member import (
    CardAssigned,
    CardUnlinked,
    Consent,
    ConsentChanged,
    Member,
    MemberAbsorbed,
    MemberJoined,
    MemberMerged,
    PersonalDataErased,
    ProfileChanged,
    PurchaseKeptForCard,
)
from domain.messages.identity import Identity
from domain.movements import AccountOpened, PointsEarned
from domain.points_account import account_id
from domain.purchase import PurchaseClaimed, PurchaseRecorded
from domain.receipt import MessageAnswered
from domain.refusals import CardAlreadyAssigned, ConflictingRepeat, MemberAlreadyExists, MemberErased, UnknownMember
from domain.refusals import MemberMerged as MemberMergedAway
from tests.builders import ANN, ANNS_CARD, BOB, SEALING, card_id, join, line, purchase
from tests.domain.story import ANN_IS_IN, JOINED, JOINED_AT, RULES, kinds
from tests.spec import NOON, fact
from tests.spec_of_commands import GivenLog, given_log

ERASED = fact(PersonalDataErased, originator_id=ANN, member_id=ANN, reason="law")
UNLINKED = fact(CardUnlinked, originator_id=ANNS_CARD, member_id=ANN)
ANN_IS_ERASED = (*ANN_IS_IN, ERASED, UNLINKED)
SEALED = SEALING.seal_first(ANN, {"name": "Ann", "phone": "12345"})


def change(member_id: UUID = ANN, *, key: str | None = None, fingerprint: str = "f", **what: Any) -> ChangeProfile:
    identity = Identity.of("tests", key).fields()
    return ChangeProfile(**identity, occurred_at=NOON, fingerprint=fingerprint, member_id=member_id, **what)


def erase(
    member_id: UUID = ANN, *, key: str | None = None, fingerprint: str = "f", at: datetime = NOON
) -> ErasePersonalData:
    identity = Identity.of("tests", key).fields()
    return ErasePersonalData(**identity, occurred_at=at, fingerprint=fingerprint, member_id=member_id, reason="law")


def profile(**what: Any) -> Fact:
    return fact(ProfileChanged, originator_id=ANN, member_id=ANN, **what)


NAMED = profile(key_id=SEALED.key_id, sealed=SEALED.texts, marks=SEALED.marks)


def kept(log: GivenLog) -> tuple[list[Any], list[UUID]]:
    """The keys that are to be kept, and whose are to be destroyed."""
    return log.batch.keys, log.batch.erased


class TestJoining:
    def test_personal_fields_are_a_fact_of_their_own_and_bring_their_key(self) -> None:
        log = given_log(RULES)
        facts = log.when(join(at=JOINED_AT, personal=SEALED)).facts
        assert kinds(facts) == [MemberJoined, ProfileChanged, CardAssigned, AccountOpened]
        assert facts[1].sealed == SEALED.texts
        assert kept(log) == ([SEALED.new_key], [])

    def test_a_join_that_is_refused_or_a_repeat_brings_no_key(self) -> None:
        log = given_log(*ANN_IS_IN)
        log.when(join(at=JOINED_AT, personal=SEALED)).then_repeats(ANN)
        log.when(join(BOB, at=JOINED_AT, personal=SEALED)).then_refused(CardAlreadyAssigned(card_id=ANNS_CARD))
        assert kept(log) == ([], [])


class TestChanging:
    def test_fields_language_and_consents_are_recorded_with_the_key_that_was_made(self) -> None:
        log, consents = given_log(*ANN_IS_IN), [Consent("mail", "sms", True)]
        log.when(change(personal=SEALED, language="en", consents=consents)).then(
            profile(key_id=SEALED.key_id, sealed=SEALED.texts, marks=SEALED.marks, language="en"),
            fact(ConsentChanged, originator_id=ANN, member_id=ANN, purpose="mail", channel="sms", granted=True),
        )
        assert kept(log) == ([SEALED.new_key], [])

    def test_a_key_that_is_kept_already_is_not_kept_again(self) -> None:
        log = given_log(*ANN_IS_IN)
        log.when(change(personal=SEALED._replace(new_key=None)))
        assert kept(log) == ([], [])

    def test_where_nothing_changes_nothing_is_recorded_but_the_key_of_the_client(self) -> None:
        log = given_log(*ANN_IS_IN, NAMED)
        same: dict[str, Any] = {"personal": SEALED, "removed": ["email"], "consents": [Consent("mail", None, None)]}
        log.when(change(**same)).then()
        answered = fact(MessageAnswered, scope="profile", fingerprint="f", target=str(ANN))
        log.when(change(key="k", **same)).then(answered)
        assert kept(log) == ([], [])

    def test_a_repeat_and_a_conflict_are_known_by_the_key_of_the_client(self) -> None:
        log, command = given_log(*ANN_IS_IN), change(key="k", language="en")
        log.when(command)
        log.when(command).then_repeats(command.id)
        log.when(change(key="k", fingerprint="other")).then_refused(
            ConflictingRepeat(source="/clients/tests", external_id="k")
        )

    def test_a_stranger_and_an_erased_member_are_refused(self) -> None:
        given_log(RULES).when(change(language="en")).then_refused(UnknownMember(member_id=ANN))
        log = given_log(*ANN_IS_ERASED)
        log.when(change(personal=SEALED)).then_refused(MemberErased(member_id=ANN))
        assert kept(log) == ([], [])

    def test_a_repeat_is_known_after_the_erasure_too(self) -> None:
        log, command = given_log(*ANN_IS_IN), change(key="k", personal=SEALED)
        log.when(command)
        log.when(erase())
        log.when(command).then_repeats(command.id)


class TestErasing:
    def test_the_keys_go_and_the_cards_are_unlinked(self) -> None:
        log = given_log(*ANN_IS_IN, NAMED)
        log.when(erase()).then(ERASED, UNLINKED)
        assert kept(log) == ([], [ANN])

    def test_a_key_of_the_client_is_claimed_first(self) -> None:
        answered = fact(MessageAnswered, scope="erasure", fingerprint="f", target=str(ANN))
        given_log(*ANN_IS_IN).when(erase(key="k")).then(answered, ERASED, UNLINKED)

    def test_twice_is_the_first_answer_whoever_asks(self) -> None:
        log = given_log(*ANN_IS_IN)
        log.when(erase(key="k"))
        log.when(erase(key="k")).then_repeats(erase(key="k").id)
        log.when(erase(key="other", at=NOON + timedelta(days=1))).then_repeats(ANN, 2)
        log.when(erase()).then_repeats(ANN, 2)
        assert kept(log) == ([], [ANN])

    def test_a_stranger_is_refused(self) -> None:
        given_log(RULES).when(erase()).then_refused(UnknownMember(member_id=ANN))

    def test_a_card_that_another_holds_by_now_is_left_to_them(self) -> None:
        log = given_log(RULES, JOINED, fact(CardAssigned, originator_id=ANNS_CARD, member_id=BOB))
        log.when(erase()).then(ERASED)


BOBS_CARD = card_id("2002")


class TestAMergedMember:
    """Ann was merged into Bob, who holds both cards."""

    log = (
        RULES, JOINED, fact(MemberJoined, originator_id=BOB, member_id=BOB, card_id=BOBS_CARD, registered_at=JOINED_AT, fingerprint="b"),
        fact(AccountOpened, originator_id=account_id(BOB), member_id=BOB, registered_at=JOINED_AT),
        *(fact(CardAssigned, originator_id=card, member_id=member) for card, member in ((ANNS_CARD, ANN), (BOBS_CARD, BOB), (ANNS_CARD, BOB))),
        fact(MemberMerged, originator_id=ANN, member_id=ANN, survivor_id=BOB, card_ids=[ANNS_CARD]),
        fact(MemberAbsorbed, originator_id=BOB, member_id=BOB, absorbed_id=ANN, card_ids=[ANNS_CARD]),
    )  # fmt: skip

    def test_is_changed_and_erased_with_the_survivor_only(self) -> None:
        log = given_log(*self.log)
        for command in (change(language="en"), erase()):
            log.when(command).then_refused(MemberMergedAway(member_id=ANN, survivor_id=BOB))

    def test_is_erased_with_the_survivor_and_every_card_is_unlinked(self) -> None:
        log = given_log(*self.log)
        facts = log.when(erase(BOB)).facts
        assert [(type(one), one.originator_id) for one in facts[:2]] == [
            (PersonalDataErased, BOB),
            (PersonalDataErased, ANN),
        ]
        assert {(one.originator_id, one.member_id) for one in facts[2:]} == {(ANNS_CARD, BOB), (BOBS_CARD, BOB)}
        assert kept(log) == ([], [BOB, ANN])
        log.when(erase(ANN)).then_repeats(ANN, 3)

    def test_joins_once_more_as_a_repeat(self) -> None:
        given_log(*self.log).when(join(None, at=JOINED_AT)).then_repeats(ANN)

    def test_gets_no_card_back_once_erased(self) -> None:
        log = given_log(*self.log)
        log.when(erase(BOB))
        assert log.batch.get(Member, BOB).brought == {ANN: []}

    def test_nobody_is_merged_into_who_was_erased(self) -> None:
        bob = self.log[1:4]
        log = given_log(*ANN_IS_ERASED, *bob[1:])
        merge = MergeMembers(
            **Identity.of("tests", None).fields(),
            occurred_at=NOON,
            fingerprint="f",
            member_id=BOB,
            other_id=ANN,
            reason=None,
        )
        log.when(merge).then_refused(MemberErased(member_id=ANN))


class TestAfterAnErasure:
    def test_the_card_earns_for_nobody(self) -> None:
        late = purchase(line(15_000), at=NOON + timedelta(days=1))
        facts = given_log(*ANN_IS_ERASED).when(late).facts
        assert kinds(facts) == [PurchaseRecorded, PurchaseKeptForCard]
        assert facts[0].member_id is None

    def test_a_purchase_and_an_erasure_in_one_batch_follow_each_other(self) -> None:
        log = given_log(*ANN_IS_IN)
        log.when(erase())
        assert PointsEarned not in kinds(log.when(purchase(line(15_000), at=NOON)).facts)

    def test_somebody_else_may_join_with_the_card_and_gets_what_was_bought_since(self) -> None:
        log = given_log(*ANN_IS_ERASED)
        log.when(purchase(line(15_000), at=NOON - timedelta(hours=1), id="R-0"))
        since = purchase(line(20_000), at=NOON + timedelta(hours=1), id="R-1")
        log.when(since)
        facts = log.when(join(BOB, at=NOON, fingerprint="other")).facts
        assert kinds(facts) == [MemberJoined, CardAssigned, AccountOpened, PurchaseClaimed, PointsEarned]
        assert (facts[3].originator_id, facts[4].member_id) == (since.id, BOB)

    def test_the_join_that_comes_once_more_is_still_a_repeat(self) -> None:
        log = given_log(*ANN_IS_ERASED)
        log.when(join(ANN, at=JOINED_AT, personal=SEALED)).then_repeats(ANN)
        log.when(join(None, at=JOINED_AT, personal=SEALED)).then_repeats(ANN)
        log.when(join(ANN, at=JOINED_AT, fingerprint="other")).then_refused(MemberAlreadyExists(member_id=ANN))
        log.when(join(ANN, at=JOINED_AT, card="7", fingerprint="other")).then_refused(
            MemberAlreadyExists(member_id=ANN)
        )
        assert kept(log) == ([], [])

    def test_and_is_so_even_when_somebody_else_holds_the_card(self) -> None:
        log = given_log(*ANN_IS_ERASED)
        log.when(join(BOB, at=NOON, fingerprint="other"))
        log.when(join(None, at=JOINED_AT)).then_repeats(ANN)
        log.when(join(None, at=NOON, fingerprint="third")).then_refused(CardAlreadyAssigned(card_id=card_id("1001")))
