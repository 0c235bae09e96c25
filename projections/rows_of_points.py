"""The rows that facts add to what is known of points: entries, lots, movements, ends of holds, debts."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.fact import message_id
from projections.projection import Rows
from projections.told_of_points import GivenBack, GivenLot, Moved, Received, Sent, Taken, TakenBack


def cause_of(fact: Moved) -> UUID:
    """The message that led to the fact: also for a return that waited, whose facts are recorded with its purchase's."""
    return message_id(fact["source"], fact["external_id"])


def points_of(parts: Iterable[Taken | GivenLot]) -> int:
    """How many points they are in all."""
    return sum(part["points"] for part in parts)


def enter(
    rows: Rows, fact: Moved, kind: str, points: int, *, reference: str | None = None, reason: str | None = None
) -> None:
    """Something that a statement says."""
    rows["entries"].append((fact["member_id"], cause_of(fact), fact["occurred_at"], kind, points, reference, reason))


def hand_on(
    rows: Rows, fact: Sent | Received | GivenBack | TakenBack, kind: str, parts: Iterable[Taken | GivenLot], other: str
) -> None:
    """Points went to another member or came from there, and with a merge what is owed."""
    enter(rows, fact, kind, points_of(parts), reference=other, reason=fact.get("reason"))
    if fact["debt"]:
        enter(rows, fact, "debt-went" if kind.endswith("sent") else "debt-came", fact["debt"], reference=other)


def give(rows: Rows, fact: Moved, part: str, lots: Sequence[GivenLot], *, received: bool = False) -> None:
    """Lots that did not come with a purchase."""
    rows["lots"] += [(
        fact["member_id"], lot["lot_id"], part, None, lot["points"], received,
        lot["earned_at"], lot["active_from"], lot.get("expires_at"), fact["occurred_at"], cause_of(fact),
    ) for lot in lots]  # fmt: skip


def move(rows: Rows, fact: Moved, bucket: str, parts: Iterable[Taken], *, sign: int = 1) -> None:
    """What lots lose to a bucket, or below 0 get back from it."""
    rows["movements"] += [
        (fact["member_id"], part["lot_id"], bucket, sign * part["points"], fact["occurred_at"], cause_of(fact))
        for part in parts
        if part["points"]
    ]


def end(rows: Rows, fact: Moved, hold_id: str, how: str) -> None:
    """A hold is over."""
    rows["hold_ends"].append((fact["member_id"], hold_id, fact["occurred_at"], how, cause_of(fact)))


def cancel(rows: Rows, fact: Moved, points: int, unsettled: Sequence[Taken]) -> None:
    """Debt that lots had paid counts as cancelled after all, as they have their points again."""
    move(rows, fact, "settled", unsettled, sign=-1)
    paid = points_of(unsettled)
    owe(rows, fact, "settled", -paid)
    owe(rows, fact, "cancelled", points + paid)


def owe(rows: Rows, fact: Moved, kind: str, points: int) -> None:
    """Debt that is raised, or goes in some way."""
    if points:
        rows["debts"].append((
            fact["member_id"], kind, points, fact["occurred_at"], fact["originator_version"], cause_of(fact),
        ))  # fmt: skip
