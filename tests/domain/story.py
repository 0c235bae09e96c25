"""Ann has joined with her card: the facts that most tests of commands begin with."""

from datetime import UTC, datetime
from typing import Any

from domain.basket import paid
from domain.commands.purchases import RecordPurchase
from domain.fact import Fact
from domain.member import CardAssigned, MemberJoined
from domain.movements import AccountOpened
from domain.points_account import account_id
from domain.purchase import PurchaseRecorded
from tests.builders import ANN, ANNS_CARD, line, policy, published, purchase
from tests.spec import NOON, fact

JOINED_AT = datetime(2023, 3, 15, 2, tzinfo=UTC)
RULES = published(policy())
SALE = purchase(line(15_000), at=NOON)
JOINED = fact(
    MemberJoined, originator_id=ANN, member_id=ANN, card_id=ANNS_CARD, registered_at=JOINED_AT, fingerprint="f"
)
ASSIGNED = fact(CardAssigned, originator_id=ANNS_CARD, member_id=ANN)
OPENED = fact(AccountOpened, originator_id=account_id(ANN), member_id=ANN, registered_at=JOINED_AT)
ANN_IS_IN = (RULES, JOINED, ASSIGNED, OPENED)


def recorded(command: RecordPurchase, **what: Any) -> Fact:
    names = ("currency", "store", "channel", "card_id", "lines", "tenders", "fingerprint")
    kept = {name: getattr(command, name) for name in names} | {
        "coupons": command.coupons or None,
        "paid_minor": sum(map(paid, command.lines)),
    }
    return fact(PurchaseRecorded, originator_id=command.id, **{**kept, **what})


def kinds(facts: Any) -> list[type[Fact]]:
    return [type(one) for one in facts]
