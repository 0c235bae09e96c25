"""Random histories of receipts: sold to members, cards and nobody, exchanged, returned, claimed, put right."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies

from domain.command import Command
from tests.builders import ANN, BOB, back, brought, claim, join, line, purchase, reassign, returned
from tests.domain.story import JOINED_AT
from tests.spec import NOON

CAT = UUID("c0000000-0000-4000-8000-00000000000c")
RECEIPTS = 4
CARDS = ["1001", "1002", "1003", None]
"""Of Ann, of Bob, of Cat, who joins later, and none."""
AMOUNTS = [400, 999, 5_000, 9_500]

NUMBER = strategies.integers(0, RECEIPTS - 1)
WENT = strategies.builds(
    back, strategies.sampled_from(["1", "2", "9"]), quantity=strategies.integers(0, 2),
    amount_minor=strategies.sampled_from([1, 300, 1_000, 5_000]),
)  # fmt: skip
EVENT = strategies.one_of(
    strategies.tuples(strategies.just("return"), NUMBER, WENT),
    strategies.tuples(strategies.just("void"), NUMBER, WENT),
    strategies.tuples(strategies.just("exchange"), NUMBER, WENT),
    strategies.tuples(strategies.just("claim"), NUMBER, WENT),
    strategies.tuples(strategies.just("reassign"), NUMBER, WENT),
)
HISTORY = strategies.tuples(
    strategies.lists(strategies.tuples(strategies.sampled_from(CARDS), strategies.sampled_from(AMOUNTS)), min_size=RECEIPTS, max_size=RECEIPTS),
    strategies.lists(EVENT, max_size=7),
)  # fmt: skip


def people() -> list[Command]:
    """Ann and Bob, who have joined, and Cat with the third card."""
    return [
        join(ANN, at=JOINED_AT, key="ann"),
        join(BOB, at=JOINED_AT, card="1002", key="bob"),
        join(CAT, at=JOINED_AT, card="1003", key="cat"),
    ]


def receipts(sold: list[tuple[str | None, int]]) -> list[Command]:
    """A receipt of two lines each, of which the first has two pieces."""
    return [
        purchase(
            line(paid, quantity=2), line(1_000), at=NOON + timedelta(hours=number), id=f"R-{number}", card=card,
            store=str(number), answered=False,
        )
        for number, (card, paid) in enumerate(sold)
    ]  # fmt: skip


def what_follows(bought: list[Command], events: list[Any]) -> list[Command]:
    """What happens to the receipts, each with an identity of its own."""
    return [_command(kind, number, bought[of], f"R-{of}", went) for number, (kind, of, went) in enumerate(events)]


def _command(kind: str, number: int, of: Command, name: str, went: Any) -> Command:
    at = NOON + timedelta(days=1 + number)
    if not went["quantity"] and not went["amount_minor"]:
        went = back(amount_minor=1)
    if kind == "claim":
        return claim(of.id, member=ANN if number % 2 else BOB, at=at, key=f"C-{number}")
    if kind == "reassign":
        return reassign(of.id, member=ANN if number % 2 else BOB, at=at, key=f"W-{number}")
    if kind == "exchange":
        goods = [brought(went, of=name)]
        return purchase(
            line(7_000),
            at=at,
            id=f"X-{number}",
            card=CARDS[number % 2],
            store=f"X{number}",
            brought=goods,
            answered=False,
        )
    return returned(of.id, *([went] if kind == "return" else []), at=at, id=f"T-{number}")
