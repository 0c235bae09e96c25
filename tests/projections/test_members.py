"""Members by card, and what is known of them."""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from domain.fact import Fact
from domain.member import (
    CardAssigned,
    ConsentChanged,
    MemberAbsorbed,
    MemberMerged,
    MemberParted,
    MemberUnmerged,
    ProfileChanged,
)
from projections.members import Consent, member_of, profile_of
from tests.builders import ANN, BOB, SEALING, card_id
from tests.read_spec import JANUARY, ReadSide, erases, joins, profile
from tests.spec import fact

LATER = JANUARY + timedelta(days=1)
NAMED = SEALING.seal_first(ANN, {"name": "Ann", "phone": "12345"})
RENAMED = SEALING.seal_first(ANN, {"name": "Anne"})


def removal(version: int, *fields: str) -> Fact:
    return fact(ProfileChanged, originator_id=ANN, originator_version=version, member_id=ANN, removed=list(fields))


def consent(version: int, purpose: str, channel: str | None = None, *, granted: bool) -> Fact:
    return fact(
        ConsentChanged, originator_id=ANN, originator_version=version, occurred_at=LATER, member_id=ANN,
        purpose=purpose, channel=channel, granted=granted,
    )  # fmt: skip


def test_a_card_leads_to_its_holder(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1"), *joins(BOB, card="2"))
    found = read_side.ask("members", member_of, card_id=card_id("2"))
    assert found is not None
    assert (found.member_id, found.registered_at) == (BOB, JANUARY)


def test_a_card_that_nobody_holds_leads_nowhere(read_side: ReadSide) -> None:
    assert read_side.ask("members", member_of, card_id=card_id("3")) is None


def test_cards_go_with_a_merge_and_come_back_when_it_is_undone(read_side: ReadSide) -> None:
    def holder() -> UUID | None:
        found = read_side.ask("members", member_of, card_id=card_id("1"))
        return found.member_id if found else None

    cards, version = {"card_ids": [card_id("1")]}, count(2)

    def merge() -> list[Fact]:
        return [
            fact(MemberMerged, originator_id=ANN, originator_version=next(version), member_id=ANN, survivor_id=BOB, **cards),
            fact(MemberAbsorbed, originator_id=BOB, member_id=BOB, absorbed_id=ANN, **cards),
            fact(CardAssigned, originator_id=card_id("1"), member_id=BOB),
        ]  # fmt: skip

    def part() -> list[Fact]:
        return [
            fact(MemberUnmerged, originator_id=ANN, originator_version=next(version), member_id=ANN, survivor_id=BOB, **cards),
            fact(MemberParted, originator_id=BOB, member_id=BOB, absorbed_id=ANN, **cards),
            fact(CardAssigned, originator_id=card_id("1"), member_id=ANN),
        ]  # fmt: skip

    read_side.given(*joins(ANN, card="1"), *joins(BOB, card="2"), *merge())
    assert holder() == BOB
    read_side.given(*part())
    assert holder() == ANN
    read_side.given(*merge(), *part(), *merge())
    assert holder() == BOB
    assert len(read_side.rows("members", "cards")) == 2
    assert read_side.connection.execute("SELECT count(*) FROM parked_facts").fetchone() == (0,)


def known(read_side: ReadSide) -> Any:
    found = read_side.ask("members", profile_of, member_id=ANN)
    assert found is not None
    return found


def test_of_each_field_the_last_text_is_known(read_side: ReadSide) -> None:
    read_side.given(
        *joins(ANN, card="1", language="en"), profile(ANN, NAMED), profile(ANN, RENAMED, version=3, language="fr")
    )
    found = known(read_side)
    assert found.sealed == {
        "name": (RENAMED.key_id, RENAMED.texts["name"]),
        "phone": (NAMED.key_id, NAMED.texts["phone"]),
    }
    assert (found.registered_at, found.language, found.erased_at) == (JANUARY, "fr", None)


def test_what_was_taken_back_is_not_known_until_it_is_stated_again(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1", language="en"), profile(ANN, NAMED), removal(3, "name", "language"))
    assert (set(known(read_side).sealed), known(read_side).language) == ({"phone"}, None)
    read_side.given(profile(ANN, RENAMED, version=4))
    assert set(known(read_side).sealed) == {"name", "phone"}


def test_consents_are_told_in_their_order(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1", consents={"mail": True, "ads": False}))
    read_side.given(consent(2, "ads", "sms", granted=True), consent(3, "mail", granted=False))
    assert known(read_side).consents == [
        Consent(purpose="ads", granted=False, at=JANUARY),
        Consent(purpose="mail", granted=True, at=JANUARY),
        Consent(purpose="ads", channel="sms", granted=True, at=LATER),
        Consent(purpose="mail", granted=False, at=LATER),
    ]


def test_an_erasure_removes_sealed_texts_and_the_card_and_leaves_the_member(read_side: ReadSide) -> None:
    read_side.given(
        *joins(ANN, card="1", language="en"), *joins(BOB, card="2"), profile(ANN, NAMED), profile(BOB, NAMED)
    )
    read_side.given(*erases(ANN, cards=["1"], at=LATER))
    found = known(read_side)
    assert (found.registered_at, found.sealed, found.language, found.erased_at) == (JANUARY, {}, None, LATER)
    assert read_side.ask("members", member_of, card_id=card_id("1")) is None
    assert read_side.ask("members", member_of, card_id=card_id("2")) is not None
    assert {row[0] for row in read_side.rows("members", "fields", "member_id")} == {BOB}


def test_everything_may_come_in_one_batch(read_side: ReadSide) -> None:
    read_side.given(*joins(ANN, card="1"), profile(ANN, NAMED), *erases(ANN, cards=["1"]))
    assert read_side.rows("members", "fields") == read_side.rows("members", "cards") == []


def test_a_card_may_be_told_to_have_a_new_holder_before_the_old_one_is_told_to_have_lost_it(
    read_side: ReadSide,
) -> None:
    read_side.given(*joins(ANN, card="1"))
    read_side.given(*joins(BOB, card="1", at=LATER))
    read_side.given(*erases(ANN, cards=["1"]))
    found = read_side.ask("members", member_of, card_id=card_id("1"))
    assert found is not None
    assert found.member_id == BOB
