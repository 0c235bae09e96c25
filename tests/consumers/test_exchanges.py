"""Exchanges through a real Kafka: taken in whole, before or after what they name, once; what goes too far is flagged."""

from typing import Any

from domain.basket import Tender
from domain.returned import ReturnedLine
from tests.builders import back
from tests.consumers.bad_messages import GOOD, data, event
from tests.consumers.test_purchases import Till, till

__all__ = ["till"]

FACTS = """
SELECT name, told ->> 'external_id', told -> 'lines', told -> 'excess', told ->> 'exchanged_for' IS NOT NULL
FROM (SELECT position, name, convert_from(state, 'UTF8')::jsonb AS told FROM facts) AS log
WHERE name IN ('ReturnKept.v1', 'PurchaseReturned.v1') ORDER BY position
"""


def exchange(name: str, of: str, *lines: ReturnedLine, rest_minor: int, refund: list[Tender] | None = None) -> bytes:
    """The good receipt of 240, of which something that was brought back paid all but the rest."""
    goods: dict[str, Any] = {"purchase": {"source": GOOD["source"], "id": of}, "lines": list(lines)}
    tenders = [{"kind": "card", "amount_minor": rest_minor}] if rest_minor else []
    return event(id=name, data=data(card="card 1", tenders=tenders, returned=[{**goods, "tenders": refund or []}]))


def test_an_exchange_is_taken_in_whole_and_once_whatever_it_names(till: Till) -> None:
    first = back(quantity=1, amount_minor=140)
    too_much = back(quantity=2, amount_minor=150)
    till.sell(1)
    till.take_in()  # it lies on another partition, and would be read before or after the others
    sent = [
        exchange("X-1", "R-1", first, rest_minor=100),
        exchange("X-2", "R-9", first, rest_minor=110, refund=[Tender(kind="cash", amount_minor=10)]),
        exchange("X-3", "X-1", too_much, rest_minor=90),
    ]
    for message in [*sent, *sent]:
        till.send(message)
    till.take_in()
    till.sell(9)
    till.take_in()
    assert sorted(till.recorded()) == ["R-1", "R-9", "X-1", "X-2", "X-3"]
    assert sorted(till.rows(FACTS), key=lambda row: (row[1], row[0])) == [
        ("PurchaseReturned.v1", "X-1", [first], None, True),
        ("PurchaseReturned.v1", "X-2", [first], None, True),
        ("ReturnKept.v1", "X-2", [first], None, True),
        ("PurchaseReturned.v1", "X-3", [first], [back(quantity=1, amount_minor=10)], True),
    ]
    assert till.rows("SELECT reason FROM dead_letters") == []
