"""Who the members are, which cards they hold, and what is known of them, still sealed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Cursor
from pydantic import BaseModel, Field

from projections.projection import Projection, Rows, in_schema, moves
from projections.snapshot import Snapshot
from projections.told import Assigned, Consented, Erased, Joined, Merged, Profiled


class Member(BaseModel):
    """A member of the programme."""

    member_id: UUID = Field(description="The member's id; it is random and tells nothing of the person")
    registered_at: datetime = Field(description="When the member joined, as told by whoever enrolled them")
    position: int = Field(description="The log position up to which the answer is complete")


class Members(Projection):
    """Members by id and by card, and each change of what is known of them."""

    name = "members"
    tables = (
        "CREATE TABLE IF NOT EXISTS {schema}.members (member_id uuid PRIMARY KEY, registered_at timestamptz NOT NULL)",
        # For a moment a card may have two holders: who lost it and who got it are told in partitions of their own.
        "CREATE TABLE IF NOT EXISTS {schema}.cards (card_id uuid, member_id uuid, PRIMARY KEY (card_id, member_id))",
        # The value is sealed where a key is named, and null where the field was taken back.
        """
        CREATE TABLE IF NOT EXISTS {schema}.fields (
            member_id uuid NOT NULL,
            version bigint NOT NULL,
            field text NOT NULL,
            key_id uuid,
            value text,
            PRIMARY KEY (member_id, field, version)
        )
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.consents (
            member_id uuid NOT NULL,
            version bigint NOT NULL,
            purpose text NOT NULL,
            channel text,
            granted boolean NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (member_id, version, purpose)
        )
        """,
        "CREATE TABLE IF NOT EXISTS {schema}.erasures (member_id uuid PRIMARY KEY, erased_at timestamptz NOT NULL)",
    )

    @moves("MemberJoined.v1")
    def joined(self, fact: Joined, rows: Rows) -> None:
        member_id, version = fact["member_id"], fact["originator_version"]
        rows["members"].append((member_id, fact["registered_at"]))
        if "language" in fact:
            rows["fields"].append((member_id, version, "language", None, fact["language"]))
        rows["consents"] += [
            (member_id, version, purpose, None, granted, fact["occurred_at"])
            for purpose, granted in fact.get("consents", {}).items()
        ]

    @moves("ProfileChanged.v1")
    def changed(self, fact: Profiled, rows: Rows) -> None:
        place = fact["member_id"], fact["originator_version"]
        stated = [(field, fact.get("key_id"), text) for field, text in fact.get("sealed", {}).items()]
        if "language" in fact:
            stated.append(("language", None, fact["language"]))
        removed = [(field, None, None) for field in fact.get("removed", ())]
        rows["fields"] += [(*place, *field) for field in (*stated, *removed)]

    @moves("ConsentChanged.v1")
    def consented(self, fact: Consented, rows: Rows) -> None:
        rows["consents"].append((
            fact["member_id"], fact["originator_version"], fact["purpose"], fact.get("channel"), fact["granted"],
            fact["occurred_at"],
        ))  # fmt: skip

    @moves("PersonalDataErased.v1")
    def erased(self, fact: Erased, rows: Rows) -> None:
        rows["erasures"].append((fact["member_id"], fact["occurred_at"]))

    @moves("CardAssigned.v1")
    def assigned(self, fact: Assigned, rows: Rows) -> None:
        rows["held"].append((fact["originator_id"], fact["member_id"], True))

    @moves("CardUnlinked.v1")
    def unlinked(self, fact: Assigned, rows: Rows) -> None:
        rows["held"].append((fact["originator_id"], fact["member_id"], False))

    @moves("MemberMerged.v1")
    def merged(self, fact: Merged, rows: Rows) -> None:
        rows["held"] += [(card_id, fact["member_id"], False) for card_id in fact["card_ids"]]

    @moves("MemberParted.v1")
    def parted(self, fact: Merged, rows: Rows) -> None:
        rows["held"] += [(card_id, fact["member_id"], False) for card_id in fact["card_ids"]]

    def write(self, cursor: Cursor, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """What the batch said last of a card and a member holds. Of who was erased, every field goes, the batch's too."""
        added = dict(rows)
        held = {(card_id, member_id): is_held for card_id, member_id, is_held in added.pop("held", ())}
        if held:
            card_ids, member_ids = map(list, zip(*held, strict=True))
            cursor.execute(in_schema(_LOST, self.schema), {"card_ids": card_ids, "member_ids": member_ids})
        added["cards"] = [pair for pair, is_held in held.items() if is_held]
        super().write(cursor, {table: those for table, those in added.items() if those})
        if "erasures" in added:
            erased = [member_id for member_id, _ in added["erasures"]]
            cursor.execute(in_schema(_ERASE, self.schema), {"member_ids": erased})


_LOST = """
DELETE FROM {schema}.cards USING unnest(%(card_ids)s::uuid[], %(member_ids)s::uuid[]) AS lost (card_id, member_id)
WHERE (cards.card_id, cards.member_id) = (lost.card_id, lost.member_id)
"""
_ERASE = "DELETE FROM {schema}.fields WHERE member_id = ANY(%(member_ids)s::uuid[])"


async def member_of(snapshot: Snapshot, *, card_id: UUID) -> Member | None:
    """Who holds the card."""
    row = await snapshot.one(
        "SELECT member_id, registered_at FROM {schema}.cards JOIN {schema}.members USING (member_id) WHERE card_id = %(card_id)s",
        card_id=card_id,
    )
    if row is None:
        return None
    return Member(member_id=row[0], registered_at=row[1], position=snapshot.position)


class Consent(BaseModel):
    """What a member said about a purpose."""

    purpose: str = Field(description="What the consent is for")
    channel: str | None = Field(None, description="The channel it is about; left out where it is about all of them")
    granted: bool = Field(description="Whether the member agreed; else a refusal, or a withdrawal")
    at: datetime = Field(description="Since when")


class SealedProfile(NamedTuple):
    """What is known of a member; personal fields with the ids of their keys."""

    registered_at: datetime
    language: str | None
    sealed: dict[str, tuple[UUID, str]]
    consents: list[Consent]
    """All of them, in the order in which they were given and withdrawn."""
    erased_at: datetime | None


_MEMBER = """
SELECT registered_at, erased_at FROM {schema}.members LEFT JOIN {schema}.erasures USING (member_id)
WHERE member_id = %(member_id)s
"""
_FIELDS = """
SELECT DISTINCT ON (field) field, key_id, value FROM {schema}.fields
WHERE member_id = %(member_id)s ORDER BY field, version DESC
"""
_CONSENTS = """
SELECT purpose, channel, granted, at FROM {schema}.consents
WHERE member_id = %(member_id)s ORDER BY version, purpose
"""


async def profile_of(snapshot: Snapshot, *, member_id: UUID) -> SealedProfile | None:
    """What is known of a member; None for an unknown one."""
    member = await snapshot.one(_MEMBER, member_id=member_id)
    if member is None:
        return None
    known = [row for row in await snapshot.all(_FIELDS, member_id=member_id) if row[2] is not None]
    consents = await snapshot.all(_CONSENTS, member_id=member_id)
    return SealedProfile(
        registered_at=member[0],
        language=next((value for field, _, value in known if field == "language"), None),
        sealed={field: (key_id, value) for field, key_id, value in known if key_id is not None},
        consents=[Consent(purpose=row[0], channel=row[1], granted=row[2], at=row[3]) for row in consents],
        erased_at=member[1],
    )
