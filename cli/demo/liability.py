"""What is owed in points, month by month, held against sums over the facts that the database adds up by itself."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any, LiteralString, Protocol
from zoneinfo import ZoneInfo

from psycopg import Connection

from cli.demo.verify import Difference

# It shares no code with the roll-forward, nor with the rules; only what a difference is. The definitions:
#
# - a month is a local one of the time zone that the latest version of the programme names, by business time.
# - issued: points of a purchase's parts. Redeemed: points that a redemption took from lots. Revoked: points that a return
#   took from lots, its own and others; not what it left as debt or forgave.
# - expired: all that was in a lot, in the month of its last instant, less what went of it; what goes later, then.
# - closing: as the month before, and issued - redeemed - expired - revoked. It is also what the read model says is
#   pending, available or held at the first instant after the month; that is asked of some months, the last one among them.
# - in money, with a purchase: paid x p / (paid + p), p = points x face x share expected. As long as nothing went, the
#   closing balance is the sum of that, rounded half to even. After that it is not below 0, and 0 where nothing is owed.
# - other facts that move points are not added up; there must be none.

SHARE = "4/5"
"""The share of points that is assumed to be redeemed, while history is short. It is made up."""

EVERY = 6
"""The read model is asked about every so many months, counted from the last: each question adds up all lots."""

LINES = ("issued", "redeemed", "expired", "revoked")
ROLL = ("opening", *LINES, "reestimated", "closing")

_RULES: LiteralString = """
SELECT body #>> '{policy,time_zone}', (body #>> '{policy,points_as_cash,amount_minor}')::int,
    (body #>> '{policy,points_as_cash,points}')::int
FROM (SELECT position, convert_from(state, 'UTF8')::jsonb AS body FROM facts WHERE name = 'ProgrammePublished.v1') AS rules
ORDER BY position DESC LIMIT 1
"""
_OTHERS: LiteralString = """
SELECT name, count(*) FROM facts
WHERE originator_id IN (SELECT originator_id FROM facts WHERE name = 'AccountOpened.v1')
    AND name NOT IN ('AccountOpened.v1', 'PointsEarned.v1', 'PointsRedeemed.v1', 'PointsRevoked.v1', 'PointsExpired.v1',
        'TierMoved.v1', 'TierWarned.v1')
GROUP BY name ORDER BY name
"""
_SUMS: LiteralString = """
WITH told AS MATERIALIZED (
    SELECT name, convert_from(state, 'UTF8')::jsonb AS body FROM facts
    WHERE name IN ('PointsEarned.v1', 'PointsRedeemed.v1', 'PointsRevoked.v1')
), parts AS MATERIALIZED (
    SELECT name, (body ->> 'occurred_at')::timestamptz AS at,
        (body ->> 'expires_at')::timestamptz - interval '1 microsecond' AS last,
        part, (part ->> 'lot_id')::uuid AS lot_id, (part ->> 'points')::bigint AS points
    FROM told CROSS JOIN LATERAL jsonb_array_elements(body -> 'parts') AS part
), lots AS (
    SELECT lot_id, at, last, points FROM parts WHERE name = 'PointsEarned.v1'
), went AS (
    SELECT 'redeemed' AS line, lot_id, at, points FROM parts WHERE name = 'PointsRedeemed.v1'
    UNION ALL SELECT 'revoked', lot_id, at, points - coalesce((part ->> 'debt')::bigint, 0)
        - coalesce((part ->> 'forgiven')::bigint, 0) - coalesce((part ->> 'forwarded')::bigint, 0)
        - coalesce((SELECT sum((other ->> 'points')::bigint) FROM jsonb_array_elements(part -> 'others') AS other), 0)
        FROM parts WHERE name = 'PointsRevoked.v1'
    UNION ALL SELECT 'revoked', (other ->> 'lot_id')::uuid, at, (other ->> 'points')::bigint
        FROM parts CROSS JOIN LATERAL jsonb_array_elements(part -> 'others') AS other WHERE name = 'PointsRevoked.v1'
), moved AS (
    SELECT 'issued' AS line, at, points AS amount FROM lots
    UNION ALL SELECT line, at, points FROM went
    UNION ALL SELECT 'expired', last, points FROM lots WHERE last IS NOT NULL
    UNION ALL SELECT 'expired', greatest(went.at, last), -went.points FROM went JOIN lots USING (lot_id) WHERE last IS NOT NULL
    UNION ALL SELECT 'paid', (body ->> 'occurred_at')::timestamptz, (body ->> 'paid_minor')::bigint FROM told
        WHERE name = 'PointsEarned.v1' AND jsonb_path_exists(body, '$.parts[*].points ? (@ > 0)')
)
SELECT to_char(at AT TIME ZONE %(zone)s, 'YYYY-MM'), line, sum(amount)::bigint FROM moved GROUP BY 1, 2
"""
Roll = Mapping[str, Any]
"""A month as `GET /liability` tells it."""


class Answers(Protocol):
    """What the product says."""

    def liability(self, *, share: str, until: str) -> Sequence[Roll]:
        """The months of `GET /liability` up to a month."""

    def outstanding(self, at: datetime) -> int:
        """What the read model says that all members have at an instant: pending, available or held."""


@dataclass(frozen=True, slots=True)
class Added:
    """What the facts add up to."""

    face_minor: Fraction
    """What a point buys."""
    months: Mapping[str, datetime]
    """From the first with points through the one after the last in which any moved; when each is over."""
    sums: Mapping[str, Mapping[str, int]]
    """By month and line, and what was `paid` for purchases that earned points."""
    others: Mapping[str, int]
    """Facts of accounts that are not added up, by name."""


def added_up(log: Connection) -> Added:
    """By the database, from the JSON of the facts."""
    zone, minor, points = log.execute(_RULES).fetchall()[0]
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for month, line, amount in log.execute(_SUMS, {"zone": zone}):
        sums[month][line] = amount
    return Added(Fraction(minor, points), _months(sums, zone), sums, dict(log.execute(_OTHERS).fetchall()))


def _months(known: Collection[str], zone: str) -> dict[str, datetime]:
    if not known:
        return {}
    first, last = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (min(known), max(known)))
    begins = [datetime(number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone)) for number in range(first, last + 3)]
    return {f"{begin:%Y-%m}": over for begin, over in pairwise(begins)}


@dataclass(frozen=True, slots=True)
class Checked:
    """A roll-forward, and where it is otherwise than it should be."""

    rolled: Sequence[Roll]
    differences: Sequence[Difference]

    def __str__(self) -> str:
        """The result in one line."""
        closing = [one["points"]["closing"] for one in self.rolled] or [0]
        return (
            f"liability: {len(self.rolled)} months roll forward, {max(closing):,} points owed at most, {closing[-1]:,} in the"
            f" end: {len(self.differences):,} differences from the facts and the read model"
        )


def check(added: Added, answers: Answers) -> Checked:
    """Every line of the roll-forward."""
    rolled = answers.liability(share=SHARE, until=max(added.months)) if added.months else ()
    held = {month: answers.outstanding(over) for month, over in list(added.months.items())[::-EVERY]}
    return Checked(rolled, list(_differences(added, rolled, held)))


def _differences(added: Added, rolled: Sequence[Roll], held: Mapping[str, int]) -> Iterator[Difference]:
    for name, facts in added.others.items():
        yield Difference("facts that are not added up", name, 0, facts)
    if [one["month"] for one in rolled] != list(added.months):
        yield Difference("liability", "months", list(added.months), [one["month"] for one in rolled])
    yield from _chained(rolled)
    yield from _in_points(added, rolled, held)
    yield from _in_money(added, rolled)


def _chained(rolled: Sequence[Roll]) -> Iterator[Difference]:
    """Every month opens as the last one closed, and comes to what its lines say."""
    for unit in ("points", "money"):
        for before, one in pairwise(rolled):
            yield from _unequal(one, unit, {"opening": before[unit]["closing"]})
        for one in rolled:
            opening, issued, redeemed, expired, revoked, reestimated, _ = (one[unit][line] for line in ROLL)
            yield from _unequal(one, unit, {"closing": opening + issued - redeemed - expired - revoked + reestimated})


def _in_points(added: Added, rolled: Sequence[Roll], held: Mapping[str, int]) -> Iterator[Difference]:
    owed = 0
    for one in rolled:
        wanted = {line: added.sums[one["month"]][line] for line in LINES}
        yield from _unequal(one, "points", {"opening": owed, **wanted, "reestimated": 0})
        owed += wanted["issued"] - wanted["redeemed"] - wanted["expired"] - wanted["revoked"]
        yield from _unequal(one, "points", {"closing": owed})
        if held.get(one["month"], owed) != owed:
            yield Difference(f"read model as {one['month']} ends", "outstanding", owed, held[one["month"]])


def _in_money(added: Added, rolled: Sequence[Roll]) -> Iterator[Difference]:
    deferred, went = Fraction(0), False
    for one in rolled:
        sums, before = added.sums[one["month"]], round(deferred)
        if price := added.face_minor * Fraction(SHARE) * sums["issued"]:
            deferred += price * sums["paid"] / (sums["paid"] + price)
        went = went or any(sums[line] for line in LINES[1:])
        if not went:
            yield from _unequal(one, "money", {"issued": round(deferred) - before, "closing": round(deferred)})
        elif not one["points"]["closing"]:
            yield from _unequal(one, "money", {"closing": 0})
        elif one["money"]["closing"] < 0:
            yield Difference(f"liability of {one['month']}", "closing in money", "0 or more", one["money"]["closing"])


def _unequal(one: Roll, unit: str, wanted: Mapping[str, int]) -> Iterator[Difference]:
    for line, amount in wanted.items():
        if one[unit][line] != amount:
            yield Difference(f"liability of {one['month']}", f"{line} in {unit}", amount, one[unit][line])
