"""The real year, made into messages once for all tests of the demo."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from cli.demo.complete_journey import Basket, baskets


class Receipt(NamedTuple):
    """What a test wants to know of a message, without keeping 235 MB of them."""

    time: datetime
    number: int
    card: str
    paid: int
    tendered: int
    campaigns: tuple[str, ...]


@dataclass
class Year:
    """All messages of the year, read as a till's neighbour would read them."""

    first: Basket
    receipts: list[Receipt] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    digest: str = ""


@pytest.fixture(scope="session")
def year() -> Year:
    return _read(baskets())


def _read(messages: Iterator[Basket]) -> Year:
    digest, year = hashlib.sha256(), None
    for message in messages:
        year = year or Year(first=message)
        digest.update(message.value)
        _count(year, message, json.loads(message.value))
    assert year is not None
    year.digest = digest.hexdigest()
    return year


def _count(year: Year, message: Basket, event: dict[str, Any]) -> None:
    data = event["data"]
    lines, tenders = data["lines"], data["tenders"]
    paid = sum(line["gross_minor"] - line["discount_minor"] for line in lines)
    year.seen["lines"] += len(lines)
    year.seen["lines without quantity"] += sum(line["quantity"] == 0 for line in lines)
    year.seen["lines without category"] += sum("category" not in line for line in lines)
    year.seen["baskets of nothing"] += paid == 0
    year.seen["empty tenders"] += sum(tender["amount_minor"] <= 0 for tender in tenders)
    year.seen["wrong numbering"] += [line["line"] for line in lines] != [str(n + 1) for n in range(len(lines))]
    year.seen["wrong identity"] += (message.source, message.external_id) != (event["source"], event["id"])
    year.seen["wrong key"] += message.key.decode() != data["card"] or event["subject"] != f"card:{data['card']}"
    receipt = Receipt(
        time=datetime.fromisoformat(event["time"]),
        number=int(event["id"].removeprefix("R-")),
        card=data["card"],
        paid=paid,
        tendered=sum(tender["amount_minor"] for tender in tenders),
        campaigns=tuple(coupon["campaign"] for coupon in data["coupons"]),
    )
    year.receipts.append(receipt)
