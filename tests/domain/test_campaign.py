"""Campaigns, whom they target, and the catalogue."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.buyer import Buyer
from domain.campaign import (
    AUDIENCE_CHUNK,
    AudienceListed,
    Campaign,
    CampaignListed,
    Catalogue,
    campaign_stream,
)
from domain.campaign_terms import Effect
from domain.fact import MAX_FACT_BYTES, Fact
from domain.member import Member
from domain.points_account import PointsAccount, account_id
from domain.qualifying import Absorbed
from domain.sale import Sale
from tests.builders import ANN, ANNS_CARD, BOB, campaign, campaign_created, line, policy, sale
from tests.spec import NOON, fact, given, numbered
from tests.spec_of_commands import given_log

CREATED = campaign_created("twice", multiplier="2", everyone=False)


def create(campaign_: Campaign, *, cards: list[UUID], members: list[UUID]) -> list[Any]:
    what = dict(CREATED)
    terms = {
        name: what[name]
        for name in ("campaign_id", "title", "starts_at", "ends_at", "everyone", "conditions", "effect", "fingerprint")
    }
    return campaign_.create(card_ids=cards, member_ids=members, **terms)


def listed(**ids: list[UUID]) -> Fact:
    return fact(AudienceListed, campaign_id="twice", **ids)


def test_a_campaign_is_created_with_the_cards_and_members_that_it_targets() -> None:
    given(Campaign).when(lambda one: create(one, cards=[ANNS_CARD], members=[BOB])).then(
        CREATED, listed(card_ids=[ANNS_CARD]), listed(member_ids=[BOB])
    )


def test_a_campaign_for_everyone_lists_nobody() -> None:
    given(Campaign).when(lambda one: create(one, cards=[], members=[])).then(CREATED)


def test_a_long_audience_comes_in_several_facts_each_small_enough() -> None:
    ids = [UUID(int=number) for number in range(2 * AUDIENCE_CHUNK + 1)]
    result = given(Campaign).when(lambda one: create(one, cards=ids, members=[]))
    result.then(
        CREATED, *(listed(card_ids=ids[start : start + AUDIENCE_CHUNK]) for start in range(0, len(ids), AUDIENCE_CHUNK))
    )
    assert all(len(one.model_dump_json()) < MAX_FACT_BYTES for one in result.facts)


def buyer(member_id: UUID, *cards: UUID, qualifying: int = 0, absorbed: Sequence[UUID] = ()) -> Buyer:
    """A member with these cards, who joined with the year and earned so many points since."""
    member = Member(member_id)
    member.card_ids = frozenset(cards)
    account = PointsAccount(account_id(member_id))
    account.registered_at = NOON
    account.periods = {0: qualifying}
    account.absorbed = {one: Absorbed(UUID(int=7), NOON) for one in absorbed}
    return Buyer(member, account, policy=policy(), at=NOON, streams=given_log().batch)


def of(paid_minor: int = 0, **what: Any) -> Sale:
    return sale(line(paid_minor), at=NOON, **what)


@pytest.mark.parametrize(("who", "applies"), [(buyer(ANN, ANNS_CARD), True), (buyer(BOB), True), (buyer(ANN), False)])
def test_a_campaign_applies_to_its_audience_by_card_or_member(who: Buyer, applies: bool) -> None:
    one = given(Campaign, CREATED, listed(card_ids=[ANNS_CARD]), listed(member_ids=[BOB])).stream
    assert (one.missing(of(), who) is None) is applies


def test_whoever_absorbed_a_member_that_was_listed_belongs_to_the_audience() -> None:
    one = given(Campaign, CREATED, listed(member_ids=[BOB])).stream
    assert one.missing(of(), buyer(ANN, absorbed=[BOB])) is None


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        ({}, True), ({"stores": ["1"]}, True), ({"stores": ["2"]}, False), ({"minimum_paid_minor": 999}, True),
        ({"minimum_paid_minor": 1000}, True), ({"minimum_paid_minor": 1001}, False),
    ],
)  # fmt: skip
def test_a_campaign_applies_where_store_and_minimum_are_met(conditions: dict[str, Any], applies: bool) -> None:
    assert (campaign("c", multiplier="2", **conditions).missing(of(1000), buyer(ANN)) is None) is applies


def test_a_campaign_that_was_never_created_applies_to_nobody() -> None:
    assert Campaign(campaign_stream("c")).missing(of(1000), buyer(ANN)) is not None


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True), ({"categories": ["dairy"]}, True), ({"categories": ["bread"]}, False), ({"skus": ["7"]}, True), ({"skus": ["8"]}, False),
        ({"categories": ["dairy"], "skus": ["8"]}, False), ({"categories": ["bread", "dairy"], "skus": ["7", "8"]}, True),
    ],
)  # fmt: skip
def test_a_line_counts_where_category_and_sku_are_among_those_named(conditions: dict[str, Any], holds: bool) -> None:
    one = campaign("c", multiplier="2", **conditions)
    assert bool(one.about([line(1, category="dairy", sku="7")])) is holds


@pytest.mark.parametrize(
    "effect",
    [
        {},
        {"multiplier": "2", "bonus_points": 1},
        {"multiplier": "1"},
        {"multiplier": "0.5"},
        {"multiplier": "1001"},
        {"multiplier": 2.0},
        {"bonus_points": 0},
        {"bonus_points": -1},
        {"bonus_points": 1.5},
        {"gift": 1},
    ],
)
def test_an_effect_is_a_multiplier_above_one_or_a_bonus_above_nothing(effect: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Effect.model_validate(effect)


def test_a_campaign_is_entered_in_the_catalogue() -> None:
    entered = fact(CampaignListed, campaign_id="twice")
    given(Catalogue).when(lambda catalogue: catalogue.enter("twice")).then(entered)
    catalogue = given(Catalogue, entered).stream
    numbered([fact(CampaignListed, campaign_id="other")], catalogue)
    assert catalogue.campaigns == [campaign_stream("twice"), campaign_stream("other")]
