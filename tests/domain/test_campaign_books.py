"""Snapshots of campaigns: whoever reads one anew folds few facts, and sees what everybody sees."""

from typing import Any

from domain.campaign import Campaign, campaign_stream
from domain.loading import Loader
from domain.messages.identity import Identity
from domain.messages.quotes import QuoteBody, reserve_command
from domain.points_account import PointsAccount, account_id
from tests.builders import ANN, card_id, counted, create_campaign, join, line, policy, publish, purchase
from tests.domain.story import JOINED_AT
from tests.ledger import NOW, Ledger, all_recorded, execute
from tests.spec import NOON

CAMPAIGN = campaign_stream("gift")
TERMS: dict[str, Any] = {"bonus_points": 3, "budget": {"points": 100}, "limits": {"per_window": {"points": 90}}}


def test_a_campaign_that_was_drawn_on_often_is_restored_as_it_stands(ledger: Ledger) -> None:
    writer = ledger.writer()
    before = [publish(policy(), at=NOW), join(at=JOINED_AT), create_campaign("gift", at=NOON, **TERMS)]
    execute(writer, *before[:1])
    assert all_recorded(execute(writer, *before[1:]))
    sales = [purchase(line(1_000), at=NOON, id=f"R-{number}", store=str(number)) for number in range(12)]
    asked = QuoteBody(
        currency="CNY", store="another", lines=counted([line(1_000)]), card="1001", time=NOON, reserve=True
    )
    identity = Identity.of("tests", None)
    reserving = reserve_command(asked, card_ids=card_id, now=NOON, identity=identity)
    assert all_recorded(execute(writer, *sales[:8], reserving))
    first = Loader(writer.facts, writer.decoded, facts_between=5)
    first.load({CAMPAIGN: Campaign})
    first.begin()
    assert all_recorded(execute(writer, *sales[8:]))
    (again,) = Loader(writer.facts, writer.decoded).load({CAMPAIGN: Campaign})
    live = writer._cache.take(CAMPAIGN)
    assert isinstance(again, Campaign)
    assert live is not None
    assert again.__dict__ == live.__dict__
    assert (again.used, again.left, again.version) == (36, 64, 14)
    assert [one.points for one in again.reserved.values()] == [3]
    assert ledger.rows("SELECT count(*) FROM account_snapshots WHERE stream_id = %s", CAMPAIGN) == [(1,)]


def test_what_counts_towards_a_limit_is_in_the_books_of_an_account(ledger: Ledger) -> None:
    writer = ledger.writer()
    execute(writer, publish(policy(), at=NOW))
    assert all_recorded(execute(writer, join(at=JOINED_AT), create_campaign("gift", at=NOON, **TERMS)))
    sales = [purchase(line(1_000), at=NOON, id=f"R-{number}", store=str(number)) for number in range(8)]
    assert all_recorded(execute(writer, *sales))
    first = Loader(writer.facts, writer.decoded, facts_between=5)
    first.load({account_id(ANN): PointsAccount})
    first.begin()
    (again,) = Loader(writer.facts, writer.decoded).load({account_id(ANN): PointsAccount})
    assert isinstance(again, PointsAccount)
    assert again.open_since is not None, "it was restored"
    assert len(again.uses["gift"]) == 8
    live = writer._cache.take(account_id(ANN))
    assert isinstance(live, PointsAccount)
    assert again.uses == live.uses
