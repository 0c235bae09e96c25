"""Conservation throughout: what campaigns gave, in part or as a discount or a coupon, and what came back of it."""

from domain.lots import Buckets
from projections.proofs.conservation import prove
from projections.proofs.slices import add
from tests.builders import ANN, BOB, back, campaign_created, line, purchase, returned
from tests.domain.quoting import ask, campaigns, recorded, words
from tests.domain.world import World
from tests.projections.proofs.ledger import Ledger
from tests.spec import NOON


def test_conservation_holds_whatever_budgets_limits_and_discounts_left(ledger: Ledger) -> None:
    world = World(
        None,
        *campaigns(
            campaign_created("gift", bonus_points=50, budget={"points": 70}),
            campaign_created("fifth", discount={"percent": "20"}, budget={"amount_minor": 500}),
            campaign_created("coffee", gift={"kind": "coffee", "valid_days": 9}, limits={"per_window": {"uses": 2}}),
        ),
    )
    bought = []
    for number, card in enumerate(("1001", "1002", "1001")):
        off = ask(world, line(2_000), card=card)
        sold = line(2_000, discount_minor=off.told["discount_minor"])
        command = purchase(sold, at=NOON, id=f"R-{number}", card=card, quote=words(off))
        bought.append(recorded(world.do(command).facts).originator_id)
    for number, one in enumerate(bought):
        world.do(returned(one, back(amount_minor=900), at=NOON, id=f"T-{number}"))
    world.do(returned(bought[0], at=NOON, id="T-all"))
    proof = prove(ledger.given(*world.log.batch.facts).settings, as_of=NOON)
    assert proof.first_difference is None
    expected = Buckets()
    for member in (ANN, BOB):
        add(expected, world.buckets(member))
    assert proof.log == proof.read_model == expected
