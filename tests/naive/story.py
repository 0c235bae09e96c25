"""A few words to tell the naive ledger a story: when, who bought, what came back, what is there then."""

from datetime import UTC, datetime

from tests.naive import Answer, Bonus, Ledger, Rules

PLAIN = Rules(multipliers=(), bonuses=())
HUNDRED = (Bonus("welcome", 50, 10_000),)


def on(month: int, day: int, hour: int = 12, minute: int = 0, year: int = 2023) -> datetime:
    """A local time in Shanghai."""
    return datetime(year, month, day, hour, minute, tzinfo=Rules().zone).astimezone(UTC)


def midnight(year: int, month: int, day: int) -> datetime:
    return on(month, day, 0, year=year)


def opened(rules: Rules = PLAIN, **members: datetime) -> Ledger:
    ledger = Ledger(rules)
    for member, at in (members or {"ann": on(1, 1), "ben": on(1, 1)}).items():
        ledger.join(member, at)
    return ledger


def bought(
    ledger: Ledger, purchase: str, yuan: int, at: datetime, member: str = "ann", store: str = "1"
) -> Answer | None:
    return ledger.purchase(purchase, member, at, [("1", yuan * 100, "BREAD")], store=store)


def back(ledger: Ledger, purchase: str, yuan: int, at: datetime, quantity: int = 0) -> Answer | None:
    return ledger.give_back(purchase, at, [("1", quantity, yuan * 100)])


def has(ledger: Ledger, as_of: datetime, member: str = "ann", **buckets: int) -> None:
    """What is not named is nothing."""
    ledger.check(as_of)
    balance = ledger.balance(member, as_of)
    assert {bucket: points for bucket, points in balance.items() if points} == buckets
