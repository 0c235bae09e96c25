"""The liability of points: the log read in slices, each by a process, and rolled forward month by month."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection
from pydantic_core import from_json

from domain.liability import Assumptions, Flow, Month, months_between, roll_forward
from domain.programme import Policy
from infra.database import connect
from infra.log_tables import last_position
from infra.settings import Settings
from infra.side_by_side import side_by_side
from projections.known import BeforeFirstFact, known_position
from projections.liability.flows import Timeline, flows_of, month_of
from projections.proofs.points import Violation
from projections.proofs.tally import LONG_AGO, TELLERS, instant
from projections.whatif.log import published

AT_ONCE = 100_000
"""Facts in a slice, on average."""

_FACTS = """
SELECT subject, position, name, state FROM facts
WHERE originator_id BETWEEN %s AND %s AND name = ANY(%s) AND position <= %s ORDER BY originator_id, originator_version
"""
_LATER = "SELECT name, state FROM facts WHERE position > %s AND position <= %s AND name = ANY(%s)"


class NothingKnown(RuntimeError):
    """By then, nothing about points was recorded."""


class WorthUnknown(RuntimeError):
    """Nobody says what a point is worth."""


class LogDoesNotAddUp(RuntimeError):
    """An account of the log breaks an equation of the ledger."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is assumed, and up to when the log is known."""

    expected: Mapping[str, Fraction]
    horizon: int
    face_minor: Fraction | None = None
    """What a point buys; else as the programme has it."""
    known_at: datetime | None = None
    until: str | None = None
    """The last month; else the latest in which something happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A roll-forward, and what it is made of."""

    position: int
    zone: ZoneInfo
    currency: str
    assumptions: Assumptions
    months: list[Month]


@dataclass(frozen=True, slots=True)
class Restatement:
    """Months that were reported once, and are told otherwise by what came later."""

    position: int
    """Up to which the log was known then."""
    months: list[tuple[Month | None, Month | None]]
    """As they were, and as they are."""
    later: Counter[tuple[str, str]]
    """What came later and happened in those months or before: by kind of fact and month."""


Progress = Callable[[int, int], None]
Slice = tuple[str, ZoneInfo, int, int, int]


def liability(settings: Settings, question: Question, *, progress: Progress = lambda *_: None) -> Answer:
    """Of everything that was recorded by an instant; the same prefix and assumptions give the same answer."""
    url = settings.database_url or ""
    with connect(url) as log:
        position = _position(log, question)
        policies = published(log, settings.programme, position=position)
    if not policies:
        raise NothingKnown(_nothing(question))
    policy = policies[-1]
    flows: dict[tuple[str, str], Flow] = defaultdict(Flow)
    latest = LONG_AGO
    slices = max(os.cpu_count() or 1, position // AT_ONCE)
    parts = [(url, policy.zone, position, number, slices) for number in range(slices)]
    for done, (some, last) in enumerate(_side_by_side(parts, position), 1):
        latest = max(latest, last)
        for key, flow in some.items():
            flows[key] += flow
        progress(done, slices)
    if not flows:
        raise NothingKnown(_nothing(question))
    assumptions = Assumptions(_face(question, policy), question.expected, question.horizon)
    months = months_between(min(month for _, month in flows), question.until or month_of(latest, policy.zone))
    return Answer(position, policy.zone, policy.currency, assumptions, roll_forward(flows, months, assumptions))


def asked(
    settings: Settings, question: Question, *, begins: str | None = None, restated_since: datetime | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:  # fmt: skip
    """The answer as JSON has it, and what is told otherwise than at a former instant, if one is named."""
    answer = liability(settings, question, progress=progress)
    found = told(answer, begins=begins)
    if restated_since is not None:
        then = liability(settings, replace(question, known_at=restated_since))
        found["restated"] = told_of_restatement(restatement(settings, then, answer))
    return found


def restatement(settings: Settings, then: Answer, now: Answer) -> Restatement:
    """What is told otherwise now of the months that were reported then, and the facts that came since."""
    was, now_by = {one.month: one for one in then.months}, {one.month: one for one in now.months}
    months = sorted({*was, *(month for month in now_by if month <= max(was, default=""))})
    later: Counter[tuple[str, str]] = Counter()
    names = [*TELLERS, "ProgrammePublished.v1"]
    with connect(settings.database_url) as log:
        for name, state in log.execute(_LATER, (then.position, now.position, names), binary=True):
            month = month_of(instant(from_json(state)["occurred_at"]), now.zone)
            if month <= max(was, default=""):
                later[name, month] += 1
    differing = [(was.get(month), now_by.get(month)) for month in months if was.get(month) != now_by.get(month)]
    return Restatement(then.position, differing, later)


def told(answer: Answer, *, begins: str | None = None) -> dict[str, Any]:
    """As JSON has it: rates as fractions, so that nothing is rounded twice."""
    return {
        "position": answer.position,
        "time_zone": answer.zone.key,
        "currency": answer.currency,
        "face_minor": str(answer.assumptions.face_minor),
        "prior": {month: str(share) for month, share in sorted(answer.assumptions.expected.items())},
        "horizon_months": answer.assumptions.horizon,
        "months": [_month(one) for one in answer.months if begins is None or one.month >= begins],
    }


def told_of_restatement(found: Restatement) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "position": found.position,
        "months": [{"was": was and _month(was), "is": now and _month(now)} for was, now in found.months],
        "because": [
            {"fact": name, "month": month, "facts": facts} for (name, month), facts in sorted(found.later.items())
        ],
    }


def _month(one: Month) -> dict[str, Any]:
    return asdict(one) | {"expected": str(one.expected)}


def _position(log: Connection, question: Question) -> int:
    try:
        if question.known_at is not None:
            return known_position(log, question.known_at)
    except BeforeFirstFact as error:
        raise NothingKnown(_nothing(question)) from error
    return last_position(log)


def _face(question: Question, policy: Policy) -> Fraction:
    if question.face_minor is not None:
        return question.face_minor
    if policy.points_as_cash is None:
        raise WorthUnknown("the programme has no points_as_cash: say what a point is worth with --face")
    return Fraction(policy.points_as_cash.amount_minor, policy.points_as_cash.points)


def _nothing(question: Question) -> str:
    return "nothing about points is recorded" + (
        f" by {question.known_at.isoformat()}" if question.known_at is not None else ""
    )


def _side_by_side(parts: list[Slice], position: int) -> Iterator[tuple[dict[tuple[str, str], Flow], datetime]]:
    """Every slice, in no particular order; a small log is read by this process."""
    yield from map(_read, parts) if position < AT_ONCE else side_by_side(_read, parts)


def _read(part: Slice) -> tuple[dict[tuple[str, str], Flow], datetime]:
    """The accounts whose stream ids are in one of equally wide ranges: their flows, and the latest business time."""
    url, zone, position, number, slices = part
    first, last = (UUID(int=(1 << 128) * (number + more) // slices - more) for more in (0, 1))
    with connect(url) as log:
        log.read_only = True
        facts = log.execute(_FACTS, (first, last, list(TELLERS), position), binary=True).fetchall()
    flows: dict[tuple[str, str], Flow] = defaultdict(Flow)
    latest = LONG_AGO
    for member_id, some in groupby(facts, key=itemgetter(0)):
        timeline = Timeline()
        try:
            timeline.tell(some)
        except Violation as violation:
            raise LogDoesNotAddUp(f"member {member_id}: {violation}; see `loyalty audit`") from None
        latest = max(latest, timeline.latest)
        for key, flow in flows_of(timeline, zone).items():
            flows[key] += flow
    return dict(flows), latest
