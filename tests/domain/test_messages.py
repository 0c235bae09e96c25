"""Bodies over HTTP: members, campaigns, programmes and purchases, read strictly."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest

from domain.campaign_terms import Allowed, Budget, CouponGift, Limits
from domain.commands.campaigns import CreateCampaign
from domain.commands.members import JoinMember
from domain.fact import message_id
from domain.messages.campaigns import CampaignBody, create_command
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from domain.messages.programmes import policy_from_yaml, publish_command, shipped
from domain.messages.purchases import PurchaseBody, purchase_command
from domain.messages.reading import read
from domain.refusals import (
    InvalidField,
    MalformedMessage,
    PolicyRefused,
    Refusal,
    TimeWithoutZone,
)
from infra.keys import KeyFile
from infra.personal_data import PersonalData
from tests.builders import ANN, BOB, SEALING, card_id, policy

NUMBER, NAME = "4000 1234 5678 9010", "Wang Xiaoming"
NOW = datetime(2023, 5, 2, 4, tzinfo=UTC)
MEMBER: dict[str, Any] = {"card": NUMBER, "registered_at": "2023-03-15T10:00:00+08:00"}
CAMPAIGN: dict[str, Any] = {
    "name": "Dairy twice", "starts_at": "2023-05-01T00:00:00+08:00", "ends_at": "2023-06-01T00:00:00+08:00",
    "audience": {"everyone": True}, "effect": {"multiplier": "2"},
}  # fmt: skip


def joining(key: str | None = None, **changes: Any) -> JoinMember:
    body = read(MemberBody, json.dumps({**MEMBER, **changes}), strictly=True)
    return join_command(body, identity=Identity.of("staff", key), card_ids=card_id, sealing=SEALING)


def creating(**changes: Any) -> CreateCampaign:
    body = read(CampaignBody, json.dumps({**CAMPAIGN, **changes}), strictly=True)
    return create_command(body, identity=Identity.of("staff", None), card_ids=card_id, now=NOW)


def refusal(act: Any, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        act(**changes)
    told = str(refused.value)
    assert NUMBER not in told
    assert NAME not in told
    return refused.value


class TestMembers:
    def test_a_member_is_joined_at_the_time_of_registration(self) -> None:
        command = joining(member_id=str(ANN), language="zh-CN", consents={"mail": True}, attribution={"shop": "7"})
        assert (command.member_id, command.chosen, command.card_id) == (ANN, True, card_id(NUMBER))
        assert command.registered_at == command.occurred_at == datetime(2023, 3, 15, 2, tzinfo=UTC)
        assert (command.language, command.consents, command.attribution) == ("zh-CN", {"mail": True}, {"shop": "7"})

    def test_without_an_id_one_is_made_and_the_card_tells_a_repeat(self) -> None:
        first, second = joining(), joining()
        assert first.member_id != second.member_id
        assert (first.chosen, first.fingerprint) == (False, second.fingerprint)

    def test_an_idempotency_key_is_the_identity(self) -> None:
        keyed, other = joining("k-1"), joining("k-1", card="7")
        assert keyed.id == other.id == message_id("/clients/staff", "k-1")
        assert keyed.fingerprint != other.fingerprint
        assert joining().id != joining().id

    def test_personal_fields_go_no_further_in_clear(self) -> None:
        stated = {"name": NAME, "phone": "+86 138 0013 8000", "email": "wang@example.cn", "address": "1 Long Road\nXi'an",
                  "birth_date": "1990-05-31"}  # fmt: skip
        command = joining(**stated)
        assert command.personal is not None
        assert set(command.personal.texts) == set(command.personal.marks) == set(stated)
        assert command.personal.new_key.member_id == command.member_id
        assert [value for value in stated.values() if value in repr(command)] == []

    def test_sealing_is_never_twice_the_same_and_a_repeat_is_recognised_all_the_same(self) -> None:
        one, other, another = joining(name=NAME), joining(name=NAME), joining(name="Wang Daming")
        assert one.personal is not None
        assert other.personal is not None
        assert one.personal.texts != other.personal.texts
        assert one.fingerprint == other.fingerprint != another.fingerprint

    def test_a_fingerprint_cannot_be_guessed_from_without_the_key_file(self) -> None:
        body = read(MemberBody, json.dumps({**MEMBER, "phone": "13800138000"}), strictly=True)
        keys = KeyFile(cards=b"c" * 32, letters=b"l" * 32, members=b"m" * 32, fingerprints=b"other" * 6 + b"ot")
        identity, others = Identity.of("staff", None), PersonalData(None, keys)
        ours = join_command(body, identity=identity, card_ids=card_id, sealing=SEALING)
        assert ours.fingerprint != join_command(body, identity=identity, card_ids=card_id, sealing=others).fingerprint

    def test_a_join_without_personal_fields_has_the_fingerprint_that_it_always_had(self) -> None:
        command = joining(member_id=str(ANN), language="zh-CN", consents={"mail": True}, attribution={"shop": "7"})
        assert command.personal is None
        assert command.fingerprint == "b76080cdc4f399a9522c217b97a29823ce3c41f10a75c61993d727810d8aa3b0"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""), ("name", "a\0b"), ("name", "x" * 201), ("name", 7),
            ("phone", "call me"), ("phone", "12"), ("phone", "+86 1380013800013800"), ("phone", "１３８００１３８０００"),
            ("email", "wang"), ("email", "wang@cn"), ("email", "wang xm@example.cn"), ("email", "a@b@example.cn"),
            ("address", ""), ("address", "x" * 501),
            ("birth_date", "31.5.1990"), ("birth_date", "1990-02-30"), ("birth_date", 643593600), ("birth_date", "1890-01-01"),
            ("birth_date", "2023-03-17"),
        ],
    )  # fmt: skip
    def test_a_personal_field_that_cannot_be_is_named_and_never_quoted(self, field: str, value: Any) -> None:
        refused = refusal(joining, **{field: value})
        assert isinstance(refused, InvalidField)
        assert refused.field == field
        assert len(str(value)) < 5 or str(value) not in str(refused)

    def test_a_referral_code_makes_another_message(self) -> None:
        plain, referred = joining(), joining(referral_code="R")
        assert (plain.referral_code, referred.referral_code) == (None, "R")
        assert plain.fingerprint != referred.fingerprint

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"card": ""}, "card"), ({"card": None}, "card"), ({"card": 1001}, "card"), ({"card": "a\0b"}, "card"), ({"card": "9" * 257}, "card"),
            ({"member_id": NAME}, "member_id"), ({"language": "Chinese"}, "language"), ({"consents": {"mail": "maybe"}}, "consents.mail"),
            ({"surprise": 1}, "surprise"), ({"registered_at": "soon"}, "registered_at"), ({"registered_at": 1483270227}, "registered_at"),
            ({"registered_at": "1899-12-31T23:59:59Z"}, "registered_at"), ({"registered_at": None}, "registered_at"),
            ({"consents": {str(n): True for n in range(51)}}, "consents"), ({"attribution": {"a": ""}}, "attribution.a"),
        ],
    )  # fmt: skip
    def test_a_field_that_cannot_be_read_is_named(self, changes: dict[str, Any], field: str) -> None:
        refused = refusal(joining, **changes)
        assert isinstance(refused, InvalidField)
        assert refused.field == field

    def test_a_registration_without_zone_is_refused(self) -> None:
        assert refusal(joining, registered_at="2023-03-15T10:00:00") == TimeWithoutZone(field="registered_at")

    def test_the_order_of_fields_makes_no_difference(self) -> None:
        one, other = joining(consents={"mail": True, "sms": False}), joining(consents={"sms": False, "mail": True})
        assert one.fingerprint == other.fingerprint


class TestCampaigns:
    def test_a_campaign_is_made_with_a_slug_of_its_name(self) -> None:
        command = creating(audience={"cards": [NUMBER, NUMBER, "7"]}, priority=3)
        assert command.campaign_id.startswith("dairy-twice-")
        assert (command.everyone, command.card_ids, command.priority) == (False, [card_id(NUMBER), card_id("7")], 3)
        assert creating(campaign_id="dairy").campaign_id == "dairy"
        assert creating(name="牛奶").campaign_id.startswith("campaign-")
        assert creating(audience={"members": [str(ANN), str(BOB), str(ANN)]}).member_ids == [ANN, BOB]

    def test_all_that_a_campaign_may_say_is_handed_on(self) -> None:
        command = creating(
            audience={"tiers": ["Gold"]}, conditions={"coupon": "C"}, budget={"points": 5, "mode": "refuse"},
            limits={"per_day": {"uses": 1}, "per_window": {"points": 9}},
        )  # fmt: skip
        assert (command.tiers, command.everyone, command.conditions.coupon) == (["Gold"], False, "C")
        assert (command.budget, command.limits) == (
            Budget(points=5, mode="refuse"), Limits(per_day=Allowed(uses=1), per_window=Allowed(points=9)),
        )  # fmt: skip
        assert creating(audience={"segment": "new"}).segment == "new"
        gift = creating(effect={"coupon": {"kind": "coffee", "valid_days": 30}}).effect.coupon
        assert gift == CouponGift(kind="coffee", valid_days=30)

    @pytest.mark.parametrize(
        "changes",
        [
            {"audience": {}}, {"audience": {"everyone": False}}, {"audience": {"everyone": True, "cards": ["1"]}}, {"audience": {"cards": []}},
            {"effect": {}}, {"effect": {"multiplier": "2", "bonus_points": 5}}, {"effect": {"multiplier": 1.5}}, {"effect": {"multiplier": "1"}},
            {"effect": {"multiplier": "1e99999999"}}, {"effect": {"bonus_points": -5}}, {"effect": {"discount": {}}},
            {"effect": {"coupon": {"kind": "coffee"}}}, {"budget": {}}, {"budget": {"points": 5, "amount_minor": 5}}, {"budget": {"points": 0}},
            {"budget": {"amount_minor": 5}}, {"budget": {"points": 5}, "effect": {"discount": {"percent": 5}}}, {"limits": {}}, {"limits": {"per_day": {}}},
            {"budget": {"points": 5, "mode": "maybe"}}, {"limits": {"per_day": {"points": 5}}, "effect": {"coupon": {"kind": "c", "valid_days": 1}}}, {"conditions": {"minimum_paid_minor": -1}},
            {"conditions": {"colour": "red"}}, {"campaign_id": "Not A Slug"}, {"campaign_id": "-"}, {"priority": 1.5}, {"priority": 10_000},
            {"name": ""}, {"audience": {"members": [NAME]}}, {"starts_at": "1"},
        ],
    )  # fmt: skip
    def test_terms_that_cannot_be_meant_are_refused(self, changes: dict[str, Any]) -> None:
        assert refusal(creating, **changes).name == "invalid-field"

    def test_a_window_without_zone_is_refused(self) -> None:
        assert refusal(creating, ends_at="2023-06-01T00:00:00") == TimeWithoutZone(field="ends_at")

    def test_the_same_terms_have_the_same_fingerprint_and_other_terms_another(self) -> None:
        assert creating().fingerprint == creating().fingerprint
        others = [
            creating(priority=1),
            creating(effect={"multiplier": "3"}),
            creating(audience={"cards": ["1"]}),
            creating(audience={"cards": ["2"]}),
        ]
        assert len({creating().fingerprint, *(other.fingerprint for other in others)}) == 5


class TestProgrammes:
    def test_a_shipped_programme_is_published(self) -> None:
        command = publish_command(shipped("corner_shop"), identity=Identity.of("staff", "k"), now=NOW)
        assert (command.policy, command.forced_reason) == (policy("corner_shop"), None)

    def test_a_programme_that_is_not_shipped_is_refused(self) -> None:
        with pytest.raises(InvalidField):
            shipped("nobodys")

    def test_errors_of_the_linter_keep_a_version_from_being_published_unless_somebody_says_why(self) -> None:
        rules = policy(points_as_cash=None)
        with pytest.raises(PolicyRefused):
            publish_command(rules, identity=Identity.of("staff", None), now=NOW)
        forced = publish_command(
            rules, identity=Identity.of("staff", None), now=NOW, forced_reason="a pilot without cash"
        )
        assert forced.forced_reason == "a pilot without cash"

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("name: [", MalformedMessage),
            ("", PolicyRefused),
            ("- a", PolicyRefused),
            ("name: x", PolicyRefused),
            ("a: !!python/name:os.system", MalformedMessage),
        ],
    )
    def test_a_file_that_cannot_be_read_is_refused(self, text: str, kind: type[Refusal]) -> None:
        with pytest.raises(kind):
            policy_from_yaml(text)


class TestPurchases:
    BODY: ClassVar[dict[str, Any]] = {
        "source": "/stores/1", "id": "R-1", "time": "2023-05-02T12:00:00+08:00", "currency": "CNY", "store": "1", "card": NUMBER,
        "lines": [{"line": "1", "sku": "1", "quantity": 1, "gross_minor": 1500}], "tenders": [{"kind": "cash", "amount_minor": 1500}],
    }  # fmt: skip

    def test_a_body_is_read(self) -> None:
        body = read(PurchaseBody, json.dumps(self.BODY), strictly=True)
        assert (body.source, body.id, body.time, body.member) == ("/stores/1", "R-1", NOW, None)

    @pytest.mark.parametrize("place", ["body", "line", "tender"])
    def test_an_unknown_field_is_refused_over_http(self, place: str) -> None:
        body = json.loads(json.dumps(self.BODY))
        {"body": body, "line": body["lines"][0], "tender": body["tenders"][0]}[place]["surprise"] = 1
        with pytest.raises(InvalidField) as refused:
            read(PurchaseBody, json.dumps(body), strictly=True)
        assert refused.value.field.endswith("surprise")
        assert read(PurchaseBody, json.dumps(body), strictly=False).id == "R-1"

    WHOLE: ClassVar[dict[str, Any]] = BODY | {
        "channel": "web", "member": str(ANN), "holds": [str(BOB)],
        "lines": [
            {"line": "1", "sku": '\u4e2d"\\/\u007f\u2028\U0001f600\u0007', "category": "é", "quantity": "1.250", "gross_minor": 1500},
            {"line": "2", "sku": "2", "quantity": 2, "gross_minor": 700, "discount_minor": 100, "tax_minor": 5},
            {"line": "3", "sku": "2", "quantity": 0, "gross_minor": 0, "discount_minor": 0, "tax_minor": 0},
        ],
        "tenders": [{"kind": "cash", "amount_minor": 2100}],
        "coupons": [{"code": "C", "campaign": "c", "reservation": str(ANN)}],
    }  # fmt: skip
    BROUGHT: ClassVar[dict[str, Any]] = {
        "purchase": {"source": "/stores/1", "id": "R-0"}, "lines": [{"line": "1", "quantity": 1, "amount_minor": 1500}],
    }  # fmt: skip

    @pytest.mark.parametrize(
        ("body", "recorded"),
        [
            (BODY, "07f8a475c3ac8b69484eb2a4d9a886c1fc0c9e6910884993ac5d3d45fb6faf74"),
            (WHOLE | {"card": None}, "1e112cb27336c3b7d664db1638d9452081e34c84fcaf34fb83b9878990ffd821"),
            (
                BODY | {"returned": [BROUGHT], "tenders": []},
                "2fe2709d4bd19bb2a2da0686f3d3afdf9d19a228ccd439618494b98bb12dbf12",
            ),
        ],
        ids=["the least that can be said", "all that can be said", "goods brought back"],
    )
    def test_a_purchase_has_the_fingerprint_that_it_always_had(self, body: dict[str, Any], recorded: str) -> None:
        """Given a receipt that an earlier release recorded, when it comes again, then it is known to be the same."""
        data = read(PurchaseBody, json.dumps(body), strictly=True)
        command = purchase_command(
            data, source=data.source, external_id=data.id, time=data.time, card_ids=card_id, answered=True
        )
        assert command.fingerprint == recorded


def test_keys_of_different_owners_never_meet() -> None:
    assert Identity.of("ann", "k").fields()["id"] != Identity.of("bob", "k").fields()["id"]
    assert isinstance(Identity.of("ann", None).fields()["id"], UUID)
