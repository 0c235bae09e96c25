"""Closing tills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.calendar_days import local_day
from domain.command import AgreedCommand, Decision, History, Streams, Wanted
from domain.fact import Fact
from domain.receipt import Receipt
from domain.refusals import InvalidField
from domain.till import Till, TillClosed, till_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTill(AgreedCommand):
    """Record what a till counted by the end of a business day, so that what is missing here can be told."""

    scope = "till-closing"

    business_day: date
    receipts: int
    paid_minor: int
    store: str | None

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield Receipt, self.id
        yield Till, till_stream(self.source)

    def agree(self, streams: Streams) -> Decision:
        """Refused where no programme tells the till's local day, or that has not come."""
        _, policy = streams.programme.in_force(self.occurred_at)
        if self.business_day > local_day(self.occurred_at, policy.zone):
            raise InvalidField(field="business_day", problem="it lies after the local day of `time`")
        till = streams.get(Till, till_stream(self.source))
        drafts = till.close(
            self.business_day, at=self.occurred_at, receipts=self.receipts, paid_minor=self.paid_minor, store=self.store
        )
        return Decision(drafts)

    def target(self, streams: Streams) -> str:  # noqa: ARG002
        return self.source

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """What was recorded, and which of the day's closings counts."""
        closed = next(fact for fact in facts if isinstance(fact, TillClosed))
        named = ("source", "business_day", "receipts", "paid_minor", "supersedes", "superseded_by")
        return {name: getattr(closed, name) for name in named}
