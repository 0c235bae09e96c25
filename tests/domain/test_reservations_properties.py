"""∀ stories of quotes that reserve: a budget is never promised or given twice, and a promise that still counts is kept."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as some

from domain.campaign import Campaign, campaign_stream
from domain.reservation import QuoteReserved
from tests.builders import ANN, BOB, KEYS, campaign_created, line, policy, purchase, returned
from tests.domain.quoting import campaigns, earned, recorded, releasing, reserving
from tests.domain.world import NEVER, World
from tests.spec import NOON

MINUTE = timedelta(minutes=1)
CARDS = {"1001": ANN, "1002": BOB}


class Told(NamedTuple):
    """A quote that reserved, who asked for it, and for how much."""

    reserved: QuoteReserved
    card: str
    paid: int
    store: str


class Step(NamedTuple):
    """Something happens so many minutes after the step before, and is told so many minutes late."""

    what: str
    card: str
    thousands: int
    points: int
    store: str
    which: int
    minutes: int
    late: int


STEP = some.builds(
    Step, some.sampled_from(["reserve", "reserve", "sell", "sell", "release", "buy", "return"]), some.sampled_from(sorted(CARDS)),
    some.integers(1, 30), some.sampled_from([0, 0, 3]), some.sampled_from(["1", "2"]), some.integers(0, 3),
    some.sampled_from([0, 0, 1, 7, 16]), some.sampled_from([0, 0, 0, 2, 20]),
)  # fmt: skip
TERMS = some.fixed_dictionaries(
    {"budget": some.builds(lambda points, mode: {"points": points, "mode": mode}, some.integers(1, 60), some.sampled_from(["refuse", "grant_remaining"]))},
    optional={"limits": some.sampled_from([{"per_window": {"points": 25}}, {"per_day": {"uses": 2}}])},
)  # fmt: skip
EFFECT = some.sampled_from([{"bonus_points": 9}, {"multiplier": "2"}, {"multiplier": "7/2"}])


class Shop(World):
    """Ann and Bob are quoted, buy and bring back; what is told late has an earlier time."""

    def __init__(self, terms: list[dict[str, Any]]) -> None:
        made = [campaign_created(f"c{number}", priority=number, **one) for number, one in enumerate(terms)]
        super().__init__(policy(expiry=NEVER), *campaigns(*made))
        self.names = [f"c{number}" for number in range(len(terms))]
        self.quotes: list[Told] = []
        self.bought: list[UUID] = []
        self.buys(50, at=NOON - MINUTE, id="first")
        self.buys(50, at=NOON - MINUTE, id="first-of-bob", card="1002")

    def campaign(self, name: str) -> Campaign:
        return self.log.batch.get(Campaign, campaign_stream(name))

    def takes(self, step: Step, at: datetime) -> None:
        getattr(self, f"_{step.what}")(step, at)
        for name in self.names:
            campaign, terms = self.campaign(name), self.campaign(name).terms
            assert terms is not None
            assert terms.budget is not None
            aside = sum(one.points for one in campaign.reserved.values())
            assert 0 <= campaign.used + aside <= (terms.budget.points or 0)
            assert campaign.used == sum(self._granted(member, name) for member in CARDS.values())

    def _granted(self, member: UUID, name: str) -> int:
        lots = [lot for one in self.account(member).credited.values() for lot in one.lots if lot.part == name]
        return sum(lot.points - lot.clawed for lot in lots)

    def _reserve(self, step: Step, at: datetime) -> None:
        paid = step.thousands * 1_000
        command = reserving(self, line(paid), at=at, card=step.card, store=step.store, points=step.points or None)
        result = self.log.when(command)
        if result.refusal is None:  # else the points cannot pay
            aside = next(one for one in result.facts if isinstance(one, QuoteReserved))
            self.quotes.append(Told(aside, step.card, paid, step.store))

    def _sell(self, step: Step, at: datetime) -> None:
        """A promise is kept where nobody was given it after it had lapsed."""
        if not self.quotes:
            return
        aside, card, paid, store = self.quotes[step.which % len(self.quotes)]
        promised = {
            name: kept.points
            for name in self.names
            if (kept := self.campaign(name).reserved.get(aside.quote.id)) is not None
        }
        held = self.account(aside.member_id).available(at)
        command = purchase(
            line(paid), at=at, id=f"S-{next(self.numbers)}", card=card, store=store, points_minor=aside.points * 10,
            quote=aside.quote.words(KEYS),
        )  # fmt: skip
        result = self.log.when(command)
        if result.refusal is not None:
            assert not aside.quote.given_at <= at < aside.quote.until
            return
        self.bought.append(recorded(result.facts).originator_id)
        granted = earned(result.facts)
        assert all(granted.get(name, 0) >= points for name, points in promised.items())
        if promised:
            assert self.account(aside.member_id).available(at) >= held, "what pays was held, and is not taken twice"

    def _release(self, step: Step, at: datetime) -> None:
        if self.quotes:
            aside = self.quotes[step.which % len(self.quotes)].reserved
            refused = self.log.when(releasing(self, aside, at=at)).refusal
            assert refused is None or refused.name == "reservation-ended-before"

    def _buy(self, step: Step, at: datetime) -> None:
        bought = self.do(
            purchase(
                line(step.thousands * 1_000), at=at, id=f"B-{next(self.numbers)}", card=step.card, store=step.store
            )
        )
        self.bought.append(recorded(bought.facts).originator_id)

    def _return(self, step: Step, at: datetime) -> None:
        if self.bought:
            self.log.when(returned(self.bought.pop(step.which % len(self.bought)), at=at, id=f"T-{next(self.numbers)}"))


@settings(max_examples=150, deadline=None)
@forall(
    some.lists(some.builds(lambda terms, effect: {**terms, **effect}, TERMS, EFFECT), min_size=1, max_size=2),
    some.lists(STEP, max_size=14),
)
def test_what_is_given_and_what_is_promised_never_exceed_a_budget_and_promises_are_kept(
    terms: list[dict[str, Any]], story: list[Step]
) -> None:
    shop, at = Shop(terms), NOON
    for step in story:
        at += step.minutes * MINUTE
        shop.takes(step, at - step.late * MINUTE)
    for member in CARDS.values():
        shop.buckets(member, at=at)
