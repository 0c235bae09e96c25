"""Segments as they were defined, and what their criteria look at: purchases, who is one person, and tiers."""

import json

from projections.projection import Rows, moves
from projections.tiers import Tiers
from projections.told import Defined, Erased, MergedInto
from projections.told_of_points import Earned, Revoked


class Segments(Tiers):
    """Nobody is put into a segment while facts arrive: who belongs is worked out when it is asked, as of any instant.

    It holds what tells a standing as well, in tables of its own.
    """

    name = "segments"
    tables = (
        *Tiers.tables,
        """
        CREATE TABLE IF NOT EXISTS {schema}.segments (
            segment_id text,
            version int,
            title text NOT NULL,
            effective_from timestamptz NOT NULL,
            definition jsonb NOT NULL,
            PRIMARY KEY (segment_id, version)
        )
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.purchases (
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            at timestamptz NOT NULL,
            day date NOT NULL,
            store text NOT NULL,
            paid_minor bigint NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS purchases_member ON {schema}.purchases (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.returns (
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            paid_minor bigint NOT NULL,
            nothing_left boolean NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS returns_member ON {schema}.returns (member_id)",
        # What was said last of a member holds; the survivor is null where a merge was undone.
        """
        CREATE TABLE IF NOT EXISTS {schema}.merges (
            member_id uuid, version bigint, survivor_id uuid, PRIMARY KEY (member_id, version)
        )
        """,
        "CREATE TABLE IF NOT EXISTS {schema}.erasures (member_id uuid PRIMARY KEY, erased_at timestamptz NOT NULL)",
        # As whom each member lives on: as themselves, but for those who were merged into somebody.
        """
        CREATE OR REPLACE VIEW {schema}.persons AS
        WITH RECURSIVE last AS (
            SELECT DISTINCT ON (member_id) member_id, survivor_id FROM {schema}.merges ORDER BY member_id, version DESC
        ), merged AS (
            SELECT member_id, survivor_id FROM last WHERE survivor_id IS NOT NULL
        ), lives AS (
            SELECT member_id, member_id AS person_id FROM {schema}.accounts
            UNION ALL
            SELECT lives.member_id, survivor_id FROM lives JOIN merged ON merged.member_id = person_id
        )
        SELECT member_id, person_id FROM lives WHERE person_id NOT IN (SELECT member_id FROM merged)
        """,
        # Purchases net of what went back of them, whenever it did.
        """
        CREATE OR REPLACE VIEW {schema}.kept AS
        SELECT member_id, at, day, store, purchases.paid_minor - coalesce(back.paid_minor, 0) AS paid_minor,
            coalesce(back.gone, false) AS gone
        FROM {schema}.purchases LEFT JOIN (
            SELECT member_id, purchase_id, sum(paid_minor) AS paid_minor, bool_or(nothing_left) AS gone
            FROM {schema}.returns GROUP BY member_id, purchase_id
        ) AS back USING (member_id, purchase_id)
        """,
    )

    @moves("SegmentDefined.v1")
    def defined(self, fact: Defined, rows: Rows) -> None:
        rows["segments"].append((
            fact["segment_id"], fact["version"], fact["title"], fact["effective_from"], json.dumps(fact["definition"]),
        ))  # fmt: skip

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        super().earned(fact, rows)
        rows["purchases"].append((
            fact["member_id"], fact["purchase_id"], fact["occurred_at"], fact["day"], fact["store"], fact["paid_minor"],
        ))  # fmt: skip

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        super().revoked(fact, rows)
        rows["returns"].append((fact["member_id"], fact["purchase_id"], fact["paid_minor"], fact["nothing_left"]))

    @moves("MemberMerged.v1")
    def merged(self, fact: MergedInto, rows: Rows) -> None:
        rows["merges"].append((fact["member_id"], fact["originator_version"], fact["survivor_id"]))

    @moves("MemberUnmerged.v1")
    def unmerged(self, fact: MergedInto, rows: Rows) -> None:
        rows["merges"].append((fact["member_id"], fact["originator_version"], None))

    @moves("PersonalDataErased.v1")
    def erased(self, fact: Erased, rows: Rows) -> None:
        rows["erasures"].append((fact["member_id"], fact["occurred_at"]))
