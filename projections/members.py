"""Who the members are, and which cards they hold."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from projections.projection import Projection, Rows, moves
from projections.snapshot import Snapshot
from projections.told import Assigned, Joined


class Member(BaseModel):
    """A member of the programme."""

    member_id: UUID = Field(description="The member's id; it is random and tells nothing of the person")
    registered_at: datetime = Field(description="When the member joined, as told by whoever enrolled them")
    position: int = Field(description="The log position up to which the answer is complete")


class Members(Projection):
    """Members by id and by card."""

    name = "members"
    tables = (
        "CREATE TABLE IF NOT EXISTS {schema}.members (member_id uuid PRIMARY KEY, registered_at timestamptz NOT NULL)",
        "CREATE TABLE IF NOT EXISTS {schema}.cards (card_id uuid PRIMARY KEY, member_id uuid NOT NULL)",
    )

    @moves("MemberJoined.v1")
    def joined(self, fact: Joined, rows: Rows) -> None:
        rows["members"].append((fact["member_id"], fact["registered_at"]))

    @moves("CardAssigned.v1")
    def assigned(self, fact: Assigned, rows: Rows) -> None:
        rows["cards"].append((fact["originator_id"], fact["member_id"]))


async def member_of(snapshot: Snapshot, *, card_id: UUID) -> Member | None:
    """Who holds the card."""
    row = await snapshot.one(
        "SELECT member_id, registered_at FROM {schema}.cards JOIN {schema}.members USING (member_id) WHERE card_id = %(card_id)s",
        card_id=card_id,
    )
    if row is None:
        return None
    return Member(member_id=row[0], registered_at=row[1], position=snapshot.position)
