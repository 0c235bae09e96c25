"""Returns and voids of real baskets through Kafka: after their purchases or before them, once or twice."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.demo import complete_journey
from tests.journeys.ledger import Ledger, running

BASKETS = 500


def _event(kind: str, name: str, basket: Any, **data: Any) -> bytes:
    purchase = {"source": basket["source"], "id": basket["id"]}
    event = {
        "specversion": "1.0", "type": f"pos.purchase.{kind}.v1", "source": basket["source"], "id": name,
        "time": "2017-12-01T12:00:00Z", "data": {"purchase": purchase, **data},
    }  # fmt: skip
    return json.dumps(event).encode() + b"\n"


def _returns(baskets: list[Any]) -> Iterator[bytes]:
    """Of every basket something comes back, once: a piece of money, the first line, or everything; now and then too much."""
    for number, basket in enumerate(baskets):
        first = basket["data"]["lines"][0]
        line = {"line": first["line"], "quantity": first["quantity"]}
        paid = first["gross_minor"] - first["discount_minor"]
        if number % 4 == 0:
            yield _event("voided", f"V-{number}", basket, reason="rung up twice")
        elif number % 4 == 1:
            yield _event("returned", f"T-{number}", basket, lines=[{**line, "amount_minor": paid + 7}])
        elif number % 4 == 2 and paid:
            yield _event(
                "returned", f"T-{number}", basket, lines=[{**line, "quantity": 0, "amount_minor": (paid + 1) // 2}]
            )


def _prepare(ledger: Ledger, home: Path) -> tuple[str, str]:
    """Members are in; answers the files of purchases and of their returns."""
    members, purchases, returns = (home / f"{name}.ndjson" for name in ("members", "purchases", "returns"))
    lines = [basket.value + b"\n" for basket in complete_journey.baskets(BASKETS)]
    members.write_text("".join(json.dumps(body) + "\n" for body in complete_journey.members()))
    purchases.write_bytes(b"".join(lines))
    backs = list(_returns([json.loads(line) for line in lines]))
    random.Random(3).shuffle(backs)
    returns.write_bytes(b"".join(backs))
    ledger.loyalty("load", "members", str(members))
    return str(purchases), str(returns)


def test_returns_loaded_before_or_after_their_purchases_end_in_the_same_rows(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for home in (first, second):
        home.mkdir()
    with running(first) as ledger:
        purchases, returns = _prepare(ledger, first)
        assert f"{BASKETS:,} purchases published, 0 refused" in ledger.loyalty("load", "purchases", purchases)
        ledger.caught_up()
        assert "returns published, 0 refused" in ledger.loyalty("load", "returns", returns)
        position = ledger.caught_up().position
        rows = ledger.rows()
        ledger.loyalty("load", "returns", returns)
        status = ledger.caught_up()
        assert (status.position, status.open_letters) == (position, 0)
        assert ledger.rows() == rows
    assert rows["balances_1.movements"]
    with running(second, keys=first / ".loyalty" / "keys.json") as ledger:
        purchases, returns = _prepare(ledger, second)
        ledger.loyalty("load", "returns", returns)
        ledger.caught_up()
        ledger.loyalty("load", "purchases", purchases)
        assert ledger.caught_up().open_letters == 0
        assert ledger.rows() == rows
