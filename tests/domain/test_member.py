"""Members, what is known of them, and their cards."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.member import (
    Card,
    CardAssigned,
    CardUnlinked,
    Consent,
    ConsentChanged,
    Member,
    MemberJoined,
    PersonalDataErased,
    ProfileChanged,
    PurchaseKeptForCard,
)
from domain.refusals import CardAlreadyAssigned
from infra.personal_data import Sealed
from tests.builders import ANN, ANNS_CARD, BOB, SEALING
from tests.spec import NOON, STREAM, fact, given, numbered

PURCHASE = UUID(int=7)
ASSIGNED = fact(CardAssigned, member_id=ANN)
KEPT = fact(PurchaseKeptForCard, purchase_id=PURCHASE)


def test_a_card_that_nobody_holds_is_given_to_a_member() -> None:
    given(Card).when(lambda card: card.assign(ANN)).then(ASSIGNED)


def test_a_card_has_one_holder() -> None:
    given(Card, ASSIGNED).when(lambda card: card.assign(BOB)).then_refused(CardAlreadyAssigned(card_id=STREAM))


def test_a_card_is_not_given_twice_to_the_same_member_either() -> None:
    given(Card, ASSIGNED).when(lambda card: card.assign(ANN)).then_refused(CardAlreadyAssigned(card_id=STREAM))


def test_a_purchase_is_kept_for_a_card_until_somebody_holds_it() -> None:
    given(Card).when(lambda card: card.keep(PURCHASE)).then(KEPT)
    card = given(Card, KEPT, fact(PurchaseKeptForCard, purchase_id=UUID(int=8))).stream
    assert card.kept == [PURCHASE, UUID(int=8)]
    numbered([ASSIGNED], card)
    assert (card.kept, card.member_id) == ([], ANN)


def test_a_member_remembers_card_registration_and_what_the_join_said() -> None:
    registered = datetime(2023, 3, 15, tzinfo=UTC)
    member = given(
        Member, fact(MemberJoined, member_id=ANN, card_id=ANNS_CARD, registered_at=registered, fingerprint="f")
    ).stream
    assert (member.exists, member.card_ids, member.registered_at, member.fingerprint) == (
        True,
        frozenset({ANNS_CARD}),
        registered,
        "f",
    )
    assert not Member(STREAM).exists


class TestACardThatIsUnlinked:
    def test_leads_to_nobody_and_somebody_else_may_join_with_it(self) -> None:
        given(Card, ASSIGNED).when(lambda card: card.unlink(ANN)).then(fact(CardUnlinked, member_id=ANN))
        card = given(Card, ASSIGNED, fact(CardUnlinked, member_id=ANN)).stream
        assert (card.member_id, card.former) == (None, [ANN])
        given(Card, ASSIGNED, fact(CardUnlinked, member_id=ANN)).when(lambda card: card.assign(BOB)).then(
            fact(CardAssigned, member_id=BOB)
        )

    def test_is_left_alone_where_another_holds_it_by_now(self) -> None:
        given(Card, ASSIGNED).when(lambda card: card.unlink(BOB)).then()

    def test_keeps_for_the_next_holder_what_was_bought_since_and_nothing_of_before(self) -> None:
        early, late = (
            fact(PurchaseKeptForCard, purchase_id=UUID(int=n), occurred_at=NOON + timedelta(days=n)) for n in (1, 2)
        )
        unlinked = fact(CardUnlinked, member_id=ANN, occurred_at=NOON + timedelta(days=2))
        assert given(Card, ASSIGNED, unlinked, early, late).stream.kept == [UUID(int=2)]


def joined(**what: Any) -> Any:
    return fact(MemberJoined, member_id=ANN, card_id=ANNS_CARD, registered_at=NOON, fingerprint="f", **what)


KEY = SEALING.seal_first(STREAM, {})


def sealed(**fields: str) -> Sealed:
    """Fields under one key, marked by their values."""
    return Sealed(KEY.key_id, {name: f"sealed {value}" for name, value in fields.items()}, fields, None)


def profile(*, removed: list[str] | None = None, language: str | None = None, **fields: str) -> Any:
    what: dict[str, Any] = {}
    if fields:
        what = {"key_id": KEY.key_id, "sealed": sealed(**fields).texts, "marks": fields}
    return fact(ProfileChanged, member_id=STREAM, language=language, removed=removed, **what)


class TestAProfile:
    def test_states_only_what_is_another_value(self) -> None:
        ann = given(Member, joined(language="en"), profile(name="Ann", phone="1"))
        ann.when(lambda member: member.change(sealed=sealed(name="Ann", phone="2"))).then(profile(phone="2"))
        ann.when(lambda member: member.change(sealed=sealed(name="Ann"), language="en")).then()
        ann.when(lambda member: member.change(language="fr")).then(profile(language="fr"))

    def test_takes_back_only_what_is_stated(self) -> None:
        ann = given(Member, joined(language="en"), profile(name="Ann"))
        ann.when(lambda member: member.change(removed=["name", "phone", "language"])).then(
            profile(removed=["name", "language"])
        )
        given(Member, joined(), profile(name="Ann"), profile(removed=["name"])).when(
            lambda member: member.change(removed=["name", "language"])
        ).then()

    def test_follows_the_facts(self) -> None:
        changes = [
            profile(name="Ann", phone="1", language="fr"),
            profile(name="Anne"),
            profile(removed=["phone", "language"]),
        ]
        member = given(Member, joined(language="en"), *changes).stream
        assert (member.marks, member.language) == ({"name": "Anne"}, None)


def consent(purpose: str, channel: str | None = None, *, granted: bool) -> Any:
    return fact(ConsentChanged, member_id=STREAM, purpose=purpose, channel=channel, granted=granted)


class TestConsents:
    def test_are_granted_and_withdrawn_once(self) -> None:
        ann = given(Member, joined(consents={"mail": True}))
        ann.when(lambda member: member.agree([Consent("mail", None, True)])).then()
        ann.when(lambda member: member.agree([Consent("mail", None, False)])).then(consent("mail", granted=False))
        ann.when(lambda member: member.agree([Consent("ads", "sms", True)])).then(consent("ads", "sms", granted=True))

    def test_a_refusal_is_recorded_even_where_nothing_had_been_granted_and_null_then_says_nothing(self) -> None:
        ann = given(Member, joined())
        ann.when(lambda member: member.agree([Consent("ads", None, False)])).then(consent("ads", granted=False))
        ann.when(lambda member: member.agree([Consent("ads", None, None)])).then()

    def test_a_purpose_that_is_withdrawn_is_so_on_every_channel(self) -> None:
        ann = given(
            Member, joined(consents={"ads": True, "mail": True}), consent("ads", "sms", granted=True), consent("ads", "app", granted=False)
        )  # fmt: skip
        withdrawn = [consent("ads", granted=False), consent("ads", "sms", granted=False)]
        for granted in (False, None):
            ann.when(lambda member, granted=granted: member.agree([Consent("ads", None, granted)])).then(*withdrawn)  # type: ignore[misc]
        ann.when(lambda member: member.agree([Consent("ads", "sms", None)])).then(withdrawn[1])


def test_an_erased_member_stays_and_nothing_is_known_of_them() -> None:
    erased = fact(PersonalDataErased, member_id=STREAM, reason="law")
    given(Member, joined()).when(lambda member: member.erase(reason="law")).then(erased)
    member = given(Member, joined(language="en", consents={"mail": True}), profile(name="Ann"), erased).stream
    assert (member.exists, member.erased, member.erased_version) == (True, True, 3)
    assert (member.card_ids, member.language, member.marks, member.consents) == (frozenset(), None, {}, {})
