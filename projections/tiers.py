"""Where each member stands: qualifying credits, and the rules that were in force."""

import json
from collections.abc import Iterable
from typing import ClassVar, LiteralString

from projections.projection import Projection, Rows, moves
from projections.told import Published
from projections.told_of_points import (
    Adjusted,
    Closed,
    Earned,
    GivenBack,
    Granted,
    Imported,
    Moved,
    Opened,
    Qualifying,
    Received,
    ReceivedRevoked,
    Revoked,
)


class Tiers(Projection):
    """Qualifying credits, what returns took of them, and tiers granted; the standing itself is computed when it is asked for."""

    name = "tiers"
    tables: ClassVar[tuple[LiteralString, ...]] = (
        "CREATE TABLE IF NOT EXISTS {schema}.accounts (member_id uuid PRIMARY KEY, registered_at timestamptz NOT NULL)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.credits (
            member_id uuid NOT NULL,
            purchase_id uuid,
            earned_at timestamptz NOT NULL,
            known_at timestamptz NOT NULL,
            points bigint NOT NULL,
            spend_minor bigint NOT NULL,
            store text,
            visits int NOT NULL,
            back_at timestamptz
        )
        """,
        "CREATE INDEX IF NOT EXISTS credits_member ON {schema}.credits (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.grants (
            member_id uuid NOT NULL,
            tier text NOT NULL,
            since timestamptz NOT NULL,
            period int NOT NULL,
            transfer_id uuid,
            known_at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS grants_member ON {schema}.grants (member_id)",
        # Merges that were undone: what they had granted ends.
        "CREATE TABLE IF NOT EXISTS {schema}.partings (member_id uuid NOT NULL, transfer_id uuid NOT NULL, at timestamptz NOT NULL)",
        "CREATE INDEX IF NOT EXISTS partings_member ON {schema}.partings (member_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.closures (member_id uuid PRIMARY KEY, closed_at timestamptz NOT NULL)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.programmes (
            programme text,
            version int,
            effective_from timestamptz NOT NULL,
            policy jsonb NOT NULL,
            PRIMARY KEY (programme, version)
        )
        """,
    )

    @moves("AccountOpened.v1")
    def opened(self, fact: Opened, rows: Rows) -> None:
        rows["accounts"].append((fact["member_id"], fact["registered_at"]))

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        points = 0
        for part in fact["parts"]:
            if part["qualifies"]:
                points += part["points"]
        at, by_points = fact["occurred_at"], fact.get("paid_by_points")
        spend_minor = fact["paid_minor"] - (sum(by_points.values()) if by_points else 0)
        rows["credits"].append((
            fact["member_id"], fact["purchase_id"], at, at, points, spend_minor, fact["store"], 1, None,
        ))  # fmt: skip

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        """A return counts at the time of its purchase, from when it happened; a closed review is never reopened."""
        if fact["counts"]:
            points = sum(part["points"] for part in fact["parts"] if part["qualifies"])
            at = fact["occurred_at"]
            rows["credits"].append((
                fact["member_id"], fact["purchase_id"], fact["purchased_at"], at, -points,
                -fact.get("spend_minor", fact["paid_minor"]), None, -int(fact["nothing_left"]), at,
            ))  # fmt: skip

    @moves("PointsAdjusted.v1")
    def adjusted(self, fact: Adjusted, rows: Rows) -> None:
        if fact["qualifies"]:
            _credit(rows, fact, [Qualifying(at=fact["occurred_at"], points=fact["points"])])

    @moves("OpeningBalanceImported.v1")
    def imported(self, fact: Imported, rows: Rows) -> None:
        _credit(rows, fact, fact["qualifying"])

    @moves("PointsReceived.v1")
    def received(self, fact: Received, rows: Rows) -> None:
        """A merge brings credits along, dated as they were; a transfer none."""
        _credit(rows, fact, fact["qualifying"])

    @moves("PointsGivenBack.v1")
    def given_back(self, fact: GivenBack, rows: Rows) -> None:
        _credit(rows, fact, fact["qualifying"], sign=-1)
        rows["partings"].append((fact["member_id"], fact["transfer_id"], fact["occurred_at"]))

    @moves("ReceivedRevoked.v1")
    def received_revoked(self, fact: ReceivedRevoked, rows: Rows) -> None:
        _credit(rows, fact, fact.get("qualifying", []))

    @moves("TierGranted.v1")
    def granted(self, fact: Granted, rows: Rows) -> None:
        rows["grants"].append((
            fact["member_id"], fact["tier"], fact["since"], fact["period"], fact.get("transfer_id"), fact["occurred_at"],
        ))  # fmt: skip

    @moves("AccountClosed.v1")
    def closed(self, fact: Closed, rows: Rows) -> None:
        rows["closures"].append((fact["member_id"], fact["occurred_at"]))

    @moves("ProgrammePublished.v1")
    def published(self, fact: Published, rows: Rows) -> None:
        policy = fact["policy"]
        rows["programmes"].append((fact["programme"], fact["version"], policy["effective_from"], json.dumps(policy)))


def _credit(rows: Rows, fact: Moved, credited: Iterable[Qualifying], *, sign: int = 1) -> None:
    """What qualifies and did not come with a purchase here; it is known from the fact on."""
    rows["credits"] += [
        (
            fact["member_id"], None, one["at"], fact["occurred_at"], sign * one["points"], sign * one.get("spend_minor", 0),
            one.get("store"), sign * one.get("visits", 0), one.get("back_at"),
        )
        for one in credited
    ]  # fmt: skip
