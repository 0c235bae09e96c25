"""A refusal explained: a message that is remembered as refused, or a dead letter."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from domain.receipt import MessageRefused
from domain.refusals.base import REFUSALS
from projections.explaining.case import Case
from projections.explaining.reasons import IN_CHINESE
from projections.explaining.recorded import NotRecorded, fact_at
from projections.explaining.speech import Speech
from projections.explaining.step import Difference, Explanation, Step
from projections.wording import Language

_LETTER = """
SELECT reason, detail, topic, partition, "offset", recorded_at,
    CASE WHEN redriven_at <= coalesce(%(known_at)s, redriven_at) THEN redriven_at END
FROM dead_letters WHERE letter_id = %(letter_id)s AND recorded_at <= coalesce(%(known_at)s, recorded_at)
"""
LACKING = "insufficient-points"
MOVING = frozenset({"lots", "movements", "holds", "hold_ends", "debts", "keep_alives"})
"""The tables whose rows decide what is available, or owed."""


def why(name: str, language: Language) -> str:
    """What a refusal means, and what to do."""
    if language == "zh" and name in IN_CHINESE:
        return IN_CHINESE[name]
    return str(REFUSALS[name].__doc__) if name in REFUSALS else name


def explain_refusal(
    log: Connection, position: int, *, upto: int, programme: str, language: Language, member_id: UUID | None = None
) -> Explanation:
    """A message that would have spent points and was refused. It does not say whose they were: `member_id` does.

    Where the figures are not that member's, it was another one's, unless the member's own facts are not what the rules give.
    """
    recorded, _ = fact_at(log, position, upto=upto)
    fact = recorded.fact
    if not isinstance(fact, MessageRefused):
        raise NotRecorded("refusal", position, upto=upto)
    case = None
    if member_id is not None:
        case = Case(log, member_id, programme=programme, language=language, position=position - 1)
    speech = Speech(language) if case is None else case.speech
    reason = why(fact.refusal, language)
    steps = [
        Step(says=f"{fact.refusal}: {reason}", rule=_RULES.get(fact.refusal), facts=[position], inputs=fact.fields),
        Step(says=speech.says("remembered"), rule="rules 7", facts=[position]),
    ]
    reproduced, differences = None, list[Difference]()
    if fact.refusal == LACKING and case is not None:
        steps.append(_available(case, fact.occurred_at))
        broken = case.differences(one.position for one in case.matter.movements)
        others = list(_differing(case, position, fact))
        differences += broken + others
        reproduced = None if others and not broken else not differences
    elif fact.refusal == LACKING:
        steps.append(Step(says=speech.says("which-member"), rule="rules 6"))
    return Explanation(
        about="refusal", language=language, time_zone=str(speech.zone),
        says=speech.says("refused", id=fact.external_id, source=fact.source, reason=reason), gives=fact.refusal, steps=steps,
        reproduced=reproduced, differences=differences, as_of=fact.occurred_at, position=upto,
    )  # fmt: skip


def _available(case: Case, at: datetime) -> Step:
    buckets = case.ledger(at).holdings().buckets()
    says = case.speech.says(
        "was-available", available=case.speech.points(case.account.available(at)), debt=case.speech.points(case.account.debt),
        at=case.speech.at(at),
    )  # fmt: skip
    inputs = {"pending": buckets.pending, "held": buckets.held, "expired": buckets.expired}
    return Step(says=says, rule="rules 6", facts=_moving(case), inputs=inputs, gives=case.account.available(at))


def _moving(case: Case) -> list[int]:
    """Every fact before it that what is available, or owed, rests on, once each."""
    return sorted({row.position for row in case.rows if row.table in MOVING})


def _differing(case: Case, position: int, fact: MessageRefused) -> Iterator[Difference]:
    """What the account had by the facts before, beside what the refusal says of it."""
    for field, gives in (("available", case.account.available(fact.occurred_at)), ("debt", case.account.debt)):
        recorded: Any = fact.fields.get(field)
        if recorded != gives:
            says = case.speech.says("refusal-differs", position=position, field=field, recorded=recorded, gives=gives)
            yield Difference(
                says=says, position=position, fact=fact.stored_name, field=field, recorded=recorded, gives=gives
            )


class Letter(NamedTuple):
    """What is readable of a dead letter: never its message."""

    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    redriven_at: datetime | None


def explain_letter(
    log: Connection, letter_id: int, *, upto: int, known_at: datetime | None, language: Language
) -> Explanation:
    """A message from Kafka that could not be accepted; as known at an instant, if one is stated. Raises `NotRecorded`."""
    row = log.execute(_LETTER, {"letter_id": letter_id, "known_at": known_at}).fetchone()
    if row is None:
        raise NotRecorded("dead letter", letter_id, upto=upto)
    letter, speech = Letter(*row), Speech(language)
    reason = why(letter.reason, language)
    place = f"{letter.topic}/{letter.partition}/{letter.offset}"
    steps = [
        Step(says=f"{letter.reason}: {reason}", rule=_RULES.get(letter.reason, "rules 16"), inputs={"place": place}),
        Step(says=speech.says("letter-detail", detail=letter.detail), inputs=_fields(letter.detail)),
    ]
    if letter.redriven_at is None:
        steps.append(Step(says=speech.says("letter-open", id=letter_id)))
    else:
        steps.append(Step(says=speech.says("letter-redriven", at=speech.at(letter.redriven_at))))
    says = speech.says("letter", id=letter_id, place=place, at=speech.at(letter.recorded_at), reason=reason)
    return Explanation(
        about="refusal", language=language, time_zone=str(speech.zone), says=says, gives=letter.reason, steps=steps, reproduced=None, differences=[],
        as_of=letter.recorded_at, position=upto,
    )  # fmt: skip


def _fields(detail: str) -> dict[str, Any]:
    try:
        found = json.loads(detail)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_RULES = {
    LACKING: "rules 6",
    "below-minimum": "rules 6",
    "not-a-step": "rules 6",
    "above-share-of-bill": "rules 6",
    "above-daily-limit": "rules 6",
    "points-are-not-cash": "rules 6",
    "unknown-hold": "rules 6",
    "hold-ended-before": "rules 6",
    "capture-after-timeout": "rules 6",
    "more-than-held": "rules 6",
    "conflicting-repeat": "rules 7",
    "time-in-the-future": "rules 8",
    "no-programme-in-force": "rules 12",
    "quote-invalid": "rules 12",
    "quote-does-not-match": "rules 12",
    "quote-expired": "rules 12",
    "over-return": "rules 4",
    "campaign-used-up": "rules 10",
    "member-erased": "rules 13",
    "account-is-closed": "rules 15",
    "member-merged": "rules 15",
}
"""Where a rule says so; what cannot be read breaks none."""
