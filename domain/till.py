"""Tills: what each of them counted by the end of its business days."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from domain.fact import Fact
from domain.ids import named
from domain.stream import Draft, Stream, evolves

TILLS = UUID("d4d21b35-7bae-5240-be66-9aec3eb13033")


class TillClosed(Fact, name="TillClosed.v1"):
    """A till was closed for a business day: how many purchases it completed on it, and what was paid for them.

    Of several closings of a day the last by business time counts; of those of one instant, the last to be recorded.
    """

    business_day: date
    receipts: int
    paid_minor: int
    """Σ (gross − discount) over the receipts, whatever came back of them since."""
    store: str | None = None
    supersedes: UUID | None = None
    """The message of the closing that counted for the day until now, if there was one and this counts instead."""
    superseded_by: UUID | None = None
    """The message of the later closing that counts, if this one came too late."""


def till_stream(source: str) -> UUID:
    return named(TILLS, source)


class Counted(NamedTuple):
    """The closing that counts for a day."""

    message: UUID
    at: datetime


class Till(Stream):
    """One till, by the source of its messages."""

    cached = False

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.counted: dict[date, Counted] = {}

    def close(
        self, business_day: date, *, at: datetime, receipts: int, paid_minor: int, store: str | None
    ) -> list[Draft]:
        """Record what was counted; one that was closed before is closed anew."""
        before = self.counted.get(business_day)
        late = before is not None and at < before.at
        return [
            self.draft(
                TillClosed, business_day=business_day, receipts=receipts, paid_minor=paid_minor, store=store,
                supersedes=before.message if before and not late else None,
                superseded_by=before.message if before and late else None,
            )
        ]  # fmt: skip

    @evolves(TillClosed)
    def _closed(self, fact: TillClosed) -> None:
        if fact.superseded_by is None:
            self.counted[fact.business_day] = Counted(fact.correlation_id, fact.occurred_at)
