"""Defining segments: versions, repeats and refusals."""

from datetime import datetime, timedelta
from typing import Any

from domain.campaign import CATALOGUE_ID, SegmentListed
from domain.commands.segments import DefineSegment
from domain.messages.identity import Identity
from domain.messages.segments import SegmentBody, define_command
from domain.receipt import MessageAnswered
from domain.refusals import ConflictingRepeat, EffectiveDateNotAfterPublished, UnknownTier
from domain.segment import SegmentDefined, segment_stream
from tests.builders import policy, published
from tests.spec import NOON, fact
from tests.spec_of_commands import given_log

RULES = published(policy())
REGULARS: dict[str, Any] = {"behaviour": {"visits_at_least": 2}}


def define(
    definition: dict[str, Any] = REGULARS, *, since: datetime = NOON, key: str | None = None, **what: Any
) -> DefineSegment:
    body = {"segment_id": "regulars", "name": "Regulars", "effective_from": since, "definition": definition, **what}
    return define_command(SegmentBody.model_validate(body), identity=Identity.of("tests", key), now=NOON)


def test_the_first_version_enters_the_segment_in_the_catalogue_and_later_ones_do_not() -> None:
    log = given_log(RULES)
    (defined, listed) = log.when(define()).facts
    assert isinstance(defined, SegmentDefined)
    assert (defined.segment_id, defined.version, defined.title) == ("regulars", 1, "Regulars")
    assert (listed, listed.originator_id) == (fact(SegmentListed, **listed.model_dump()), CATALOGUE_ID)
    (second,) = log.when(define(since=NOON + timedelta(days=1))).facts
    assert second.version == 2


def test_the_same_content_is_a_repeat_of_its_version() -> None:
    log = given_log(RULES)
    log.when(define())
    log.when(define(since=NOON + timedelta(days=1)))
    log.when(define()).then_repeats(segment_stream("regulars"))
    log.when(define(since=NOON + timedelta(days=1))).then_repeats(segment_stream("regulars"), version=2)


def test_a_key_is_claimed_and_repeated() -> None:
    log, command = given_log(RULES), define(key="k")
    assert [type(one) for one in log.when(command).facts] == [MessageAnswered, SegmentDefined, SegmentListed]
    log.when(command).then_repeats(command.id)
    log.when(define(key="k", name="Others")).then_refused(
        ConflictingRepeat(source=command.source, external_id=command.external_id)
    )


def test_a_version_that_begins_no_later_than_the_one_before_is_refused() -> None:
    log = given_log(RULES)
    log.when(define())
    log.when(define(name="Others")).then_refused(
        EffectiveDateNotAfterPublished(effective_from=NOON, published_until=NOON)
    )


def test_a_tier_that_no_version_of_the_programme_has_is_refused() -> None:
    log = given_log(RULES)
    log.when(define({"any_of": [REGULARS, {"loyalty": {"tier_at_least": "Platinum"}}]})).then_refused(
        UnknownTier(tier="Platinum")
    )
    assert log.when(define({"loyalty": {"tier_at_least": "Gold"}})).refusal is None


def test_a_segment_without_an_id_is_named_after_its_name() -> None:
    assert define(segment_id=None, name="Big spenders!").segment_id.startswith("big-spenders-")
    assert define(segment_id=None, name="常客").segment_id.startswith("segment-")
