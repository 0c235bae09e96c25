"""A small ledger with a bit of everything, decided by the real commands; and its log, on a real database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from domain.campaign import CATALOGUE_ID, SegmentListed
from domain.commands.clock import RecordTime
from domain.fact import FACTS, Fact
from domain.points_account import account_id
from domain.programme import Policy
from infra import event_store
from infra.database import connect, make_tables
from infra.event_store import FactRecorder
from infra.stored_facts import FactMapper
from tests.builders import (
    ANN,
    BOB,
    back,
    campaign_created,
    claim,
    defined,
    join,
    line,
    listed,
    policy,
    published,
    purchase,
    returned,
)
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY, World
from tests.spec import NOON, fact

PLAIN = [UUID(int=number + 1, version=4) for number in range(6)]
"""Members who only buy: what they are by a tier plan can be told from their purchases alone."""
LATE = UUID(int=99, version=4)
"""Joins when they have bought something already."""
EVERYBODY = (ANN, BOB, LATE, *PLAIN)
SPENDS_YUAN = (3_000, 20_000, 30_000, 60_000, 90_000, 180_000)
"""What each of them spends with a purchase, give or take a fifth; ¥10 are a point."""
REGULARS = {"behaviour": {"visits_at_least": 2}}
END = NOON + 800 * DAY


class Town(World):
    """Members buy, give back, spend, merge and get corrections, while a campaign has a budget that ends."""

    def __init__(self, rules: Policy | None = None, *, budget: bool = True) -> None:
        rules = rules or policy()
        self.given = numbered(
            published(rules),
            campaign_created("dairy", multiplier="3", categories=["DAIRY"], budget={"points": 400} if budget else None),
            campaign_created("basket", bonus_points=50, minimum_paid_minor=80_000),
            listed("dairy"),
            listed("basket"),
            fact(SegmentListed, originator_id=CATALOGUE_ID, segment_id="regulars"),
            defined("regulars", REGULARS),
        )
        self.planted: dict[int, Fact] = {}
        """Facts, by their index, that somebody has put into the place of those that were decided."""
        super().__init__(rules, *self.given[1:])
        self.chance = Random(7)
        self.bought: list[tuple[UUID, datetime, int]] = []
        """By plain members: who, when, and how much they paid, in minor units."""
        for number, member in enumerate(PLAIN):
            self.do(join(member, at=JOINED_AT + number * 30 * DAY, card=f"3{number}"))

    @property
    def facts(self) -> list[Fact]:
        decided = [*self.given, *self.log.batch.facts]
        return [self.planted.get(number, one) for number, one in enumerate(decided)]

    def lives(self) -> "Town":
        for round_ in range(12):
            self.plain_members_buy(NOON + (150 + round_ * 60) * DAY)
            self.ann_and_bob_do_all_sorts(NOON + (round_ * 60) * DAY, str(round_))
        self.somebody_buys_without_a_card()
        self.do(self.merge(BOB, ANN, at=NOON + 790 * DAY))
        last = purchase(line(50_000), at=NOON + 791 * DAY, id="last", card="1002")
        self.do(last)
        self.do(returned(last.id, at=END, id="T-last"))
        return self

    def somebody_buys_without_a_card(self) -> None:
        """One receipt is claimed later, when some of it is back already; one card joins later; the others stay nobody's."""
        at = NOON + 700 * DAY
        receipts = [purchase(line(40_000), at=at, id=f"N-{number}", card=None) for number in range(3)]
        kept = purchase(line(70_000), at=at, id="N-kept", card="77")
        for one in (*receipts, kept):
            self.do(one)
        self.do(returned(receipts[0].id, back(amount_minor=15_000), at=at + DAY, id="T-N0"))
        self.do(returned(receipts[2].id, at=at + DAY, id="T-N2"))
        self.do(claim(receipts[0].id, card="1001", at=at + 2 * DAY))
        self.do(join(LATE, at=JOINED_AT, card="77"))

    def plain_members_buy(self, at: datetime) -> None:
        """Less and less: who climbed early may not keep it."""
        for number, (member, yuan) in enumerate(zip(PLAIN, SPENDS_YUAN, strict=True)):
            paid = yuan * self.chance.randint(80, 120) * max(1, 9 - len(self.bought) // 6)
            command = purchase(line(paid), at=at, id=f"P-{len(self.bought)}", card=f"3{number}")
            self.do(command)
            self.bought.append((member, at, paid))

    def ann_and_bob_do_all_sorts(self, at: datetime, name: str) -> None:
        dairy = purchase(line(90_000, category="DAIRY"), line(20_000), at=at, id=f"A-{name}", card="1001")
        self.do(dairy)
        self.do(returned(dairy.id, back(amount_minor=30_000), at=at + DAY, id=f"T-{name}"))
        bread = purchase(line(45_000), at=at + DAY, id=f"B-{name}", card="1002", points_minor=300)
        self.do(bread)
        if self.chance.random() < 0.5:
            self.do(returned(bread.id, at=at + 3 * DAY, id=f"V-{name}"))
        held = self.hold(20, at=at + 3 * DAY)
        self.do(held)
        self.do(self.capture(held.id, 15, at=at + 3 * DAY + timedelta(minutes=5)))
        spent = self.redeem(30, at=at + 4 * DAY, member=BOB, offline=True)
        self.do(spent)
        self.do(self.reverse(spent.id, 10, at=at + 5 * DAY))
        self.do(self.adjust(5, at=at + 5 * DAY, member=BOB, qualifying=True))
        self.do(self.adjust(-3, at=at + 5 * DAY, allow_debt=True))
        self.log.when(self.transfer(2, at=at + 40 * DAY))  # where there are so many
        for member in (ANN, BOB):
            self.do(RecordTime.of(account_id(member), now=at + 50 * DAY))

    def store(self, url: str) -> "Town":
        """Write its log to a database."""
        store(url, self.facts)
        return self


def store(url: str, facts: Sequence[Fact]) -> None:
    """Write a log to a database."""
    with connect(url) as database:
        make_tables(database, event_store.TABLES)
    log = FactRecorder(url)
    log.insert_events([FactMapper(FACTS).to_stored_event(one) for one in facts])
    log.close()


def numbered(*facts: Fact) -> list[Fact]:
    """With the versions that they have in their streams."""
    versions: dict[UUID, int] = {}
    found = []
    for one in facts:
        version = versions[one.originator_id] = versions.get(one.originator_id, 0) + 1
        found.append(one.model_copy(update={"originator_version": version}))
    return found
