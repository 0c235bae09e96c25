"""Members and their cards."""

from datetime import UTC, datetime
from uuid import UUID

from domain.member import Card, CardAssigned, Member, MemberJoined, PurchaseKeptForCard
from domain.refusals import CardAlreadyAssigned
from tests.builders import ANN, ANNS_CARD, BOB
from tests.spec import STREAM, fact, given, numbered

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
