"""A small world to tell stories in: members who buy and spend, all commands decided by one ledger in memory."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.command import Command
from domain.commands.redemptions import CaptureHold, HoldPoints, RedeemPoints, ReleaseHold, ReverseRedemption
from domain.fact import message_id
from domain.lots import Buckets
from domain.messages.corrections import (
    AdjustmentBody,
    MergeBody,
    OpeningBalanceBody,
    TransferBody,
    UnmergeBody,
    WaiverBody,
    adjustment_command,
    import_command,
    merge_command,
    transfer_command,
    unmerge_command,
    waiver_command,
)
from domain.messages.identity import Identity
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from tests.builders import ANN, BOB, FAR_AHEAD, back, card_id, join, line, policy, published, purchase, returned
from tests.domain.story import JOINED_AT
from tests.spec import NOON
from tests.spec_of_commands import CommandResult, given_log

DAY = timedelta(days=1)
NEVER = {"mode": "never"}


class World:
    """Ann and Bob have joined; ¥10 = 1 point, and points never lapse unless told."""

    def __init__(self, rules: Policy | None = None, *campaigns: Any) -> None:
        self.log = given_log(published(rules or policy(expiry=NEVER)), *campaigns)
        self.log.batch.recorded_at = FAR_AHEAD
        self.numbers = iter(range(1_000_000))
        for member, card in ((ANN, "1001"), (BOB, "1002")):
            self.do(join(member, at=JOINED_AT, card=card))

    def do(self, command: Command) -> CommandResult:
        """It is carried out."""
        result = self.log.when(command)
        assert result.refusal is None, result.refusal
        return result

    def buys(self, points: int, *, at: datetime = NOON, id: str = "R-1", card: str = "1001", **what: Any) -> UUID:  # noqa: A002
        """Ann, unless told, buys for so many points."""
        command = purchase(line(points * 1_000), at=at, id=id, card=card, **what)
        self.do(command)
        return command.id

    def gives_back(self, purchase_id: UUID, points: int, *, at: datetime = NOON) -> CommandResult:
        """Of line 1, money worth so many points."""
        number = next(self.numbers)
        return self.do(returned(purchase_id, back(amount_minor=points * 1_000), at=at, id=f"T-{number}"))

    def identity(self, key: str | None = None) -> Identity:
        return Identity.of("tests", key or f"K-{next(self.numbers)}")

    def adjust(
        self, points: int, *, at: datetime = NOON, member: UUID = ANN, key: str | None = None, **what: Any
    ) -> Command:
        body = AdjustmentBody(points=points, time=at, reason="goodwill", **what)
        return adjustment_command(body, member_id=member, identity=self.identity(key))

    def waive(self, points: int | None = None, *, at: datetime = NOON, member: UUID = ANN) -> Command:
        return waiver_command(
            WaiverBody(points=points, reason="goodwill", time=at), member_id=member, identity=self.identity()
        )

    def transfer(
        self, points: int, *, at: datetime, member: UUID = ANN, to: UUID = BOB, key: str | None = None
    ) -> Command:
        return transfer_command(
            TransferBody(to=to, points=points, time=at), member_id=member, identity=self.identity(key)
        )

    def merge(self, member: UUID = ANN, into: UUID = BOB, *, at: datetime) -> Command:
        return merge_command(MergeBody(into=into, time=at), member_id=member, identity=self.identity())

    def unmerge(self, member: UUID = ANN, survivor: UUID = BOB, *, at: datetime) -> Command:
        return unmerge_command(UnmergeBody(survivor=survivor, time=at), member_id=member, identity=self.identity())

    def opening(self, reference: str = "A-1", *, at: datetime = NOON, card: str = "1001", **what: Any) -> Command:
        body = OpeningBalanceBody.model_validate({"reference": reference, "card": card, "time": at, **what})
        return import_command(body, actor="/clients/tests", card_ids=card_id)

    def hold(
        self, points: int, *, at: datetime = NOON, minutes: int = 15, member: UUID = ANN, key: str | None = None
    ) -> HoldPoints:
        return HoldPoints(
            **self._fields(key), occurred_at=at, fingerprint=f"hold {points}", member_id=member, points=points,
            amount_minor=None, bill_minor=None, minutes=minutes,
        )  # fmt: skip

    def redeem(
        self, points: int, *, at: datetime = NOON, member: UUID = ANN, offline: bool = False, bill_minor: int | None = None,
        key: str | None = None,
    ) -> RedeemPoints:  # fmt: skip
        return RedeemPoints(
            **self._fields(key), occurred_at=at, fingerprint=f"redeem {points}", member_id=member, points=points,
            amount_minor=None, bill_minor=bill_minor, offline=offline, reason=None,
        )  # fmt: skip

    def capture(
        self, hold: UUID, points: int | None = None, *, at: datetime = NOON, key: str | None = None
    ) -> CaptureHold:
        return CaptureHold(
            **self._fields(key), occurred_at=at, fingerprint=f"capture {points}", target_id=hold, points=points
        )

    def release(self, hold: UUID, *, at: datetime = NOON, key: str | None = None) -> ReleaseHold:
        return ReleaseHold(**self._fields(key), occurred_at=at, fingerprint="release", target_id=hold)

    def reverse(
        self, redemption: UUID, points: int | None = None, *, at: datetime = NOON, key: str | None = None
    ) -> ReverseRedemption:
        return ReverseRedemption(
            **self._fields(key), occurred_at=at, fingerprint=f"reverse {points}", target_id=redemption, points=points,
            reason=None,
        )  # fmt: skip

    def _fields(self, key: str | None) -> dict[str, Any]:
        return self.identity(key).fields() | {"keyed": True}

    def account(self, member: UUID = ANN) -> PointsAccount:
        return self.log.batch.get(PointsAccount, account_id(member))

    def buckets(self, member: UUID = ANN, *, at: datetime = NOON) -> Buckets:
        """Of a member's points, those that are not 0, checked to add up."""
        found = self.account(member).buckets(at)
        sums = found.pending + found.available + found.held + found.spent + found.settled + found.expired
        assert found.issued + found.received == sums + found.revoked + found.sent
        return found


def of(**what: int) -> Buckets:
    return Buckets(**what)


def purchase_of(name: str) -> UUID:
    return message_id("/stores/1", name)
