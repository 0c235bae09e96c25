"""What is claimed of the log itself: positions, versions, and what was done by hand."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from pydantic_core import from_json

from domain.member import PersonalDataErased, ProfileChanged
from domain.movements import DebtWaived, PointsAdjusted
from domain.programme import ProgrammePublished
from projections.assurance.statement import MOST_DETAILS, Period, Statement, number, statement
from projections.known import before

Log = Connection[Any]

THE_LOG = "The table `facts` as it is now; `checkpoints` tells whether it was changed."

_EXTENT = "SELECT count(*), coalesce(max(position), 0) FROM facts"
_GAPS = """
SELECT before + 1, position - 1
FROM (SELECT position, coalesce(lag(position) OVER (ORDER BY position), 0) AS before FROM facts) AS places
WHERE position <> before + 1 ORDER BY position LIMIT %s
"""
_STREAMS = "SELECT count(DISTINCT originator_id) FROM facts"
_BROKEN = """
SELECT originator_id, count(*), min(originator_version), max(originator_version), count(*) OVER ()
FROM facts GROUP BY originator_id HAVING min(originator_version) <> 1 OR max(originator_version) <> count(*)
ORDER BY min(position) LIMIT %s
"""
# Times of recording have no index; they go up with the positions, but for what clocks disagree by.
_DONE = """
SELECT position, originator_id, state FROM facts
WHERE position > %s AND name = %s AND recorded_at >= %s AND recorded_at < %s ORDER BY position
"""
_KEYS_LEFT = "SELECT count(*) FROM member_keys WHERE member_id = %s AND destroyed_at IS NULL"
_NAMED_SINCE = "SELECT count(*) FROM facts WHERE originator_id = %s AND name = %s AND position > %s"


def positions(log: Log) -> Statement:
    """There is no reason for a gap that is no damage: whoever writes holds a lock and counts on."""
    facts, last = _row(log, _EXTENT)
    gaps = log.execute(_GAPS, (MOST_DETAILS,)).fetchall()
    return statement(
        "positions", "The log has a fact at every position, from the first to the last.",
        holds=facts == last and not gaps, figures={"facts": facts, "last_position": last},
        told=f"{number(facts, 'fact')}, the last of them at position {last:,}",
        checked="Counted, and each position held against the one before. Writers count on under a lock, so no gap is explained by"
        " a transaction that was given up.",
        rests_on=THE_LOG,
        details=(
            f"nothing stands at position {first:,}" if first == end else f"nothing stands at positions {first:,} to {end:,}"
            for first, end in gaps
        ),
    )  # fmt: skip


def versions(log: Log) -> Statement:
    """A fact that was taken out of the middle of a stream leaves a hole."""
    (streams,) = _row(log, _STREAMS)
    broken = log.execute(_BROKEN, (MOST_DETAILS,)).fetchall()
    wrong = broken[0][4] if broken else 0
    return statement(
        "stream-versions", "The facts of every stream are numbered 1, 2, 3 … without a gap.", holds=not broken,
        figures={"streams": streams, "broken": wrong}, told=f"{number(streams, 'stream')}, {wrong:,} of them with gaps",
        checked="Facts, lowest and highest version of each stream counted. The last facts of a stream, if taken out, leave a gap in the"
        " positions.",
        rests_on=THE_LOG,
        details=(
            f"stream {stream}: {number(facts, 'fact')}, versions {low:,} to {high:,}" for stream, facts, low, high, _ in broken
        ),
    )  # fmt: skip


def forced(log: Log, period: Period) -> Statement:
    """A version that the linter refuses is only published with a reason, which is kept."""
    published = _done(log, ProgrammePublished.stored_name, period)
    those = [(position, told) for position, told in published if told.get("forced_reason")]
    return statement(
        "programmes-forced", "No version of a programme was published against the linter.",
        holds=not those if published else "not applicable", figures={"published": len(published), "forced": len(those)},
        told=f"{number(len(published), 'version')} published, {len(those):,} by force",
        checked="Versions recorded in the period that carry a reason for being forced.", rests_on=THE_LOG,
        details=(
            f"position {position:,}: {told.get('programme')} version {told.get('version')}, by {told.get('actor')}: {told['forced_reason']}"
            for position, told in those
        ),
    )  # fmt: skip


def adjustments(log: Log, period: Period) -> Statement:
    """Points that staff gave or took."""
    return _by_hand(
        log, period, PointsAdjusted.stored_name, "adjustments", "Every adjustment of points has a reason, and somebody who made it.",
        "adjustment",
    )  # fmt: skip


def waivers(log: Log, period: Period) -> Statement:
    """Debt that staff let go."""
    return _by_hand(
        log, period, DebtWaived.stored_name, "waivers", "Every debt that was waived has a reason, and somebody who approved it.",
        "waiver",
    )  # fmt: skip


def erasures(log: Log, period: Period) -> Statement:
    """The keys of whom was erased are gone, and nothing personal came after it."""
    erased = [(position, member_id) for position, member_id, _ in _rows(log, PersonalDataErased.stored_name, period)]
    wrong = list(_unerased(log, erased))
    return statement(
        "erasures", "Of every member who was erased no key is left, and nothing personal was recorded since.",
        holds=not wrong if erased else "not applicable", figures={"erased": len(erased), "wrong": len(wrong)},
        told=f"{number(len(erased), 'member')} erased, {len(wrong):,} of them not for good",
        checked="Keys of those who were erased in the period, and facts with sealed fields behind the erasure.",
        rests_on="The log and the table `member_keys`. Backups and copies of keys are not seen.",
        details=wrong or (f"position {position:,}: member {member_id}" for position, member_id in erased),
    )  # fmt: skip


def _unerased(log: Log, erased: Sequence[tuple[int, UUID]]) -> Iterator[str]:
    for position, member_id in erased:
        (keys,) = _row(log, _KEYS_LEFT, member_id)
        (since,) = _row(log, _NAMED_SINCE, member_id, ProfileChanged.stored_name, position)
        if keys or since:
            yield f"position {position:,}: member {member_id} has {number(keys, 'key')}, {number(since, 'fact')} since"


def _by_hand(log: Log, period: Period, name: str, short: str, says: str, one: str) -> Statement:
    done = _done(log, name, period)
    nameless = [position for position, told in done if not (told.get("actor") and told.get("reason"))]
    by_actor: dict[str, list[int]] = defaultdict(list)
    for _, told in done:
        by_actor[told.get("actor") or "nobody"].append(told.get("points", 0))
    details = [f"position {position:,} has none" for position in nameless] + [
        f"{actor}: {number(len(points), one)}, {sum(p for p in points if p > 0):,} points given,"
        f" {-sum(p for p in points if p < 0):,} taken"
        for actor, points in sorted(by_actor.items())
    ]
    given = sum(points for some in by_actor.values() for points in some)
    return statement(
        short, says, holds=not nameless if done else "not applicable",
        figures={short: len(done), "points": given, "without_reason_or_actor": len(nameless)},
        told=f"{number(len(done), one)} by {number(len(by_actor), 'actor')}, {given:+,} points together, {len(nameless):,} without",
        checked="Each that was recorded in the period; `details` are by actor, for somebody who knows them to look at.",
        rests_on=f"{THE_LOG} Whether a reason is a good one is not judged.", details=details,
    )  # fmt: skip


def _done(log: Log, name: str, period: Period) -> list[tuple[int, dict[str, Any]]]:
    """Those of a kind that were recorded in the period. One that cannot be read says nothing, neither who nor why."""
    return [(position, _read(state)) for position, _, state in _rows(log, name, period)]


def _rows(log: Log, name: str, period: Period) -> list[tuple[int, UUID, bytes]]:
    return log.execute(_DONE, (before(log, period.begins), name, *period), binary=True).fetchall()


def _read(state: bytes) -> dict[str, Any]:
    try:
        told = from_json(state)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _row(log: Log, query: str, *asked: Any) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = log.execute(query.encode(), asked or None).fetchone()
    assert row is not None, "an aggregate always has a row"
    return row
