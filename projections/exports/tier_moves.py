"""Changes of tiers, laid flat: each with its direction, and with what it was recorded with."""

from collections.abc import Iterable
from typing import Any

import orjson
from psycopg import Connection

from projections.exports.flat import Row, micros

_WHY = {
    "PointsEarned.v1": "purchase",
    "PointsRevoked.v1": "return",
    "ReceivedRevoked.v1": "return",
    "PointsAdjusted.v1": "adjustment",
    "OpeningBalanceImported.v1": "opening-balance",
    "PointsReceived.v1": "merge",
    "PointsGivenBack.v1": "merge-undone",
}
"""What changes what qualifies; a move that it brings is recorded after it, in the same stream and transaction."""

MOVES = ("TierMoved.v1", *_WHY)

_PROGRAMMES = """
SELECT told ->> 'programme', (told ->> 'version')::int,
    ARRAY(SELECT level ->> 'name' FROM jsonb_array_elements(told #> '{policy,tiers,levels}') AS level)
FROM (SELECT convert_from(state, 'UTF8')::jsonb AS told FROM facts WHERE name = 'ProgrammePublished.v1' AND position <= %s) AS published
"""


class TierMoves:
    """Rows of the pages of one run. A transaction may end on the next page, so what the page before told is kept for it.

    Facts name the version that they go by, not the programme: where two have such a version, neither it nor steps are told.
    """

    def __init__(self, log: Connection, position: int) -> None:
        self._programmes: dict[int, tuple[str | None, list[str]]] = {}
        for name, version, levels in log.execute(_PROGRAMMES, (position,)):
            self._programmes[version] = (None, []) if version in self._programmes else (name, levels)
        self._before: dict[bytes, tuple[str, bytes]] = {}
        """By stream, what last changed what qualifies: its name and state."""

    def __call__(self, facts: Iterable[Row]) -> list[Row]:
        rows = []
        here: dict[bytes, tuple[str, bytes]] = {}
        for position, stream, _, name, state, _, recorded_at in facts:
            if name in _WHY:
                here[stream] = name, state
            else:
                rows.append(
                    self._row(position, recorded_at, orjson.loads(state), here.get(stream, self._before.get(stream)))
                )
        self._before = here
        return rows

    def _row(self, position: int, recorded_at: int, told: Any, latest: tuple[str, bytes] | None) -> Row:
        version, before, after = told["programme_version"], told["from_tier"], told["to_tier"]
        programme, levels = self._programmes[version]
        steps = levels.index(after) - levels.index(before) if {before, after} <= {*levels} else None
        return (
            position, recorded_at, micros(told["occurred_at"]), told["member_id"], programme, version, before, after, steps,
            _why(told, latest), told["correlation_id"], told["period"], told["qualifying_points"].get(str(told["period"]), 0),
        )  # fmt: skip


def _why(told: Any, latest: tuple[str, bytes] | None) -> str | None:
    if told.get("reviewed"):
        return "review"
    if latest is None or orjson.loads(latest[1])["correlation_id"] != told["correlation_id"]:
        return None
    return _WHY[latest[0]]
