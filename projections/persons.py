"""Who is one person, and what they spent: asked of the read model of segments, which keeps both."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from projections.snapshot import Snapshot

_PERSONS = """
SELECT member_id FROM {schema}.persons WHERE person_id = %(member_id)s ORDER BY member_id
"""
_SPENT = """
SELECT coalesce(sum(paid_minor), 0)::bigint FROM {schema}.kept WHERE member_id = ANY(%(members)s) AND at <= %(as_of)s
"""


async def persons_of(snapshot: Snapshot, *, member_id: UUID) -> list[UUID]:
    """The member, and those who were merged into them; the member alone, where it was merged itself or is unknown."""
    return [row[0] for row in await snapshot.all(_PERSONS, member_id=member_id)] or [member_id]


async def is_member(snapshot: Snapshot, member_id: UUID) -> bool:
    """Whether somebody joined by that id, whatever became of them."""
    return await snapshot.one("SELECT 1 FROM {schema}.accounts WHERE member_id = %(id)s", id=member_id) is not None


async def spent_minor(snapshot: Snapshot, *, members: Sequence[UUID], as_of: datetime) -> int:
    """What is kept of all their purchases up to an instant, paid by whatever means."""
    row = await snapshot.one(_SPENT, members=list(members), as_of=as_of)
    assert row is not None, "an aggregate always has a row"
    spent: int = row[0]
    return spent
