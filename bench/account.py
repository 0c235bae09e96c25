"""A long account that is in nobody's cache: how long until a decision on it can be taken."""

import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID, uuid4

from bench.figure import Figure, in_turns
from bench.ground import ground
from cli.demo.complete_journey import Basket
from cli.wiring import open_ledger
from domain import redeeming
from domain.basket import Line, Tender
from domain.command import Command
from domain.loading import FACTS_BETWEEN, Loader
from domain.loyalty import Loyalty, Recorded
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from domain.messages.purchases import PurchaseData, purchase_command
from domain.messages.redemptions import RedemptionBody, redemption_command
from domain.points_account import PointsAccount, account_id
from infra.embedded.services import EmbeddedServices
from infra.personal_data import PersonalData

PURCHASES = 10_000
FIRST = datetime(2017, 1, 1, 17, tzinfo=UTC)
BETWEEN = timedelta(hours=8)
A_MONTH = 90
LOADS = 20
"""In a turn; their median counts."""

MANY = 1 << 60


def measure(baskets: Sequence[Basket], *, servers: EmbeddedServices, repeats: int) -> list[Figure]:  # noqa: ARG001 - one member buys, nobody else
    """Nine years of three purchases a day, and every month most points redeemed."""
    with ground(servers=servers) as here, open_ledger(here.settings) as loyalty:
        member_id = uuid4()
        stream_id = account_id(member_id)
        buying = _buying(member_id)
        sealing = PersonalData(here.settings.database_url, here.keys)
        body = MemberBody(member_id=member_id, card="1", registered_at=FIRST)
        identity = Identity.of("bench", None)
        _carry_out(loyalty, [join_command(body, identity=identity, card_ids=here.keys.card_id, sealing=sealing)])
        _live(loyalty, member_id, islice(buying, PURCHASES - FACTS_BETWEEN // 2))

        def decide(loader: Loader) -> float:
            """Milliseconds until a redemption is agreed."""
            started = time.perf_counter()
            (account,) = loader.load({stream_id: PointsAccount})
            assert isinstance(account, PointsAccount)
            redeeming.redeem(account, redemption_id=uuid4(), points=10, at=FIRST + PURCHASES * BETWEEN)
            return (time.perf_counter() - started) * 1_000

        first = Loader(loyalty.facts, loyalty.decoded)
        decide(first)
        first.begin()
        _live(loyalty, member_id, buying)

        def from_all_facts() -> float:
            loader = Loader(loyalty.facts, loyalty.decoded, facts_between=MANY)
            loader.whole(stream_id)
            return statistics.median(decide(loader) for _ in range(LOADS // 4))

        def from_snapshot() -> float:
            return statistics.median(decide(Loader(loyalty.facts, loyalty.decoded)) for _ in range(LOADS))

        found = in_turns({"from a snapshot": from_snapshot, "from all facts": from_all_facts}, repeats=repeats)
    return [
        Figure(
            name="account with 10,000 purchases, in no cache: load and decide",
            unit="ms",
            values=found["from a snapshot"],
            reference="the same account, folded from all of its facts",
            reference_values=found["from all facts"],
            goal="under 5 ms",
        )
    ]


def _live(loyalty: Loyalty, member_id: UUID, bought: Iterator[Command]) -> None:
    """A month after the other: buy, then redeem nine tenths of what there is."""
    while month := list(islice(bought, A_MONTH)):
        last = _carry_out(loyalty, month)[-1]
        redeemed = last.answer.get("available", 0) * 9 // 10
        if redeemed >= 100:
            body = RedemptionBody(time=month[-1].occurred_at, points=redeemed)
            _carry_out(loyalty, [redemption_command(body, member_id=member_id, identity=Identity.of("bench", None))])


def _buying(member_id: UUID) -> Iterator[Command]:
    for number in range(PURCHASES):
        paid = 500 + number % 1_500
        data = PurchaseData(
            currency="USD", store="1", member=member_id, lines=[Line(line="1", sku="1", quantity=1, gross_minor=paid)],
            tenders=[Tender(kind="cash", amount_minor=paid)],
        )  # fmt: skip
        at = FIRST + number * BETWEEN
        yield purchase_command(
            data,
            source="/bench",
            external_id=str(number),
            time=at,
            card_ids=_nobody,
            answered=number % A_MONTH == A_MONTH - 1,
        )


def _nobody(card: str) -> UUID:
    raise LookupError(card)


def _carry_out(loyalty: Loyalty, commands: Sequence[Command]) -> list[Recorded]:
    outcomes = loyalty.execute(commands, recorded_at=datetime.now(UTC))
    recorded = [one for one in outcomes if isinstance(one, Recorded)]
    assert len(recorded) == len(commands), outcomes
    return recorded
