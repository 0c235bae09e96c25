"""The contract in docs/contract is the one of the code, and real messages keep to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from cli.contract import documents, write
from cli.demo.complete_journey import baskets
from domain.document import read_yaml
from domain.fact import FACTS
from domain.refusals import WrongCurrency
from infra import relay
from infra.bootstrap import TOPICS
from tests.consumers.bad_messages import BACK, BAD, BINARY, GOOD, closing, data, event, line, returned
from tests.test_house import GOLDEN

CONTRACT = Path(__file__).parents[2] / "docs" / "contract"
DOCUMENTS = documents()
ASYNCAPI: dict[str, Any] = read_yaml(DOCUMENTS["asyncapi.yaml"]).data
COMPLETED = "pos.purchase.completed.v1"


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(DOCUMENTS[f"schemas/{name}.json"]), format_checker=FormatChecker())


def headers_of(channel: str, message: str) -> Draft202012Validator:
    return Draft202012Validator(ASYNCAPI["channels"][channel]["messages"][message]["headers"])


def test_the_contract_is_up_to_date() -> None:
    """If not: `make contract`, and look at what changed before it is committed."""
    kept = {
        str(path.relative_to(CONTRACT)): path.read_text(encoding="utf-8")
        for path in CONTRACT.rglob("*")
        if path.is_file()
    }
    assert kept == DOCUMENTS


def test_it_is_written_afresh(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "stale.json").touch()
    write(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(DOCUMENTS)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith(".json")])
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(DOCUMENTS[name]))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(ASYNCAPI))
    assert found
    for reference in found:
        if reference.startswith("./"):
            assert reference.removeprefix("./") in DOCUMENTS
        else:
            node = ASYNCAPI
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]


def test_every_topic_is_a_channel_and_every_fact_a_message() -> None:
    assert {channel["address"] for channel in ASYNCAPI["channels"].values()} == set(TOPICS)
    named = {message["name"] for message in ASYNCAPI["channels"]["facts"]["messages"].values()}
    assert named == {f"loyalty.{name}" for name in FACTS} | {"loyalty.watermark.v1"}


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_as_stored_keeps_to_its_schema(name: str) -> None:
    fact = json.loads((GOLDEN / f"{name}.json").read_bytes())
    validator(f"loyalty.{name}").validate(fact)
    del fact["originator_id"]
    assert not validator(f"loyalty.{name}").is_valid(fact)


@pytest.mark.parametrize(
    "message",
    [
        event(),
        event(subject=None),
        line(quantity="0.250"),
        line(quantity=0),
        event(data=data(card=None)),
        event(data=data(card=None, member="a0000000-0000-4000-8000-000000000001")),
    ],
)
def test_a_good_message_keeps_to_its_schema_in_both_modes(message: bytes) -> None:
    read = json.loads(message)
    validator(COMPLETED).validate(read)
    validator(f"{COMPLETED}.data").validate(read["data"])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pos.purchase.returned.v1", returned()),
        ("pos.purchase.returned.v1", returned(lines=[{**BACK, "quantity": "0.25"}], reason=None)),
        ("pos.purchase.voided.v1", returned(kind="pos.purchase.voided.v1", lines=None)),
    ],
)
def test_what_goes_back_keeps_to_its_schema_too(kind: str, message: bytes) -> None:
    read = json.loads(message)
    validator(kind).validate(read)
    validator(f"{kind}.data").validate(read["data"])
    del read["data"]["purchase"]
    assert not validator(kind).is_valid(read)


def test_a_closing_keeps_to_its_schema_too() -> None:
    read = json.loads(closing())
    validator("pos.till.closed.v1").validate(read)
    validator("pos.till.closed.v1.data").validate(read["data"])
    assert not validator("pos.till.closed.v1").is_valid(json.loads(closing(paid_minor=7.2)))


def test_what_the_demo_publishes_keeps_to_the_schema() -> None:
    checked = validator(COMPLETED)
    for basket in baskets(200):
        checked.validate(json.loads(basket.value))


WRONG_IN_SHAPE = [
    "a float amount", "an amount as text", "a negative amount", "an amount beyond 2^53", "a negative quantity", "a float quantity", "no lines",
    "data without store", "a message without id", "a line without sku", "an unknown tender", "a small currency", "a future CloudEvent", "a receipt as a return",
    "an empty id", "a NUL in the id", "a number as card",
]  # fmt: skip


@pytest.mark.parametrize("name", WRONG_IN_SHAPE)
def test_a_message_that_is_wrong_in_shape_breaks_the_schema_too(name: str) -> None:
    assert not validator(COMPLETED).is_valid(json.loads(BAD[name].value or b""))


def test_headers_in_binary_mode_keep_to_the_contract() -> None:
    sent = {name: (text or b"").decode() for name, text in BINARY}
    headers_of("purchases", "purchaseCompletedBinary").validate(sent)
    told = relay._headers("loyalty.PointsEarned.v1", "stream:7", "0a1b2c3d/12/7")
    headers_of("facts", "PointsEarned_v1").validate({name: value.decode() for name, value in told})
    assert GOOD["type"] == COMPLETED


def test_a_dead_letter_keeps_to_its_schema() -> None:
    validator("pos.purchases.v1.dead").validate(
        json.loads(relay._letter(1, WrongCurrency.name, "{}", "pos.purchases.v1", 3, 9, b"sealed"))
    )
