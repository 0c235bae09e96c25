"""What is claimed of messages: that all of them came, and that none was left aside."""

from datetime import date
from typing import Any

from psycopg import Connection

from projections.assurance.statement import Period, Statement, number, statement, unreadable
from projections.completeness.counting import FactUnreadable
from projections.completeness.run import Completeness

_LETTERS = """
SELECT reason, count(*), count(*) FILTER (WHERE redriven_at IS NULL) FROM dead_letters
WHERE recorded_at >= %s AND recorded_at < %s GROUP BY reason ORDER BY reason
"""
_PARKED = """
SELECT projection, encode(key, 'escape'), count(*), min(position), min(error)
FROM parked_facts JOIN projections_live USING (projection, generation) GROUP BY 1, 2 ORDER BY 4
"""
_HAS_TABLES = "SELECT to_regclass('parked_facts') IS NOT NULL AND to_regclass('projections_live') IS NOT NULL"

COMPLETE = "All purchases that tills counted are recorded, in number and amount."
CLOSED = "Tills that are closed were closed for every day on which they sold."
THE_TILLS = "What tills counted themselves. What neither arrived nor was counted is not seen."


def of_tills(found: Completeness | FactUnreadable, *, today: date) -> list[Statement]:
    """Whether all came, and whether tills told so of every day."""
    if isinstance(found, FactUnreadable):
        return [unreadable("completeness", COMPLETE, found), unreadable("closings", CLOSED, found)]
    return [_complete(found), _closed(found, today)]


def _complete(found: Completeness) -> Statement:
    """Where no till was closed, nothing tells."""
    closed = found.complete + found.differing
    return statement(
        "completeness", COMPLETE,
        holds=found.holds if closed else "not applicable",
        figures={
            "days_closed": closed, "days_differing": found.differing, "counted_receipts": found.counted_receipts,
            "recorded_receipts": found.recorded_receipts, "counted_minor": found.counted_minor,
            "recorded_minor": found.recorded_minor,
        },
        told=f"{number(closed, 'day')} of {number(found.tills, 'till')} closed: {number(found.counted_receipts, 'receipt')} of"
        f" {found.counted_minor:,} minor units counted, {found.recorded_receipts:,} of {found.recorded_minor:,} recorded;"
        f" {number(found.differing, 'day')} differing",
        checked="Purchases of each till and local day, by their business time, held against the last closing of that day.",
        rests_on=THE_TILLS,
        details=(
            f"{one.business_day} {one.till}: {one.counted_receipts:,} counted, {one.recorded_receipts:,} recorded;"
            f" {one.counted_minor:,} and {one.recorded_minor:,} minor units"
            + (f"; missing {', '.join(one.missing_ids[:10])}" if one.missing_ids else "")
            for one in found.items
            if one.state == "differs"
        ),
    )  # fmt: skip


def _closed(found: Completeness, today: date) -> Statement:
    """A till that was never closed in the period may be one that does not count."""
    closing = {one.till for one in found.items if one.closings}
    left = [
        one for one in found.items if one.state == "not-closed" and one.till in closing and one.business_day < today
    ]
    others = {one.till for one in found.items} - closing
    return statement(
        "closings", CLOSED,
        holds=not left if closing else "not applicable",
        figures={"tills_closing": len(closing), "tills_never_closed": len(others), "days_left_open": len(left)},
        told=f"{number(len(closing), 'till')} closed, {number(len(left), 'day')} of them left open;"
        f" {number(len(others), 'other till')} sold and told nothing",
        checked="Days with purchases and without a closing; the present day is not over.", rests_on=THE_TILLS,
        details=[f"{one.business_day} {one.till}: {number(one.recorded_receipts, 'receipt')}" for one in left]
        + [f"never closed: {till}" for till in sorted(others)],
    )  # fmt: skip


def letters(log: Connection[Any], period: Period) -> Statement:
    """What was refused over Kafka, and was not sent again."""
    rows = log.execute(_LETTERS, period).fetchall()
    total, left = sum(row[1] for row in rows), sum(row[2] for row in rows)
    return statement(
        "dead-letters", "No message that came in the period is left aside as a dead letter.", holds=not left,
        figures={"letters": total, "open": left}, told=f"{number(total, 'dead letter')}, {left:,} not driven again",
        checked="Letters that were kept in the period. One that was driven again and refused again is another letter.",
        rests_on="The table `dead_letters`. What HTTP refused was told to the sender, and is not kept.",
        details=(f"{reason}: {number(count, 'letter')}, {open_:,} open" for reason, count, open_ in rows),
    )  # fmt: skip


def parked(read_model: Connection[Any]) -> Statement:
    """Members of whom a read model could not digest a fact."""
    made = read_model.execute(_HAS_TABLES).fetchone()
    rows = read_model.execute(_PARKED).fetchall() if made and made[0] else []
    facts = sum(row[2] for row in rows)
    return statement(
        "parked-facts", "No fact is parked: read models have taken in all that they were told.", holds=not rows,
        figures={"keys": len(rows), "facts": facts}, told=f"{number(facts, 'fact')} of {number(len(rows), 'key')} parked",
        checked="Facts that the generations which answer have put aside, whenever they were recorded.",
        rests_on="The table `parked_facts`.",
        details=(
            f"{projection}: {key} from position {first:,} on, {number(count, 'fact')}: {error}"
            for projection, key, count, first, error in rows
        ),
    )  # fmt: skip
