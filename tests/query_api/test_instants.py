"""Every question takes `as_of` and `known_at`, and means them; which do not take one, and why, stands here."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.campaign import BudgetDrawn, campaign_stream
from domain.coupon import CouponIssued, coupon_stream
from domain.fact import Fact, message_id
from domain.member import ConsentChanged
from domain.purchase import PurchaseRecorded, PurchaseVoided
from domain.referral import ReferralCodeIssued, ReferralJoined, referrer_stream
from domain.reward import RewardCreated, RewardStocked, RewardTerms, reward_stream
from tests.builders import ANN, BOB, campaign_created, defined, policy, published
from tests.domain.test_rewards import MUG
from tests.query_api.conftest import Door
from tests.query_api.test_returns import SOLD
from tests.read_spec import JANUARY, earns, joins
from tests.spec import ENVELOPE, fact

DAY = timedelta(days=1)
BETWEEN, AFTER = JANUARY + 15 * DAY, JANUARY + 25 * DAY
R1 = message_id("/stores/1", "R-1")

KNOWN = {
    "/liability", "/completeness", "/explain/fact/{position}", "/explain/purchase/{purchase_id}",
    "/explain/discount/{purchase_id}", "/explain/refusal/{position}", "/explain/letter/{letter_id}",
}  # fmt: skip
"""What happened once, explained by what was known, and days and months that are named: `as_of` would say nothing more."""
LOG = {"/facts", "/facts.ndjson", "/facts/{position}", "/returns"}
"""The log itself: both are tested with it."""
PROOFS = {"/proofs/conservation", "/proofs/checkpoint", "/proofs/inclusion", "/proofs/consistency"}
"""Of the log as it is, or of so many facts."""
NO_ANSWERS = {"/health", "/ready", "/status", "/campaigns/definitions"}
AS_KNOWN = ("/members?card=2", f"/members/{ANN}/profile", "/segments", "/programmes")
"""Who somebody is, and everything that was ever defined, each version with its time: only what is known of it differs."""
AT_INSTANTS = (
    f"/members/{ANN}/balance", f"/members/{ANN}/lots", f"/members/{ANN}/expiries", f"/members/{ANN}/statement",
    f"/members/{ANN}/tier", f"/members/{ANN}/entitlements", f"/members/{ANN}/segments", f"/members/{ANN}/rewards",
    f"/members/{ANN}/coupons", f"/members/{ANN}/referrals", "/balances", "/expiries", "/campaigns",
    "/campaigns/spring/analytics", "/rewards", "/referrals", "/segments/regulars/members", f"/purchases/{R1}",
    f"/explain/balance?member={ANN}", f"/explain/expiry?member={ANN}", f"/explain/tier?member={ANN}",
    "/purchases?source=/stores/1&id=R-1",
)  # fmt: skip


def early() -> list[Fact]:
    """By the tenth day: the rules are made, Ann joins and buys."""
    terms = RewardTerms.model_validate(MUG | {"points": 50_000, "stock": 1})
    return [
        published(policy()), campaign_created("spring", multiplier="2", budget={"points": 100}),
        defined("regulars", {"behaviour": {"visits_at_least": 2}}),
        fact(RewardCreated, originator_id=reward_stream("mug"), reward_id="mug", terms=terms, fingerprint="f"),
        *joins(ANN, card="1"),
        fact(ReferralCodeIssued, originator_id=referrer_stream("ANN-1"), occurred_at=JANUARY, member_id=ANN, code="ANN-1"),
        earns(ANN, 7, at=JANUARY + 10 * DAY, paid_minor=700, campaign="spring", bonus=5,
              expires_at=JANUARY + 400 * DAY),
        fact(PurchaseRecorded, originator_id=R1, originator_version=1, occurred_at=JANUARY + 10 * DAY, **SOLD),
    ]  # fmt: skip


def late() -> list[Fact]:
    """On the twentieth day something happens that each question tells of."""
    at = JANUARY + 20 * DAY
    return [
        earns(ANN, 150_000, at=at, paid_minor=900, campaign="spring", bonus=3, expires_at=JANUARY + 300 * DAY),
        fact(BudgetDrawn, originator_id=campaign_stream("spring"), occurred_at=at, campaign_id="spring", purchase_id=R1, points=3),
        CouponIssued.model_validate(ENVELOPE | {
            "originator_id": coupon_stream("AB"), "originator_version": 1, "occurred_at": at, "member_id": ANN, "code": "AB",
            "kind": "tea", "valid_from": at, "valid_until": at + DAY, "reference": "staff",
        }),
        fact(RewardStocked, originator_id=reward_stream("mug"), occurred_at=at, reward_id="mug", pieces=4, left=5, reason="r"),
        *joins(BOB, card="2", at=at),
        fact(
            ReferralJoined, originator_id=referrer_stream("ANN-1"), originator_version=2, occurred_at=at, member_id=BOB,
            referrer_id=ANN, code="ANN-1", held=False,
        ),
        fact(PurchaseVoided, originator_id=R1, originator_version=2, occurred_at=at, amount_minor=0),
        fact(
            ConsentChanged, originator_id=ANN, originator_version=2, occurred_at=at, member_id=ANN, purpose="news", granted=True,
        ),
        published(policy(effective_from="2099-01-01T00:00:00Z"), version=2),
        defined("regulars", {"behaviour": {"visits_at_least": 3}}, version=2, effective_from=datetime(2099, 1, 1, tzinfo=UTC)),
    ]  # fmt: skip


@pytest.fixture
def told(door: Door) -> Door:
    """Each is recorded as it happens."""
    facts = [one.model_copy(update={"recorded_at": JANUARY + 10 * DAY}) for one in early()]
    facts += [one.model_copy(update={"recorded_at": JANUARY + 20 * DAY}) for one in late()]
    door.recorded(*facts)
    door.read_side.given(*facts)
    door.read_side.models.take_in(door.read_side.teller.watermark())
    return door


def answer(door: Door, path: str, **at: datetime) -> Any:
    """What is told, but for the instant, also in the words of explanations, and the position."""
    path, _, query = path.partition("?")
    stated: dict[str, str] = dict(one.split("=") for one in query.split("&")) if query else {}
    found = door.ask(path, **stated, **{name: one.isoformat() for name, one in at.items()})
    assert found.status_code in ({200, 404} if "known_at" in at else {200}), (path, found.text)
    if path.startswith("/explain/"):
        return found.json()["gives"]
    return _without(found.json(), {"as_of", "position", "until"})


def _without(told: Any, names: set[str]) -> Any:
    if isinstance(told, dict):
        return {name: _without(one, names) for name, one in told.items() if name not in names}
    return [_without(one, names) for one in told] if isinstance(told, list) else told


def test_every_question_takes_both(door: Door) -> None:
    paths = door.client.get("/openapi.json").json()["paths"]
    takes = {path: {one["name"] for one in told["get"].get("parameters", ())} for path, told in paths.items()}
    named = {"member_id": ANN, "purchase_id": R1, "campaign_id": "spring", "segment_id": "regulars"}
    asked = {path: path.format(**named) for path in takes.keys() - LOG - KNOWN - PROOFS - NO_ANSWERS}
    here = {which: {path.partition("?")[0] for path in which} for which in (AS_KNOWN, AT_INSTANTS)}
    assert set(asked.values()) == here[AS_KNOWN] | here[AT_INSTANTS] | {"/balances.ndjson"}, "every route stands here"
    assert [path for path in asked if "known_at" not in takes[path]] == []
    assert {asked[path] for path in asked if "as_of" not in takes[path]} == here[AS_KNOWN]
    both = {"as_of", "known_at"}
    for which, expected in ((KNOWN, {"known_at"}), (LOG, both), (PROOFS | NO_ANSWERS, set())):
        assert {path: takes[path] & both for path in which} == dict.fromkeys(which, expected)


def test_as_of_now_is_as_told_live_and_as_of_then_is_as_it_was(told: Door) -> None:
    for path in AT_INSTANTS:
        assert answer(told, path) == answer(told, path, as_of=datetime.now(UTC)), path
        before, after = answer(told, path, as_of=BETWEEN), answer(told, path, as_of=AFTER)
        assert before != after, path
        assert answer(told, path, as_of=BETWEEN, known_at=AFTER) == before, path
        assert answer(told, path, as_of=AFTER, known_at=AFTER) == after, path
        if path != "/balances":  # which tells of who joins later, that they have nothing
            assert answer(told, path, as_of=BETWEEN, known_at=BETWEEN) == before, f"{path}: nothing came late"


def test_known_then_is_without_what_was_recorded_later(told: Door) -> None:
    for path in (*AT_INSTANTS, *AS_KNOWN):
        about = {} if path in AS_KNOWN else {"as_of": AFTER}
        last = answer(told, path, known_at=AFTER, **about)
        assert last == answer(told, path, **about), path
        assert answer(told, path, known_at=BETWEEN, **about) != last, path
