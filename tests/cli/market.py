"""A town with campaigns of every kind, and tiers that move for every reason; and its log, as it would have been recorded."""

from itertools import accumulate
from pathlib import Path
from typing import Any
from uuid import UUID

from typer.testing import CliRunner

from cli.main import app
from domain.fact import Fact
from tests.builders import back, create_campaign, join, line, purchase, returned
from tests.domain.quoting import ask, recorded, words
from tests.domain.story import JOINED_AT
from tests.domain.world import DAY
from tests.projections.whatif.recorded import END, Town
from tests.spec import NOON

NEW = [UUID(int=number, version=4) for number in (201, 202, 203)]
SPRING = NOON + 300 * DAY, NOON + 420 * DAY
"""The window of a campaign with as much before it."""
LATER = END + 30 * DAY


class Market(Town):
    """What happened is recorded when it happens, or with what is recorded later."""

    @property
    def facts(self) -> list[Fact]:
        facts = super().facts
        instants = accumulate((one.occurred_at for one in facts), max)
        return [one.model_copy(update={"recorded_at": at}) for one, at in zip(facts, instants, strict=True)]

    def lives(self) -> "Market":
        self.do(self.opening(at=JOINED_AT + DAY, card="31", tier="Gold", lots=[]))
        spring: dict[str, Any] = {"starts_at": SPRING[0], "ends_at": SPRING[1], "categories": ["DAIRY"]}
        self.do(create_campaign("spring", at=JOINED_AT + DAY, bonus_points=5, **spring))
        super().lives()
        for member, card in zip(NEW, ("91", "92", "93"), strict=True):
            self.do(join(member, at=END, card=card))
        bought = [self.buys(10_000, at=END + DAY, id=f"M-{card}", card=card) for card in ("91", "92")]
        self.do(returned(bought[0], at=END + 2 * DAY, id="T-M"))
        self.do(self.merge(NEW[1], NEW[2], at=END + 2 * DAY))
        self.do(self.unmerge(NEW[1], NEW[2], at=END + 3 * DAY))
        self.do(self.adjust(10_000, at=END + 4 * DAY, member=NEW[2], qualifying=True))
        campaigns: dict[str, dict[str, Any]] = {
            "coffee": {"gift": {"kind": "coffee", "valid_days": 9}},
            "fifth": {"discount": {"percent": "20"}},
            "with-coffee": {"bonus_points": 7, "coupon_kind": "coffee"},
        }
        for name, effect in campaigns.items():
            self.do(create_campaign(name, at=LATER, starts_at=LATER, everyone=True, **effect))
        off = ask(self, line(20_000), at=LATER)
        sold = line(20_000, discount_minor=off.told["discount_minor"])
        first = recorded(self.do(purchase(sold, at=LATER, id="C-1", quote=words(off))).facts).originator_id
        self.do(purchase(line(9_000), at=LATER, id="C-2", store="2", coupons=[{"code": "X", "campaign": "coffee"}]))
        self.do(purchase(line(9_000), at=LATER, id="C-3", store="2", coupons=[{"code": "Y"}]))
        self.do(returned(first, back(amount_minor=5_000), at=LATER + DAY, id="T-C1"))
        self.do(returned(first, at=LATER + DAY, id="T-C1-all"))
        return self


def export_all(url: str, to: Path, *names: str) -> Path:
    """Exports of a ledger, in one directory."""
    for name in names:
        done = CliRunner(env=surroundings(url)).invoke(app, ["export", name, "--to", str(to)])
        assert done.exit_code == 0, done.output
    return to


def surroundings(url: str) -> dict[str, str]:
    """All that is needed to export a ledger."""
    return {"LOYALTY_DATABASE_URL": url, "LOYALTY_KAFKA_BOOTSTRAP_SERVERS": "nobody.invalid:9092"}
