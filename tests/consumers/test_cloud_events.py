"""CloudEvents as they are read from Kafka: strictly, and refused by name without being quoted."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies

from consumers import purchases
from consumers.cloud_events import MAX_MESSAGE_BYTES, event_of
from domain.commands.purchases import RecordPurchase
from domain.commands.returns import TakeBack
from domain.commands.tills import CloseTill
from domain.fact import message_id
from domain.messages.purchases import PurchaseCompleted, purchase_command
from domain.refusals import REFUSALS, Refusal
from tests.builders import card_id
from tests.consumers.bad_messages import (
    BACK,
    BAD,
    BINARY,
    CARD_NUMBER,
    COUNTED,
    GOOD,
    NAME,
    Headers,
    Sent,
    binary,
    closing,
    data,
    event,
    line,
    raw,
    returned,
)


def command_of(value: bytes | None, headers: Headers | None = None) -> RecordPurchase:
    """As intake does it."""
    command = purchases.command_of(event_of(value, headers or []), card_id)
    assert isinstance(command, RecordPurchase)
    return command


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_refused_by_name(name: str) -> None:
    sent: Sent = BAD[name]
    with pytest.raises(Refusal) as refused:
        command_of(sent.value, sent.headers)
    assert (refused.value.name, refused.value.name in REFUSALS) == (sent.reason, True)


@pytest.mark.parametrize("name", BAD)
def test_a_refusal_never_quotes_the_customer(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        command_of(BAD[name].value, BAD[name].headers)
    told = str(refused.value) + json.dumps(refused.value.fields(), default=str)
    assert CARD_NUMBER not in told
    assert NAME not in told
    assert len(told) < 1_000
    assert told.encode().isascii() or "Σ" in told


def test_a_good_message_is_read_in_structured_and_in_binary_mode() -> None:
    structured, in_binary = command_of(event()), command_of(*binary())
    assert structured == in_binary
    assert structured.source == structured.actor == "/stores/367/tills/4"
    assert (structured.external_id, structured.occurred_at) == ("R-1", datetime(2017, 1, 1, 11, 30, 27, tzinfo=UTC))
    assert (structured.card_id, structured.member_id, structured.currency) == (card_id(CARD_NUMBER), None, "USD")
    assert [one["quantity"] for one in structured.lines] == [1, "0.25"]


@pytest.mark.parametrize(("kind", "lines"), [("pos.purchase.returned.v1", [BACK]), ("pos.purchase.voided.v1", None)])
def test_a_return_and_a_void_are_read_in_both_modes(kind: str, lines: list[dict[str, Any]] | None) -> None:
    sent = returned(kind=kind, lines=lines)
    in_binary = binary(json.dumps(json.loads(sent)["data"]).encode(), type=kind.encode(), id=b"T-1")
    structured, headed = (purchases.command_of(event_of(*one), card_id) for one in ((sent, []), in_binary))
    assert isinstance(structured, TakeBack)
    assert structured == headed
    assert (structured.id, structured.purchase_id) == (
        message_id(structured.source, "T-1"),
        message_id("/stores/367/tills/4", "R-1"),
    )
    assert (structured.lines, structured.strictly, structured.answered, structured.actor) == (
        lines, False, False, "/stores/367/tills/4",
    )  # fmt: skip


def test_a_closing_is_read_in_both_modes_and_a_future_field_makes_no_difference() -> None:
    in_binary = binary(
        json.dumps(COUNTED).encode(), type=b"pos.till.closed.v1", id=b"Z-1", time=b"2017-01-01T23:05:00Z"
    )
    same = [(closing(), []), in_binary, (closing(colour="red"), [])]
    structured, *others = [purchases.command_of(event_of(*one), card_id) for one in same]
    assert isinstance(structured, CloseTill)
    assert others == [structured, structured]
    assert (structured.source, structured.external_id, structured.answered) == ("/stores/367/tills/4", "Z-1", False)
    assert (structured.business_day, structured.receipts, structured.paid_minor) == (date(2017, 1, 1), 3, 720)
    assert structured.fingerprint != purchases.command_of(event_of(closing(store=None), []), card_id).fingerprint


def test_what_means_the_same_return_has_the_same_fingerprint() -> None:
    def fingerprint(sent: bytes) -> str:
        return purchases.command_of(event_of(sent, []), card_id).fingerprint

    same = [returned(lines=[{**BACK, "quantity": "1.0"}]), returned(tenders=[]), returned(colour="red")]
    other = [
        returned(lines=[{**BACK, "quantity": 0}]),
        returned(reason=None),
        returned(time="2017-01-01T11:30:28Z"),
        returned(kind="pos.purchase.voided.v1"),
        returned(lines=[BACK, BACK]),
    ]
    assert {fingerprint(one) for one in same} == {fingerprint(returned())}
    assert len({fingerprint(one) for one in [returned(), *other]}) == 1 + len(other)


def test_headers_that_are_no_attributes_leave_the_message_structured() -> None:
    assert command_of(event(), [("content-type", b"application/cloudevents+json"), ("trace", None)]) == command_of(
        event()
    )


@pytest.mark.parametrize(
    "value",
    [
        event(extension="x", data=data(colour="red")), line(colour="red"), event(subject=None, datacontenttype=None), event(time="2017-01-01T06:30:27-05:00"),
        event(time="2017-01-01T11:30:27.000Z"), event(time="2017-01-01t11:30:27z"), json.dumps(GOOD, indent=4).encode(),
        json.dumps(dict(reversed(GOOD.items()))).encode(), line(quantity="1.00"), line(tax_minor=None), event(data=data(coupons=GOOD["data"]["coupons"], holds=None)),
        raw('"store": "367"', b'"store": "1", "store": "367"'), raw('"ICE CREAM"', b'"ICE\\u0020CREAM"'), event(data=data(channel=None)),
    ],
)  # fmt: skip
def test_what_means_the_same_has_the_same_fingerprint(value: bytes) -> None:
    assert command_of(value).fingerprint == command_of(event()).fingerprint


@pytest.mark.parametrize(
    "value",
    [
        event(time="2017-01-01T11:30:28Z"), event(data=data(store="368")), event(data=data(card="5")), event(data=data(card=None)), line(sku="8"),
        line(quantity=2), line(gross_minor=198, discount_minor=58), line(category=None), line(tax_minor=1), event(data=data(coupons=[])),
        event(data=data(tenders=[{"kind": "cash", "amount_minor": 240}])), event(data=data(currency="EUR")), event(data=data(channel="app")),
    ],
)  # fmt: skip
def test_what_means_something_else_has_another_fingerprint(value: bytes) -> None:
    assert command_of(value).fingerprint != command_of(event()).fingerprint


def test_the_fingerprint_does_not_help_to_guess_the_card() -> None:
    """It holds the keyed id of the card, so that without the key no number can be tried against it."""

    def fingerprint(name_space: str) -> str:
        message = event_of(event(), [])
        assert isinstance(message, PurchaseCompleted)
        return purchase_command(
            message.data,
            source="s",
            external_id="R",
            time=message.time,
            card_ids=lambda number: card_id(name_space + number),
            answered=False,
        ).fingerprint

    assert fingerprint("one key") != fingerprint("another key")


@pytest.mark.parametrize(
    ("quantity", "kept"),
    [
        (0, 0),
        ("0", 0),
        ("0.000", 0),
        ("2.50", "2.5"),
        ("89638", 89638),
        ("0.000001", "0.000001"),
        ("007", 7),
        (10**9, 10**9),
    ],
)
def test_a_quantity_is_pieces_or_a_decimal_without_needless_zeros(quantity: Any, kept: Any) -> None:
    assert command_of(line(quantity=quantity)).lines[0]["quantity"] == kept


def test_a_basket_may_total_nothing() -> None:
    free = data(lines=[{"line": "1", "sku": "1", "quantity": 0, "gross_minor": 0}], tenders=[])
    assert command_of(event(data=free)).tenders == []


def test_a_message_of_exactly_the_limit_is_read() -> None:
    padding = MAX_MESSAGE_BYTES - len(event(padding=""))
    assert command_of(event(padding="x" * padding)).external_id == "R-1"
    with pytest.raises(Refusal) as refused:
        command_of(event(padding="x" * (padding + 1)))
    assert refused.value.fields() == {"size": MAX_MESSAGE_BYTES + 1, "limit": MAX_MESSAGE_BYTES}


@forall(strategies.binary(max_size=300) | strategies.text(max_size=300).map(str.encode))
def test_whatever_bytes_arrive_they_are_read_or_refused(value: bytes) -> None:
    for headers in ([], BINARY):
        with pytest.raises(Refusal):
            command_of(value, headers)


JSON: strategies.SearchStrategy[Any] = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=20),
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
PLACES = [("time",), ("id",), ("type",), ("data",), ("data", "card"), ("data", "lines"), ("data", "lines", 0), ("data", "lines", 0, "quantity"),
          ("data", "lines", 0, "gross_minor"), ("data", "tenders", 0), ("data", "member"), ("data", "coupons"), ("data", "currency")]  # fmt: skip


@forall(strategies.sampled_from(PLACES), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused(place: tuple[Any, ...], value: object) -> None:
    message: Any = json.loads(event())
    inner = message
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with suppress(Refusal):
        command_of(json.dumps(message).encode())
