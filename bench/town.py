"""A made-up town: any number of members, who buy what real baskets hold."""

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from uuid import NAMESPACE_OID, UUID, uuid5

from cli.demo.complete_journey import Basket
from cli.wiring import open_ledger
from consumers.cloud_events import event_of
from consumers.purchases import command_of
from domain.command import Command
from domain.loyalty import Loyalty, Recorded
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from infra.keys import KeyFile
from infra.personal_data import PersonalData
from infra.settings import Settings

AT_ONCE = 1_000
FIRST_CARD = 700_000_000
OF_A_JOIN, OF_A_PURCHASE = 3, 2
"""Facts: of the member, the card and the account; what was sold, and what it earned."""
BETWEEN = timedelta(milliseconds=100)
NOBODY = Identity.of("bench", None)


class Town:
    """Its members have joined two months ago, and began to buy twenty days ago: nothing lapses while we measure."""

    def __init__(self, settings: Settings, keys: KeyFile, baskets: Sequence[Basket]) -> None:
        self._settings = settings
        self._keys = keys
        self._receipts = cycle(list(_receipts(baskets)))
        self._numbers = count(1)
        self._opened = datetime.now(UTC) - timedelta(days=20)

    def fill(self, *, members: range, buyers: Iterable[int]) -> None:
        """Let all join, then buy one after the other."""
        with open_ledger(self._settings) as loyalty:
            carry_out(loyalty, self._joins(members))
            sold = self.sell(buyers)
            carry_out(loyalty, (command_of(event_of(one.value, []), self._keys.card_id) for one in sold))
        gc.collect()  # a process whose collector is quiet would keep what the ledger held

    def sell(self, buyers: Iterable[int]) -> Iterator[Basket]:
        """A purchase for each buyer, in the order of their times."""
        for buyer, number in zip(buyers, self._numbers, strict=False):
            card = b"%d" % (FIRST_CARD + buyer)
            time = (self._opened + number * BETWEEN).isoformat().encode()
            receipt = next(self._receipts) % {b"id": b"T-%d" % number, b"time": time, b"card": card}
            yield Basket("/town", f"T-{number}", card, receipt)

    def _joins(self, members: range) -> Iterator[Command]:
        sealing = PersonalData(self._settings.database_url, self._keys)
        registered_at = self._opened - timedelta(days=40)
        for number in members:
            body = MemberBody(member_id=member_of(number), card=str(FIRST_CARD + number), registered_at=registered_at)
            yield join_command(body, identity=NOBODY, card_ids=self._keys.card_id, sealing=sealing, answered=False)


def member_of(number: int) -> UUID:
    """The id of a member of any town."""
    return uuid5(NAMESPACE_OID, f"bench:{number}")


def _receipts(baskets: Sequence[Basket]) -> Iterator[bytes]:
    """Messages of real baskets, with places for whose they are; none with a coupon, as the town has no campaigns."""
    for basket in baskets:
        event = json.loads(basket.value)
        if event["data"]["coupons"]:
            continue
        event |= {"source": "/town", "id": "@id", "time": "@time", "subject": "card:@card"}
        event["data"]["card"] = "@card"
        text = json.dumps(event).replace("%", "%%")
        for place in ("id", "time", "card"):
            text = text.replace(f"@{place}", f"%({place})b")
        yield text.encode()


def carry_out(loyalty: Loyalty, commands: Iterable[Command]) -> None:
    """Many a transaction."""
    waiting = iter(commands)
    while batch := list(islice(waiting, AT_ONCE)):
        outcomes = loyalty.execute(batch, recorded_at=datetime.now(UTC))
        assert all(isinstance(one, Recorded) for one in outcomes), outcomes
