"""What time has brought about is recorded; nothing waits for that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.command import Command, Decision, History, Streams, Wanted
from domain.due import all_brought_about, cause_of
from domain.fact import Fact, message_id
from domain.points_account import PointsAccount

CLOCK = "/clock"
"""The source and actor of what time brings about."""


def by_name(facts: Sequence[Fact]) -> dict[str, Any]:
    """How many facts of each kind there are."""
    return dict(Counter(fact.stored_name for fact in facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTime(Command):
    """Record what time has brought about in an account. Done twice it finds nothing, so it needs no claim."""

    scope = "clock"

    account: UUID

    @classmethod
    def of(cls, account_id: UUID, *, now: datetime) -> Self:
        external_id = f"{account_id}:{now.isoformat()}"
        return cls(
            id=message_id(CLOCK, external_id), source=CLOCK, external_id=external_id, occurred_at=now, actor=CLOCK,
            fingerprint=external_id, account=account_id,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        yield PointsAccount, self.account

    def decide(self, streams: Streams) -> Decision:
        """Each fact is dated at its instant, and what has not come yet is never recorded ahead of time."""
        account = streams.get(PointsAccount, self.account)
        drafts = all_brought_about(account, streams.programme, min(self.occurred_at, streams.recorded_at))
        return Decision(
            [draft._replace(what={**draft.what, "correlation_id": cause_of(account, draft)}) for draft in drafts]
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """How many facts of each kind were recorded."""
        return by_name(facts)
