"""Closings of tills: claimed like any message, each of them recorded, and the last of a day by business time counts."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.commands.tills import CloseTill
from domain.fact import Fact, message_id
from domain.messages.tills import ClosingData, closing_command
from domain.receipt import MessageAnswered
from domain.refusals import ConflictingRepeat, InvalidField, NoProgrammeInForce, TimeInTheFuture
from domain.till import TillClosed, till_stream
from tests.builders import LONG_AGO
from tests.domain.story import RULES
from tests.spec import NOON
from tests.spec_of_commands import given_log

TILL = "/stores/1/tills/4"
TODAY = date(2023, 5, 2)


def close(
    number: str = "Z-1",
    *,
    at: datetime = NOON,
    day: date = TODAY,
    receipts: int = 3,
    paid_minor: int = 720,
    **what: Any,
) -> CloseTill:
    data = ClosingData.model_validate(
        {"business_day": str(day), "receipts": receipts, "paid_minor": paid_minor, **what}
    )
    return closing_command(data, source=TILL, external_id=number, time=at, answered=True)


def closed(*commands: CloseTill) -> list[Fact]:
    """All that is recorded when these come one after the other."""
    log = given_log(RULES)
    return [fact for command in commands for fact in log.when(command).facts]


def test_a_closing_claims_its_identity_and_is_recorded_with_its_till() -> None:
    claim, fact = closed(close(store="1"))
    assert isinstance(claim, MessageAnswered)
    assert (claim.originator_id, claim.scope, claim.target) == (message_id(TILL, "Z-1"), "till-closing", TILL)
    assert isinstance(fact, TillClosed)
    assert (fact.originator_id, fact.source, fact.occurred_at) == (till_stream(TILL), TILL, NOON)
    assert (fact.business_day, fact.receipts, fact.paid_minor, fact.store) == (TODAY, 3, 720, "1")
    assert (fact.supersedes, fact.superseded_by) == (None, None)


def test_the_same_again_is_a_repeat_and_other_content_under_its_id_is_refused() -> None:
    log = given_log(RULES)
    log.when(close())
    log.when(close()).then_repeats(message_id(TILL, "Z-1"))
    for other in (close(receipts=4), close(paid_minor=721), close(at=NOON + timedelta(seconds=1)), close(store="1")):
        log.when(other).then_refused(ConflictingRepeat(source=TILL, external_id="Z-1"))


def test_of_two_closings_of_a_day_both_are_recorded_and_the_later_counts() -> None:
    *_, first, _, second = closed(close(), close("Z-2", at=NOON + timedelta(hours=1), receipts=4))
    assert isinstance(second, TillClosed)
    assert (second.supersedes, second.superseded_by, second.receipts) == (first.correlation_id, None, 4)


def test_a_closing_that_comes_after_a_later_one_does_not_count() -> None:
    later, earlier = close("Z-2"), close("Z-1", at=NOON - timedelta(hours=1))
    facts = [fact for fact in closed(later, earlier, close("Z-3")) if isinstance(fact, TillClosed)]
    assert [(fact.supersedes, fact.superseded_by) for fact in facts] == [
        (None, None), (None, later.id), (later.id, None)
    ]  # fmt: skip


def test_days_are_closed_by_themselves() -> None:
    facts = closed(close(), close("Z-2", day=TODAY - timedelta(days=1)))
    assert [fact.supersedes for fact in facts if isinstance(fact, TillClosed)] == [None, None]


@pytest.mark.parametrize(("hour", "day"), [(15, 2), (16, 3)])
def test_the_day_is_a_local_one_that_has_begun(hour: int, day: int) -> None:
    """In Shanghai it is 23 o'clock, or the next day's midnight."""
    at = NOON.replace(hour=hour)
    assert closed(close(at=at, day=TODAY.replace(day=day)))
    refused = given_log(RULES).when(close(at=at, day=TODAY.replace(day=day + 1))).refusal
    assert isinstance(refused, InvalidField)
    assert refused.field == "business_day"


def test_what_is_refused_otherwise() -> None:
    far = NOON + timedelta(days=2)
    given_log(RULES).when(close(at=far)).then_refused(TimeInTheFuture(occurred_at=far, recorded_at=NOON))
    before = close(at=LONG_AGO, day=LONG_AGO.date())
    refusal = NoProgrammeInForce(programme="member_experience", occurred_at=LONG_AGO)
    given_log(RULES).when(before).then_refused(refusal)


def test_what_is_answered_tells_which_closing_counts() -> None:
    told = CloseTill.answer(closed(close()), history=None)  # type: ignore[arg-type]
    assert told == {
        "source": TILL, "business_day": TODAY, "receipts": 3, "paid_minor": 720, "supersedes": None, "superseded_by": None,
    }  # fmt: skip
