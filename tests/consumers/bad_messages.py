"""What tills should never send, each with the reason it is refused for; and one good message to start from."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

CARD_NUMBER = "4000 1234 5678 9010"
NAME = "Wang Xiaoming"

Headers = list[tuple[str, bytes | None]]

GOOD: dict[str, Any] = {
    "specversion": "1.0", "type": "pos.purchase.completed.v1", "source": "/stores/367/tills/4", "id": "R-1", "time": "2017-01-01T11:30:27Z",
    "subject": f"card:{CARD_NUMBER}", "datacontenttype": "application/json",
    "data": {
        "currency": "USD", "store": "367", "channel": "store", "card": CARD_NUMBER, "customer_name": NAME,
        "lines": [
            {"line": "1", "sku": NAME, "category": "ICE CREAM", "quantity": 1, "gross_minor": 199, "discount_minor": 59, "tax_minor": 0},
            {"line": "2", "sku": "22", "quantity": "0.250", "gross_minor": 100},
        ],
        "tenders": [{"kind": "card", "amount_minor": 240}], "coupons": [{"code": CARD_NUMBER}], "holds": [],
    },
}  # fmt: skip

BINARY: Headers = [
    ("ce_specversion", b"1.0"), ("ce_type", b"pos.purchase.completed.v1"), ("ce_source", b"/stores/367/tills/4"),
    ("ce_id", b"R-1"), ("ce_time", b"2017-01-01T11:30:27Z"), ("content-type", b"application/json"),
]  # fmt: skip


class Sent(NamedTuple):
    """A record as it lies on the topic, and the reason why it is a dead letter."""

    reason: str
    value: bytes | None
    headers: Headers


def event(**changes: Any) -> bytes:
    """The good message with other attributes; None leaves one out."""
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not None}).encode()


def data(**changes: Any) -> dict[str, Any]:
    """The good data with other fields; None leaves one out."""
    return {name: value for name, value in {**deepcopy(GOOD["data"]), **changes}.items() if value is not None}


def line(**changes: Any) -> bytes:
    """The good message with another first line; None leaves a field out."""
    made = data()
    made["lines"][0] = {name: value for name, value in {**made["lines"][0], **changes}.items() if value is not None}
    return event(data=made)


def raw(old: str, new: bytes) -> bytes:
    """The good message with bytes that no JSON library would write."""
    good = event()
    assert old.encode() in good
    return good.replace(old.encode(), new, 1)


def binary(value: bytes | None = None, **changes: bytes | None) -> tuple[bytes, Headers]:
    """The good message in binary mode with other headers."""
    kept: Mapping[str, bytes | None] = {**dict(BINARY), **{f"ce_{name}": text for name, text in changes.items()}}
    return value if value is not None else json.dumps(GOOD["data"]).encode(), list(kept.items())


BACK: dict[str, Any] = {"line": "1", "quantity": 1, "amount_minor": 140}


def returned(*, kind: str = "pos.purchase.returned.v1", time: str = GOOD["time"], **changes: Any) -> bytes:
    """A good return of the good message, or a void, with other data; None leaves a field out."""
    made = {"purchase": {"source": GOOD["source"], "id": GOOD["id"]}, "lines": [BACK], "reason": NAME, **changes}
    kept = {name: value for name, value in made.items() if value is not None}
    return event(type=kind, id="T-1", time=time, data=kept)


COUNTED: dict[str, Any] = {"business_day": "2017-01-01", "receipts": 3, "paid_minor": 720, "store": "367"}


def closing(*, kind: str = "pos.till.closed.v1", **changes: Any) -> bytes:
    """A good closing of the till, with other data; None leaves a field out."""
    kept = {name: value for name, value in {**COUNTED, **changes}.items() if value is not None}
    return event(type=kind, id="Z-1", time="2017-01-01T23:05:00Z", data=kept)


EXCHANGED: dict[str, Any] = {"purchase": {"source": GOOD["source"], "id": "R-0"}, "lines": [BACK]}


def exchanged(**changes: Any) -> bytes:
    """The good message with goods brought back that its tenders do not allow for; None leaves a field out."""
    made = {name: value for name, value in {**EXCHANGED, **changes}.items() if value is not None}
    return event(data=data(returned=[made]))


def _sent(reason: str, value: bytes | tuple[bytes, Headers] | None) -> Sent:
    return Sent(reason, *value) if isinstance(value, tuple) else Sent(reason, value, [])


def _missing(kind: str, names: list[str], build: Callable[..., bytes]) -> dict[str, Sent]:
    return {f"{kind} without {name}": _sent("invalid-field", build(**{name: None})) for name in names}


MALFORMED = {
    "no value": None, "an empty value": b"", "blanks": b"  \n ", "half a message": event()[:200], "plain words": b"sold one ice cream",
    "binary garbage": bytes(range(256)), "a lone brace": b"{", "another encoding": event().decode().encode("utf-16"),
    "text that is not UTF-8": raw("ICE CREAM", b"GLAC\xc9"), "a byte order mark": b"\xef\xbb\xbf" + event(), "two messages": event() + event(),
    "a list": b"[" + event() + b"]", "a string": b'"sold"', "a number": b"42", "null": b"null", "a lone surrogate": raw("ICE CREAM", b"\\ud800"),
    "deep lists": b"[" * 90_000 + b"]" * 90_000, "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a deep field that nobody reads": raw('"store"', b'"x":' + b"[" * 5_000 + b"]" * 5_000 + b',"store"'),
    "a number of 5,000 digits": raw("199", b"1" + b"0" * 5_000), "a raw line break in a text": raw("ICE CREAM", b"ICE\nCREAM"),
    "single quotes": event().replace(b'"', b"'"), "a trailing comma": event()[:-1] + b",}",
}  # fmt: skip

KINDS = {
    "an unknown type": ("unknown-type", event(type="pos.purchase.started.v1")),
    "a type without version": ("unknown-type", event(type="pos.purchase.completed")),
    "a type with a strange version": ("unknown-type", event(type="pos.purchase.completed.vNext")),
    "a type of lone surrogates": ("unknown-type", raw("pos.purchase", b"\\ud800")),
    "an endless type": ("unknown-type", event(type="x" * 10_000)),
    "a future version": ("unsupported-version", event(type="pos.purchase.completed.v2")),
    "a future version with a shape of its own": (
        "unsupported-version",
        event(type="pos.purchase.completed.v7", data={"basket": []}),
    ),
    "a future version of a return": ("unsupported-version", event(type="pos.purchase.returned.v2")),
    "a future CloudEvent": ("unsupported-version", event(specversion="2.0")),
    "an ancient CloudEvent": ("unsupported-version", event(specversion="0.3")),
    "a future version of a till closing": ("unsupported-version", closing(kind="pos.till.closed.v2")),
    "a number as specversion": ("invalid-field", event(specversion=1.0)),
    "a list as type": ("invalid-field", event(type=["pos.purchase.completed.v1"])),
    "another content type": ("invalid-field", event(datacontenttype="application/xml")),
    "base64 data": ("invalid-field", event(data=None, data_base64="e30=")),
    "text as data": ("invalid-field", event(data="a receipt")),
    "an endless id": ("invalid-field", event(id="R" * 257)),
    "an empty id": ("invalid-field", event(id="")),
    "a number as id": ("invalid-field", event(id=31198570044)),
    "a NUL in the id": ("invalid-field", event(id="R\0-1")),
    "an empty source": ("invalid-field", event(source="")),
    "more than is read at once": ("oversized-message", event(padding="x" * 200_000)),
}

TIMES = {
    "a time without zone": ("time-without-zone", event(time="2017-01-01T11:30:27")),
    "a date alone": ("time-without-zone", event(time="2017-01-01")),
    "a time of words": ("invalid-field", event(time="yesterday")),
    "a time of seconds": ("invalid-field", event(time=1483270227)),
    "a time of seconds as text": ("invalid-field", event(time="1483270227")),
    "an hour that does not exist": ("invalid-field", event(time="2017-01-01T25:00:00Z")),
    "a day that does not exist": ("invalid-field", event(time="2017-02-30T11:00:00Z")),
    "a time beyond the calendar": ("invalid-field", event(time="9999-12-31T23:59:59-14:00")),
    "a time before the calendar": ("invalid-field", event(time="0001-01-01T00:00:00+14:00")),
}

AMOUNTS = {
    "a float amount": ("invalid-field", line(gross_minor=199.5)),
    "a whole float": ("invalid-field", raw("199", b"199.0")),
    "an exponent": ("invalid-field", raw("199", b"1.99e2")),
    "an amount as text": ("invalid-field", line(gross_minor="199")),
    "a negative amount": ("invalid-field", line(gross_minor=-199)),
    "an amount beyond 2^53": ("invalid-field", line(gross_minor=2**53)),
    "an amount of fifty digits": ("invalid-field", line(gross_minor=10**50)),
    "a NaN": ("invalid-field", raw("199", b"NaN")),
    "an infinity": ("invalid-field", raw("199", b"-Infinity")),
    "a boolean amount": ("invalid-field", line(gross_minor=True)),
    "a discount above the price": ("invalid-field", line(discount_minor=200)),
    "a negative discount": ("invalid-field", line(discount_minor=-1)),
    "negative tax": ("invalid-field", line(tax_minor=-1)),
    "lines that together pass 2^53": (
        "invalid-field",
        event(data=data(
            lines=[{"line": str(n), "sku": "1", "quantity": 1, "gross_minor": 2**53 - 1} for n in range(2)],
            tenders=[{"kind": "cash", "amount_minor": 2**53 - 1}] * 2,
        )),
    ),
    "tenders that do not match": ("tenders-do-not-match", event(data=data(tenders=[{"kind": "card", "amount_minor": 241}]))),
    "no tenders for what was paid": ("tenders-do-not-match", event(data=data(tenders=[]))),
    "an unknown tender": ("invalid-field", event(data=data(tenders=[{"kind": "shells", "amount_minor": 240}]))),
    "a negative tender": ("invalid-field", event(data=data(tenders=[{"kind": "card", "amount_minor": 340}, {"kind": "cash", "amount_minor": -100}]))),
    "a hold that is no id": ("invalid-field", event(data=data(holds=["H-1"]))),
}  # fmt: skip

QUANTITIES = {
    "a negative quantity": ("negative-quantity", line(quantity=-1)),
    "a negative decimal quantity": ("negative-quantity", line(quantity="-0.5")),
    "a quantity of minus 4,000 digits": ("negative-quantity", raw('"quantity": 1', b'"quantity": -1' + b"0" * 4_000)),
    "a float quantity": ("invalid-field", line(quantity=0.5)),
    "a quantity of words": ("invalid-field", line(quantity="two")),
    "a quantity with an exponent": ("invalid-field", line(quantity="1e3")),
    "a quantity with a comma": ("invalid-field", line(quantity="1,5")),
    "a quantity with too many decimals": ("invalid-field", line(quantity="1.1234567")),
    "an empty quantity": ("invalid-field", line(quantity="")),
    "a boolean quantity": ("invalid-field", line(quantity=True)),
    "a quantity beyond reason": ("invalid-field", line(quantity=10**9 + 1)),
}

CONTENTS = {
    "no lines": ("invalid-field", event(data=data(lines=[]))),
    "too many lines": ("invalid-field", event(data=data(lines=[{"line": "1", "sku": "1", "quantity": 1, "gross_minor": 0}] * 2_001))),
    "a line that is a list": ("invalid-field", event(data=data(lines=[[1, 2]]))),
    "an empty sku": ("invalid-field", line(sku="")),
    "an endless sku": ("invalid-field", line(sku="s" * 257)),
    "a NUL in a category": ("invalid-field", line(category="ICE\0CREAM")),
    "a null category": ("invalid-field", raw('"ICE CREAM"', b"null")),
    "a small currency": ("invalid-field", event(data=data(currency="usd"))),
    "an endless currency": ("invalid-field", event(data=data(currency="DOLLARS"))),
    "a number as card": ("invalid-field", event(data=data(card=900000017))),
    "a member that is no id": ("invalid-field", event(data=data(card=None, member=NAME))),
    "card and member both": ("invalid-field", event(data=data(member="a0000000-0000-4000-8000-000000000001"))),
    "two lines with one id": (
        "invalid-field",
        event(data=data(lines=[{"line": "1", "sku": "1", "quantity": 1, "gross_minor": 120}] * 2)),
    ),
    "a coupon without code": ("invalid-field", event(data=data(coupons=[{"campaign": "c"}]))),
}  # fmt: skip

RETURNS = {
    "a return of a future version": ("unsupported-version", returned(kind="pos.purchase.returned.v2")),
    "a receipt as a return": ("invalid-field", event(type="pos.purchase.returned.v1")),
    "a receipt as a void": ("invalid-field", event(type="pos.purchase.voided.v1")),
    "a return of nothing": ("invalid-field", returned(lines=[])),
    "a return without lines": ("invalid-field", returned(lines=None)),
    "a return without a purchase": ("invalid-field", returned(purchase=None)),
    "a return of a purchase without source": ("invalid-field", returned(purchase={"id": "R-1"})),
    "a return of a purchase without id": ("invalid-field", returned(purchase={"source": "/stores/367/tills/4"})),
    "a return of a NUL": ("invalid-field", returned(purchase={"source": "/s", "id": "R\0"})),
    "a return of too many lines": ("invalid-field", returned(lines=[BACK] * 2_001)),
    "a return of neither pieces nor money": ("invalid-field", returned(lines=[{**BACK, "quantity": 0, "amount_minor": 0}])),
    "a return of a negative quantity": ("negative-quantity", returned(lines=[{**BACK, "quantity": -1}])),
    "a return of a negative decimal": ("negative-quantity", returned(lines=[{**BACK, "quantity": "-0.5"}])),
    "a return of a float quantity": ("invalid-field", returned(lines=[{**BACK, "quantity": 0.5}])),
    "a return of a negative amount": ("invalid-field", returned(lines=[{**BACK, "amount_minor": -1}])),
    "a return of a float amount": ("invalid-field", returned(lines=[{**BACK, "amount_minor": 1.5}])),
    "a return of an amount beyond 2^53": ("invalid-field", returned(lines=[{**BACK, "amount_minor": 2**53}])),
    "a return of a line without amount": ("invalid-field", returned(lines=[{"line": "1", "quantity": 1}])),
    "a return of a line without quantity": ("invalid-field", returned(lines=[{"line": "1", "amount_minor": 1}])),
    "a return of a line without id": ("invalid-field", returned(lines=[{"quantity": 1, "amount_minor": 1}])),
    "a return with an endless reason": ("invalid-field", returned(reason="r" * 257)),
    "a return paid back in shells": ("invalid-field", returned(tenders=[{"kind": "shells", "amount_minor": 1}])),
    "a return paid back in half a fen": ("invalid-field", returned(tenders=[{"kind": "points", "amount_minor": 0.5}])),
    "a return without a zone": ("time-without-zone", returned(time="2017-01-01T11:30:27")),
    "a void without a purchase": ("invalid-field", returned(kind="pos.purchase.voided.v1", purchase=None)),
    "a void at no time": ("invalid-field", returned(kind="pos.purchase.voided.v1", time="now")),
}  # fmt: skip

EXCHANGES = {
    "an exchange that does not add up": ("tenders-do-not-match", exchanged()),
    "an exchange for itself": ("invalid-field", exchanged(purchase={"source": GOOD["source"], "id": GOOD["id"]})),
    "an exchange of nothing": ("invalid-field", exchanged(lines=[])),
    "an exchange without a purchase": ("invalid-field", exchanged(purchase=None)),
    "an exchange of a negative quantity": ("negative-quantity", exchanged(lines=[{**BACK, "quantity": -1}])),
    "an exchange of neither pieces nor money": ("invalid-field", exchanged(lines=[{**BACK, "quantity": 0, "amount_minor": 0}])),
    "an exchange that pays out more than it takes": ("invalid-field", exchanged(tenders=[{"kind": "cash", "amount_minor": 141}])),
    "an exchange of one purchase twice": ("invalid-field", event(data=data(returned=[EXCHANGED, EXCHANGED]))),
    "an exchange of too many purchases": ("invalid-field", event(data=data(returned=[EXCHANGED] * 21))),
}  # fmt: skip

CLOSINGS = {
    "a closing of a day that there is not": ("invalid-field", closing(business_day="2017-02-30")),
    "a closing of a day of seconds": ("invalid-field", closing(business_day=1483228800)),
    "a closing of an instant": ("invalid-field", closing(business_day="2017-01-01T00:00:00Z")),
    "a closing of long ago": ("invalid-field", closing(business_day="1017-01-01")),
    "a closing of half a receipt": ("invalid-field", closing(receipts=2.5)),
    "a closing of fewer than no receipts": ("invalid-field", closing(receipts=-1)),
    "a closing of an amount as text": ("invalid-field", closing(paid_minor="720")),
    "a closing of a float amount": ("invalid-field", closing(paid_minor=7.2)),
    "a receipt as a closing": ("invalid-field", event(type="pos.till.closed.v1")),
}

BINARIES = {
    "a header that is not UTF-8": ("malformed-message", binary(id=b"\xff\xfe")),
    "a header without a value": ("malformed-message", binary(id=None)),
    "binary data that is no JSON": ("malformed-message", binary(b"<xml/>")),
    "binary data that is a list": ("invalid-field", binary(b"[]")),
    "a binary time without zone": ("time-without-zone", binary(time=b"2017-01-01T11:30:27")),
    "a binary time of seconds": ("invalid-field", binary(time=b"1483270227")),
    "a binary till closing that is a receipt": ("invalid-field", binary(type=b"pos.till.closed.v1")),
    "a binary receipt as a return": ("invalid-field", binary(type=b"pos.purchase.returned.v1")),
    "a binary receipt as a void": ("invalid-field", binary(type=b"pos.purchase.voided.v1")),
    "a binary future": ("unsupported-version", binary(specversion=b"1.1")),
    "a binary id of nothing": ("invalid-field", binary(id=b"")),
    "a binary NUL": ("invalid-field", binary(source=b"/stores\x00/1")),
    "a structured message with headers of another": ("unknown-type", binary(event(), type=b"weather.v1")),
    "a lone header of a CloudEvent": ("invalid-field", (event(), [("ce_id", b"R-1")])),
}

BAD: dict[str, Sent] = {
    **{name: _sent("malformed-message", value) for name, value in MALFORMED.items()},
    **{name: _sent(*sent) for group in (KINDS, TIMES, AMOUNTS, QUANTITIES, CONTENTS, RETURNS, EXCHANGES, CLOSINGS, BINARIES) for name, sent in group.items()},
    **_missing("a message", ["specversion", "type", "source", "id", "time", "data"], event),
    **_missing("data", ["currency", "store", "lines", "tenders"], lambda **gone: event(data=data(**gone))),
    **_missing("a closing", ["business_day", "receipts", "paid_minor"], closing),
    **_missing("a line", ["line", "sku", "quantity", "gross_minor"], line),
}  # fmt: skip
