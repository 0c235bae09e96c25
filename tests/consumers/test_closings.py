"""Closings of tills through a real Kafka: each becomes a fact of its till, once."""

from tests.consumers.bad_messages import closing
from tests.consumers.test_purchases import Till, till

__all__ = ["till"]


def test_a_till_that_is_closed_is_a_fact_of_the_till_once(till: Till) -> None:
    for _ in range(2):
        till.send(closing())
    till.take_in()
    rows = till.rows("SELECT name, convert_from(state, 'UTF8')::jsonb FROM facts WHERE name = 'TillClosed.v1'")
    ((_, told),) = rows
    assert (told["source"], told["external_id"], told["business_day"]) == ("/stores/367/tills/4", "Z-1", "2017-01-01")
    assert (told["receipts"], told["paid_minor"], told["store"]) == (3, 720, "367")
    assert till.rows("SELECT reason FROM dead_letters") == []
