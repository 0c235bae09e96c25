"""Telling a part of the log again: to history, and to a replay under each proposal."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from domain.programme import Policy
from domain.purchase import PurchaseRecorded
from projections.whatif.books import Books
from projections.whatif.figures import Figures, figures_of, groups
from projections.whatif.history import Difference, History, accounts_of, differences
from projections.whatif.log import SHARED, Part
from projections.whatif.plain import kind_of
from projections.whatif.replay import Replay

FEW = 20
"""Differences that are told one by one."""


class Proposal(NamedTuple):
    """Rules to be tried, and where they come from."""

    source: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: proposals, from when on each would have been in force, and until when history is told."""

    programme: str
    proposals: Sequence[Proposal] = ()
    begins: datetime | None = None
    """By default from the beginning of the programme."""
    until: datetime | None = None
    """What happened later is left out; by default nothing is, and figures are as of the latest that happened."""
    segments: Sequence[str] = ()
    check: bool = False
    """Whether history is replayed under its own rules and compared, account by account."""


class Seen(NamedTuple):
    """How much of history was told."""

    purchases: int
    last: datetime
    """When the latest of it happened."""


class Found(NamedTuple):
    """What it came to."""

    history: Figures
    proposals: list[Figures]
    members: int
    differing: int
    differences: list[Difference]


NOTHING = Seen(0, datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Told:
    """One part of the log, and what is asked of it."""

    part: Part
    question: Question
    published: Sequence[Policy]
    begins: datetime

    def tell(self) -> Generator[int | Seen | Found, datetime, None]:
        """Yields how far it has read; then what it has seen, for which it is sent the instant that figures are as of; then those."""
        asked = self.question
        zone = self.published[-1].zone
        of_history, *of_proposals = [Books(zone) for _ in range(1 + len(asked.proposals))]
        history = History(asked.programme, of_history.note)
        replays = [
            self._replay(one, books) for one, books in zip(asked.proposals, of_proposals, strict=True)
        ]  # fmt: skip
        again = Replay(asked.programme, lambda *_: None) if asked.check else None
        everybody = [history, *replays, *([again] if again else ())]
        read, (purchases, last) = 0, NOTHING
        for upto, transaction in self.part.transactions():
            if upto != read:
                yield upto
                read = upto
            told = transaction if asked.until is None else _by(asked.until, transaction)
            if not told:
                continue
            for one in everybody:
                one.tell(told)
            first, kind = told[0], kind_of(told[0])
            if kind not in SHARED:
                purchases += kind is PurchaseRecorded or _sold(told)
                at = first.occurred_at
                last = max(last, at)
        found = [*differences(history.world, again.world)] if again else []
        as_of = yield Seen(purchases, last)
        members = sum(one.merged_into is None for one in accounts_of(history.world))
        grouped = groups(history, asked.segments, at=as_of)
        figures = figures_of(history, of_history, grouped, at=as_of)
        others = [
            figures_of(one, books, grouped, at=as_of) for one, books in zip(replays, of_proposals, strict=True)
        ]  # fmt: skip
        yield Found(figures, others, members, len(found), list(islice(found, FEW)))

    def _replay(self, proposal: Proposal, books: Books) -> Replay:
        """Versions that began before the proposal does stay in force until then; later ones are not."""
        kept = [policy for policy in self.published if policy.begins < self.begins]
        return Replay(
            self.question.programme, books.note, kept=kept, proposal=beginning(proposal.policy, self.begins)
        )  # fmt: skip


def _by(until: datetime, transaction: Sequence[Any]) -> Sequence[Any]:
    """What of a transaction had happened by an instant: who joins may be credited for what they buy later.

    A transaction that began later is left out as a whole; the programme, campaigns and segments are there at any time.
    """
    if transaction[0].occurred_at > until and kind_of(transaction[0]) not in SHARED:
        return ()
    return [fact for fact in transaction if fact.occurred_at <= until or kind_of(fact) in SHARED]


def beginning(policy: Policy, at: datetime) -> Policy:
    """The same rules, in force from an instant."""
    return Policy.model_validate(
        policy.model_dump(mode="json", exclude_unset=True) | {"effective_from": at.isoformat()}
    )


def _sold(transaction: Sequence[Any]) -> bool:
    return any(kind_of(fact) is PurchaseRecorded for fact in transaction)
