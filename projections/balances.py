"""What has become of each member's points, lot by lot: the rows that every question about points is answered from."""

from domain.purse import GRACE
from projections.projection import Projection, Rows, moves
from projections.rows_of_points import cancel, end, enter, give, hand_on, move, owe, points_of
from projections.told import Published
from projections.told_of_points import (
    Adjusted,
    Closed,
    DebtReversed,
    Earned,
    GivenBack,
    GrantRevoked,
    Held,
    HoldEnded,
    Imported,
    Opened,
    Parts,
    PointsGranted,
    Prolonged,
    Received,
    ReceivedRevoked,
    Redeemed,
    Reversed,
    Revoked,
    Sent,
    Taken,
    TakenBack,
    Waived,
)


class Balances(Projection):
    """Lots, and what moved them. Nothing is added up here: every sum is made for the instant that is asked about."""

    name = "balances"
    tables = (
        "CREATE TABLE IF NOT EXISTS {schema}.accounts (member_id uuid PRIMARY KEY)",
        # `at`: when the lot came to the account. `cause`: the message that gave it, where that was no purchase.
        """
        CREATE TABLE IF NOT EXISTS {schema}.lots (
            member_id uuid NOT NULL,
            lot_id uuid NOT NULL,
            part text NOT NULL,
            purchase_id uuid,
            points bigint NOT NULL,
            received boolean NOT NULL,
            earned_at timestamptz NOT NULL,
            active_from timestamptz NOT NULL,
            expires_at timestamptz,
            at timestamptz NOT NULL,
            cause uuid
        )
        """,
        "CREATE INDEX IF NOT EXISTS lots_member ON {schema}.lots (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.movements (
            member_id uuid NOT NULL,
            lot_id uuid NOT NULL,
            bucket text NOT NULL,
            points bigint NOT NULL,
            at timestamptz NOT NULL,
            cause uuid NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS movements_member ON {schema}.movements (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.holds (
            member_id uuid NOT NULL,
            hold_id uuid NOT NULL,
            lot_id uuid NOT NULL,
            points bigint NOT NULL,
            at timestamptz NOT NULL,
            until timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS holds_member ON {schema}.holds (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.hold_ends (
            member_id uuid NOT NULL,
            hold_id uuid NOT NULL,
            at timestamptz NOT NULL,
            how text NOT NULL,
            cause uuid NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS hold_ends_member ON {schema}.hold_ends (member_id)",
        # `version`: the fact's place in the account's stream, as debt is open since it was first raised there.
        """
        CREATE TABLE IF NOT EXISTS {schema}.debts (
            member_id uuid NOT NULL,
            kind text NOT NULL,
            points bigint NOT NULL,
            at timestamptz NOT NULL,
            version int NOT NULL,
            cause uuid NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS debts_member ON {schema}.debts (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.keep_alives (
            member_id uuid NOT NULL,
            purchase_id uuid NOT NULL,
            at timestamptz NOT NULL,
            until timestamptz NOT NULL
        )
        """,
        "CREATE INDEX IF NOT EXISTS keep_alives_member ON {schema}.keep_alives (member_id)",
        # What a statement says of a cause; a purchase that earned points speaks by its lots. `points` are as the words say.
        """
        CREATE TABLE IF NOT EXISTS {schema}.entries (
            member_id uuid NOT NULL,
            cause uuid NOT NULL,
            at timestamptz NOT NULL,
            kind text NOT NULL,
            points bigint NOT NULL,
            reference uuid,
            reason text
        )
        """,
        "CREATE INDEX IF NOT EXISTS entries_member ON {schema}.entries (member_id)",
        "CREATE TABLE IF NOT EXISTS {schema}.rewards (member_id uuid NOT NULL, redemption_id uuid NOT NULL, en text, zh text)",
        "CREATE INDEX IF NOT EXISTS rewards_member ON {schema}.rewards (member_id)",
        """
        CREATE TABLE IF NOT EXISTS {schema}.time_zones (
            programme text, effective_from timestamptz, time_zone text NOT NULL, PRIMARY KEY (programme, effective_from)
        )
        """,
        """
        CREATE TABLE IF NOT EXISTS {schema}.statement_titles (
            programme text,
            effective_from timestamptz,
            en text,
            zh text,
            PRIMARY KEY (programme, effective_from)
        )
        """,
    )

    @moves("AccountOpened.v1")
    def opened(self, fact: Opened, rows: Rows) -> None:
        rows["accounts"].append((fact["member_id"],))

    @moves("PointsEarned.v1")
    def earned(self, fact: Earned, rows: Rows) -> None:
        member_id, purchase_id, at = fact["member_id"], fact["purchase_id"], fact["occurred_at"]
        parts = [part for part in fact["parts"] if part["points"]]
        rows["lots"] += [(
            member_id, part["lot_id"], part["part"], purchase_id, part["points"], False,
            at, fact["active_from"], fact.get("expires_at"), at, None,
        ) for part in parts]  # fmt: skip
        if not parts:
            rows["entries"].append((member_id, purchase_id, at, "purchase", 0, purchase_id, None))
        if "keeps_alive_until" in fact:
            rows["keep_alives"].append((member_id, purchase_id, at, fact["keeps_alive_until"]))

    @moves("PointsRevoked.v1")
    def revoked(self, fact: Revoked, rows: Rows) -> None:
        gone = [part["points"] - part.get("forgiven", 0) - part.get("forwarded", 0) for part in fact["parts"]]
        kind = "full-return" if fact["nothing_left"] else "return"
        enter(rows, fact, kind, sum(gone), reference=fact["purchase_id"])
        for part in fact["parts"]:
            others = part.get("others", [])
            elsewhere = part.get("debt", 0) + part.get("forgiven", 0) + part.get("forwarded", 0)
            own = part["points"] - elsewhere - sum(other["points"] for other in others)
            move(rows, fact, "revoked", [Taken(lot_id=part["lot_id"], points=own), *others])
            owe(rows, fact, "raised", part.get("debt", 0))

    @moves("PointsHeld.v1")
    def held(self, fact: Held, rows: Rows) -> None:
        enter(rows, fact, "hold", points_of(fact["parts"]), reference=fact["hold_id"])
        rows["holds"] += [
            (fact["member_id"], fact["hold_id"], part["lot_id"], part["points"], fact["occurred_at"], fact["until"])
            for part in fact["parts"]
        ]

    @moves("HoldReleased.v1")
    def released(self, fact: HoldEnded, rows: Rows) -> None:
        enter(rows, fact, "release", points_of(fact["parts"]), reference=fact["hold_id"])
        end(rows, fact, fact["hold_id"], "released")

    @moves("HoldTimedOut.v1")
    def timed_out(self, fact: HoldEnded, rows: Rows) -> None:
        end(rows, fact, fact["hold_id"], "timed-out")

    @moves("PointsRedeemed.v1")
    def redeemed(self, fact: Redeemed, rows: Rows) -> None:
        points = points_of(fact["parts"]) + fact["debt"]
        enter(rows, fact, "redemption", points, reference=fact["redemption_id"], reason=fact.get("reason"))
        if "hold_id" in fact:
            end(rows, fact, fact["hold_id"], "captured")
        if "reward_name" in fact:
            rows["rewards"].append((fact["member_id"], fact["redemption_id"], *fact["reward_name"].values()))
        move(rows, fact, "spent", fact["parts"])
        owe(rows, fact, "raised", fact["debt"])

    @moves("RedemptionReversed.v1")
    def reversed(self, fact: Reversed, rows: Rows) -> None:
        points = points_of(fact["parts"]) + fact["cancelled"] + points_of(fact["unsettled"])
        enter(rows, fact, "reversal", points, reference=fact["redemption_id"], reason=fact.get("reason"))
        move(rows, fact, "spent", fact["parts"], sign=-1)
        cancel(rows, fact, fact["cancelled"], fact["unsettled"])

    @moves("DebtReversed.v1")
    def debt_reversed(self, fact: DebtReversed, rows: Rows) -> None:
        points = fact["cancelled"] + points_of(fact["unsettled"])
        enter(rows, fact, "reversal", points, reference=fact["redemption_id"])
        cancel(rows, fact, fact["cancelled"], fact["unsettled"])

    @moves("PointsProlonged.v1")
    def prolonged(self, fact: Prolonged, rows: Rows) -> None:
        enter(rows, fact, "prolonged", points_of(fact["lots"]), reference=fact["redemption_id"])
        move(rows, fact, "sent", [Taken(lot_id=lot["from_lot"], points=lot["points"]) for lot in fact["lots"]])
        give(rows, fact, GRACE, fact["lots"], received=True)

    @moves("DebtSettled.v1")
    def settled(self, fact: Parts, rows: Rows) -> None:
        move(rows, fact, "settled", fact["parts"])
        owe(rows, fact, "settled", points_of(fact["parts"]))

    @moves("DebtWaived.v1")
    def waived(self, fact: Waived, rows: Rows) -> None:
        enter(rows, fact, "waiver", fact["points"], reason=fact["reason"])
        owe(rows, fact, "waived", fact["points"])

    @moves("PointsExpired.v1")
    def expired(self, fact: Parts, rows: Rows) -> None:
        """Kept, and never added up: what has lapsed is told by the clock."""
        move(rows, fact, "lapsed", fact["parts"])

    @moves("PointsAdjusted.v1")
    def adjusted(self, fact: Adjusted, rows: Rows) -> None:
        enter(rows, fact, "adjustment", fact["points"], reason=fact["reason"])
        give(rows, fact, "adjustment", [fact["lot"]] if "lot" in fact else [])
        move(rows, fact, "revoked", fact["parts"])
        owe(rows, fact, "raised", fact["debt"])

    @moves("OpeningBalanceImported.v1")
    def imported(self, fact: Imported, rows: Rows) -> None:
        enter(rows, fact, "opening-balance", points_of(fact["lots"]), reason=fact["reason"])
        if fact["debt"]:
            enter(rows, fact, "debt-came", fact["debt"])
        give(rows, fact, "opening-balance", fact["lots"])
        owe(rows, fact, "raised", fact["debt"])

    @moves("PointsGranted.v1")
    def granted(self, fact: PointsGranted, rows: Rows) -> None:
        enter(rows, fact, f"{fact['cause']}-granted", fact["lot"]["points"], reference=fact["grant_id"])
        give(rows, fact, fact["cause"], [fact["lot"]])

    @moves("GrantRevoked.v1")
    def grant_revoked(self, fact: GrantRevoked, rows: Rows) -> None:
        points = points_of(fact["parts"]) + fact["debt"]
        enter(rows, fact, f"{fact['cause']}-revoked", points, reference=fact["grant_id"])
        move(rows, fact, "revoked", fact["parts"])
        owe(rows, fact, "raised", fact["debt"])

    @moves("PointsSent.v1")
    def sent(self, fact: Sent, rows: Rows) -> None:
        hand_on(rows, fact, f"{fact['cause']}-sent", fact["parts"], fact["to_member_id"])
        move(rows, fact, "sent", fact["parts"])
        owe(rows, fact, "cancelled", fact["debt"])

    @moves("PointsReceived.v1")
    def received(self, fact: Received, rows: Rows) -> None:
        hand_on(rows, fact, f"{fact['cause']}-received", fact["lots"], fact["from_member_id"])
        give(rows, fact, fact["cause"], fact["lots"], received=True)
        owe(rows, fact, "raised", fact["debt"])

    @moves("PointsGivenBack.v1")
    def given_back(self, fact: GivenBack, rows: Rows) -> None:
        hand_on(rows, fact, "unmerge-sent", fact["parts"], fact["to_member_id"])
        move(rows, fact, "received", fact["parts"], sign=-1)
        owe(rows, fact, "cancelled", fact["debt"])

    @moves("PointsTakenBack.v1")
    def taken_back(self, fact: TakenBack, rows: Rows) -> None:
        hand_on(rows, fact, "unmerge-received", fact["parts"], fact["from_member_id"])
        move(rows, fact, "sent", fact["parts"], sign=-1)
        owe(rows, fact, "raised", fact["debt"])

    @moves("ReceivedRevoked.v1")
    def received_revoked(self, fact: ReceivedRevoked, rows: Rows) -> None:
        enter(rows, fact, "return", points_of(fact["parts"]) + fact["debt"], reference=fact["purchase_id"])
        move(rows, fact, "revoked", fact["parts"])
        owe(rows, fact, "raised", fact["debt"])

    @moves("AccountClosed.v1")
    def closed(self, fact: Closed, rows: Rows) -> None:
        enter(rows, fact, "closing", 0, reason=fact["reason"])

    @moves("ProgrammePublished.v1")
    def published(self, fact: Published, rows: Rows) -> None:
        policy = fact["policy"]
        rows["time_zones"].append((fact["programme"], policy["effective_from"], policy["time_zone"]))
        title = policy.get("texts", {}).get("statement_title", {})
        rows["statement_titles"].append((fact["programme"], policy["effective_from"], title.get("en"), title.get("zh")))
