"""A proof lacks nothing between its facts, or is refused; and streams that several members share are not held to it."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

import domain.loyalty  # noqa: F401 - so that every fact is registered
from domain.fact import FACTS
from domain.points_account import account_id
from infra.evidence.proofs import FactProven, Proof
from projections.assurance.whole_streams import SHARED, FactsLeftOut, check_whole
from tests.builders import ANN, BOB

PURCHASE = uuid4()


def proof(*facts: tuple[UUID, int, str], member: UUID | None = ANN, subject: UUID = ANN) -> Proof:
    proven = [
        FactProven(
            position=at, stream_id=stream, version=version, name=name, state="{}", subject=subject,
            recorded_at=datetime(2024, 1, 1, tzinfo=UTC), path=[],
        )
        for at, (stream, version, name) in enumerate(facts, 1)
    ]  # fmt: skip
    return Proof(checkpoint="", member_id=member, facts=proven)


def test_streams_go_on_from_their_first_fact_here() -> None:
    own = account_id(ANN)
    check_whole(proof((ANN, 1, "MemberJoined.v1"), (own, 1, "AccountOpened.v1"), (ANN, 2, "ProfileChanged.v1")))
    check_whole(
        proof((PURCHASE, 3, "PurchaseClaimed.v1"), (own, 1, "PointsEarned.v1"), (PURCHASE, 4, "PurchaseVoided.v1"))
    )
    check_whole(proof((own, 8, "PointsEarned.v1"), member=None))


@pytest.mark.parametrize(
    "versions", [(1, 3), (2, 1), (1, 1), (1, 2, 4)], ids=["taken out", "another order", "doubled", "taken out later"]
)
@pytest.mark.parametrize("stream", [ANN, PURCHASE])
def test_a_gap_is_refused(versions: tuple[int, ...], stream: UUID) -> None:
    with pytest.raises(FactsLeftOut, match=f"stream {stream}: version . is missing"):
        check_whole(proof(*((stream, version, "X.v1") for version in versions)))


def test_a_members_own_streams_begin_with_1() -> None:
    for stream in (ANN, account_id(ANN)):
        with pytest.raises(FactsLeftOut, match="version 1 is missing"):
            check_whole(proof((stream, 2, "X.v1")))


def test_all_of_it_is_of_that_member() -> None:
    with pytest.raises(FactsLeftOut, match="is not one of member"):
        check_whole(proof((PURCHASE, 1, "PurchaseRecorded.v1"), subject=BOB))


def test_between_facts_of_a_referral_others_may_stand() -> None:
    check_whole(proof((PURCHASE, 2, "ReferralJoined.v1"), (PURCHASE, 9, "ReferralQualified.v1")))


def test_of_every_fact_of_a_member_it_is_known_whether_its_stream_is_shared() -> None:
    alone = {"coupon", "grants", "member", "movements", "purchase", "reservation", "tier_moves"}
    cards = {"CardAssigned.v1", "CardUnlinked.v1"}
    of_members = {name: kind.__module__ for name, kind in FACTS.items() if "member_id" in kind.model_fields}
    modules = {name: module.removeprefix("domain.") for name, module in of_members.items()}
    assert set(modules.values()) == alone | {"campaign", "referral", "reward"}
    assert cards | {name for name, module in modules.items() if module not in alone} == SHARED
