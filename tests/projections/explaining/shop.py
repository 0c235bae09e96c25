"""A shop with quotes and discounts, and what goes wrong in it."""

from collections.abc import Sequence
from uuid import UUID

from domain.fact import Fact
from domain.receipt import MessageRefused
from infra import letters
from infra.database import connect, make_tables
from tests.builders import back, campaign_created, line, policy, published, purchase, returned
from tests.domain.quoting import ask, campaigns, words
from tests.domain.world import DAY, World
from tests.projections.whatif.recorded import numbered, store
from tests.spec import NOON

LEVELS = [
    {
        "name": "Ordinary",
        "title": {"en": "Ordinary", "zh": "普通会员"},
        "promote_at": 0,
        "retain_at": 0,
        "discount": "1/20",
    },
    {
        "name": "Silver",
        "title": {"en": "Silver", "zh": "银卡会员"},
        "promote_at": 90,
        "retain_at": 90,
        "discount": "1/10",
    },
]
RULES = policy(tiers={"period": "membership_year", "metric": "points", "levels": LEVELS})


class Shop(World):
    """Ann buys by quotes: a tenth off tea, as far as its budget goes, and her tier's discount on all else."""

    def __init__(self) -> None:
        self.given = numbered(
            published(RULES),
            *campaigns(
                campaign_created("tea", discount={"percent": "10"}, categories=["TEA"], budget={"amount_minor": 700})
            ),
        )
        super().__init__(RULES, *self.given[1:])
        self.first = self.sells("R-1", 5_000, 3_050)
        self.second = self.sells("R-2", 6_000, 990)
        self.plain = self.buys(12, id="R-3")
        self.nobodys = purchase(line(4_000), at=NOON, id="R-4", card=None).id
        self.do(purchase(line(4_000), at=NOON, id="R-4", card=None))
        self.do(returned(self.first, back(amount_minor=1_000), at=NOON + DAY, id="T-1"))
        self.log.when(self.redeem(5_000, at=NOON + DAY))

    @property
    def facts(self) -> list[Fact]:
        return [*self.given, *self.log.batch.facts]

    @property
    def refused(self) -> int:
        """Where the refusal stands."""
        return next(number for number, one in enumerate(self.facts, 1) if isinstance(one, MessageRefused))

    def sells(self, number: str, tea_minor: int, bread_minor: int) -> UUID:
        """Tea and bread, by a quote."""
        lines = [line(tea_minor, category="TEA"), line(bread_minor)]
        told = ask(self, *lines)
        off = {one["line"]: one["amount_minor"] for one in told.told["discounts"]}
        asked = [line(minor, discount_minor=off.get(name, 0), **what) for name, minor, what in (
            ("1", tea_minor, {"category": "TEA"}), ("2", bread_minor, {}),
        )]  # fmt: skip
        command = purchase(*asked, at=NOON, id=number, quote=words(told))
        self.do(command)
        return command.id

    def store(self, url: str, facts: Sequence[Fact] = ()) -> "Shop":
        """Write its log to a database, or these facts for it, and a dead letter beside it."""
        store(url, facts or self.facts)
        with connect(url) as database:
            make_tables(database, letters.TABLES)
            database.execute(
                'INSERT INTO dead_letters (reason, detail, topic, partition, "offset", sealed, recorded_at) VALUES (%s, %s, %s, 0, 5, %s, %s)',
                ("wrong-currency", '{"currency": "USD", "expected": "CNY"}', "pos.purchases.v1", b"sealed", NOON),
            )
        return self
