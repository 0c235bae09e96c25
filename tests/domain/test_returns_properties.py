"""What holds of all returns: however they are split, ordered, repeated or delayed, what is left is the same."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import given as forall
from hypothesis import strategies

from domain.basket import Line
from domain.command import Command
from domain.movements import PointsEarned, PointsRevoked
from domain.points_account import PointsAccount, account_id
from domain.returned import ReturnedLine
from tests.builders import ANN, FAR_AHEAD, back, campaign_created, join, line, listed, purchase, returned
from tests.domain.story import JOINED_AT, RULES
from tests.spec import NOON
from tests.spec_of_commands import GivenLog, given_log

CAMPAIGNS = [
    campaign_created("strong", multiplier="3", priority=1, categories=["DAIRY"], minimum_paid_minor=10_000),
    campaign_created("weak", multiplier="1.5"),
    campaign_created("gift", bonus_points=50, minimum_paid_minor=8_000),
    campaign_created("milk", bonus_points=7, skus=["milk"]),
]
KINDS: list[dict[str, Any]] = [{}, {"category": "DAIRY"}, {"sku": "milk"}, {"category": "DAIRY", "sku": "milk"}]


class Sold(NamedTuple):
    """A line of a receipt: three pieces, what was paid, and what it is."""

    paid: int
    kind: int

    @property
    def line(self) -> Line:
        return line(self.paid, quantity=3, **KINDS[self.kind])


class Went(NamedTuple):
    """What a return asks for of a line, which there may be or not."""

    number: int
    pieces: int
    amount: int

    @property
    def asked(self) -> ReturnedLine:
        return back(str(self.number), quantity=self.pieces, amount_minor=self.amount)


SOLD = strategies.builds(Sold, strategies.sampled_from([0, 400, 999, 4_000, 6_000, 9_500]), strategies.integers(0, 3))
RECEIPT = strategies.lists(SOLD, min_size=1, max_size=4)
WENT = strategies.builds(
    Went, strategies.integers(1, 4), strategies.integers(0, 2), strategies.sampled_from([1, 300, 1_000, 3_500, 9_500])
)
RETURNS = strategies.lists(strategies.lists(WENT, min_size=1, max_size=3), max_size=5)


def ledger() -> GivenLog:
    log = given_log(RULES, *CAMPAIGNS, *(listed(one.campaign_id) for one in CAMPAIGNS))  # type: ignore[attr-defined]
    log.batch.recorded_at = FAR_AHEAD
    return log


def after(commands: Sequence[Command]) -> GivenLog:
    """A ledger to which all of this happened; nobody is refused."""
    log = ledger()
    for command in commands:
        assert log.when(command).refusal is None
    return log


def account(log: GivenLog) -> PointsAccount:
    return log.batch.get(PointsAccount, account_id(ANN))


def balances(log: GivenLog) -> dict[str, Any]:
    """Everything that the order of arrival must not change."""
    one = account(log)
    lots = {
        (purchase_id, lot.part): (lot.points, lot.revoked)
        for purchase_id, credited in one.credited.items()
        for lot in credited.lots
    }
    kept = {purchase_id: (credited.paid_minor, credited.gone) for purchase_id, credited in one.credited.items()}
    return {"lots": lots, "kept": kept, "periods": one.periods, "tier": one.tier or "Ordinary"}


def expected(receipt: Sequence[Sold], backs: Sequence[Went], *, voided: bool) -> dict[str, tuple[int, int]]:
    """Granted and revoked by part, worked out from the definition, by one return of everything that went back."""
    left = [sold.paid for sold in receipt]
    pieces = [3 for _ in receipt]
    for went in backs:
        if went.number <= len(receipt):
            left[went.number - 1] = max(0, left[went.number - 1] - went.amount)
            pieces[went.number - 1] = max(0, pieces[went.number - 1] - went.pieces)
    full, rest = [sold.paid for sold in receipt], [0] * len(receipt) if voided else left
    there = [
        not voided and (paid > 0 or (sold.paid == 0 and n > 0))
        for sold, paid, n in zip(receipt, rest, pieces, strict=True)
    ]
    granted = _earned(receipt, full, [True] * len(receipt), strong=sum(full) >= 10_000)
    kept = _earned(receipt, rest, there, strong=sum(full) >= 10_000)
    return {part: (points, points - min(points, kept.get(part, 0))) for part, points in granted.items() if points}


def _earned(receipt: Sequence[Sold], amounts: Sequence[int], there: Sequence[bool], *, strong: bool) -> dict[str, int]:
    """`strong` won the dairy lines when they were bought; it gives only while the basket reaches its minimum."""
    dairy = [sold.kind in {1, 3} for sold in receipt]
    won = sum(amount for amount, is_dairy in zip(amounts, dairy, strict=True) if is_dairy and strong)
    parts = {"base": sum(amounts) // 1_000}
    if strong and any(dairy) and sum(amounts) >= 10_000:
        parts["strong"] = 2 * won // 1_000
    if not all(is_dairy and strong for is_dairy in dairy):
        parts["weak"] = (sum(amounts) - won) // 2_000
    if sum(amounts) >= 8_000 and any(there):
        parts["gift"] = 50
    if any(is_there and sold.kind in {2, 3} for is_there, sold in zip(there, receipt, strict=True)):
        parts["milk"] = 7
    return parts


@forall(RECEIPT, RETURNS, strategies.booleans(), strategies.randoms(use_true_random=False))
def test_all_splits_and_orders_of_the_returns_of_a_purchase_claw_what_one_return_claws(
    receipt: list[Sold], returns: list[list[Went]], voided: bool, random: Any
) -> None:
    bought = purchase(*(sold.line for sold in receipt), at=NOON)
    several: list[Command] = [
        returned(bought.id, *(went.asked for went in one), at=NOON, id=f"T-{number}")
        for number, one in enumerate(returns)
    ]
    together = [went for one in returns for went in one]
    at_once: list[Command] = [returned(bought.id, *(went.asked for went in together), at=NOON)] if together else []
    void: list[Command] = [returned(bought.id, at=NOON, id="V-1")] if voided else []
    shuffled = random.sample([*several, *void], len(several) + len(void))
    split, whole = (balances(after([join(at=JOINED_AT), bought, *backs])) for backs in (shuffled, [*at_once, *void]))
    assert split == whole
    lots = {part: lot for (_, part), lot in split["lots"].items() if lot[0]}
    assert lots == expected(receipt, together, voided=voided)


@forall(
    strategies.lists(strategies.tuples(RECEIPT, RETURNS, strategies.booleans()), min_size=1, max_size=3),
    strategies.randoms(use_true_random=False),
)
def test_any_order_of_arrival_with_repeats_ends_in_the_same_balances(
    bought: list[tuple[list[Sold], list[list[Went]], bool]], random: Any
) -> None:
    """Purchases, their returns and voids, and the joining of the card; each purchase in a store of its own, for the bonuses."""
    commands: list[Command] = []
    for number, (receipt, returns, voided) in enumerate(bought):
        sold = purchase(
            *(one.line for one in receipt), at=NOON + timedelta(hours=number), id=f"R-{number}", store=str(number)
        )
        commands.append(sold)
        commands += [
            returned(sold.id, *(went.asked for went in one), at=NOON + timedelta(hours=9), id=f"T-{number}-{n}")
            for n, one in enumerate(returns)
        ]
        if voided:
            commands.append(returned(sold.id, at=NOON + timedelta(hours=9), id=f"V-{number}"))
    in_order = balances(after([join(at=JOINED_AT), *commands]))
    arrived = [join(at=JOINED_AT), *commands, *random.choices(commands, k=3)]
    random.shuffle(arrived)
    assert balances(after(arrived)) == in_order


@forall(RECEIPT, RETURNS, strategies.booleans())
def test_points_issued_are_those_kept_and_those_revoked(
    receipt: list[Sold], returns: list[list[Went]], voided: bool
) -> None:
    """Lot by lot, in the account and in the facts; and no lot below nothing."""
    bought = purchase(*(sold.line for sold in receipt), at=NOON)
    backs: list[Command] = [
        returned(bought.id, *(went.asked for went in one), at=NOON, id=f"T-{number}")
        for number, one in enumerate(returns)
    ]
    if voided:
        backs.append(returned(bought.id, at=NOON, id="V-1"))
    log = after([join(at=JOINED_AT), bought, *backs])
    issued, revoked, gone = Counter[str](), Counter[str](), 0
    for one in log.batch.facts:
        if isinstance(one, PointsEarned):
            issued.update({part["part"]: part["points"] for part in one.parts})
        elif isinstance(one, PointsRevoked):
            assert all(part["points"] > 0 for part in one.parts)
            revoked.update({part["part"]: part["points"] for part in one.parts})
            gone += one.nothing_left
    held = account(log).credited[bought.id]
    assert all(0 <= lot.revoked <= lot.points for lot in held.lots)
    assert {lot.part: lot.revoked for lot in held.lots if lot.revoked} == dict(revoked)
    assert account(log).available(NOON) == issued.total() - revoked.total()
    assert gone == held.gone
    if voided:
        assert (revoked, held.paid_minor, account(log).available(NOON)) == (+issued, 0, 0)
