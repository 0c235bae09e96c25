"""What the clock watches: the kinds of streams in which time brings something about, and how that is recorded."""

from collections import Counter
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from domain.command import Command
from domain.commands.clock import RecordTime
from domain.commands.coupons import RecordCouponExpiry
from domain.commands.receipts import CloseWaitingReturns, closes_at
from domain.commands.referrals import RecordReferrals
from domain.coupon import Coupon
from domain.due import all_brought_about, all_next_due
from domain.points_account import PointsAccount
from domain.programme import Programme
from domain.purchase import Purchase, ReturnClosed
from domain.referral import ReferralRewarded, Referrer
from domain.stream import Stream

S = TypeVar("S", bound=Stream)


class Watched(Protocol[S]):
    """One kind of stream, as the agenda calls it."""

    kind: str
    stream: type[S]

    def command(self, stream_id: UUID, now: datetime) -> Command:
        """Records what has come about."""

    def brought(self, stream: S, programme: Programme, now: datetime) -> Counter[str]:
        """What that will be: how many facts of each name."""

    def next_due(self, stream: S, programme: Programme, now: datetime) -> datetime | None:
        """When, after now, something comes about."""

    def owes(self, stream: S) -> bool:
        """Whether points that become active will pay debt."""


class Accounts:
    """Lots lapse, holds time out, debt is settled, tiers are reviewed."""

    kind = "account"
    stream = PointsAccount

    def command(self, stream_id: UUID, now: datetime) -> Command:
        return RecordTime.of(stream_id, now=now)

    def brought(self, stream: PointsAccount, programme: Programme, now: datetime) -> Counter[str]:
        return Counter(draft.kind.stored_name for draft in all_brought_about(stream, programme, now))

    def next_due(self, stream: PointsAccount, programme: Programme, now: datetime) -> datetime | None:
        return all_next_due(stream, programme, now)

    def owes(self, stream: PointsAccount) -> bool:
        return bool(stream.debt)


class WaitingReturns:
    """Returns that came before their purchase have waited too long for it."""

    kind = "purchase"
    stream = Purchase

    def command(self, stream_id: UUID, now: datetime) -> Command:
        return CloseWaitingReturns.of(stream_id, now=now)

    def brought(self, stream: Purchase, programme: Programme, now: datetime) -> Counter[str]:
        return Counter(ReturnClosed.stored_name for kept in stream.waiting if closes_at(kept, programme) <= now)

    def next_due(self, stream: Purchase, programme: Programme, now: datetime) -> datetime | None:
        return min((at for kept in stream.waiting if (at := closes_at(kept, programme)) > now), default=None)

    def owes(self, stream: Purchase) -> bool:  # noqa: ARG002
        return False


class Coupons:
    """Coupons that were not used in their time."""

    kind = "coupon"
    stream = Coupon

    def command(self, stream_id: UUID, now: datetime) -> Command:
        return RecordCouponExpiry.of(stream_id, now=now)

    def brought(self, stream: Coupon, programme: Programme, now: datetime) -> Counter[str]:  # noqa: ARG002
        return Counter(draft.kind.stored_name for draft in stream.expire(now))

    def next_due(self, stream: Coupon, programme: Programme, now: datetime) -> datetime | None:  # noqa: ARG002
        due = stream.expires_at
        return due if due is not None and due > now else None

    def owes(self, stream: Coupon) -> bool:  # noqa: ARG002
        return False


class Referrals:
    """What was bought by a recommendation was kept: both sides are rewarded."""

    kind = "referral"
    stream = Referrer

    def command(self, stream_id: UUID, now: datetime) -> Command:
        return RecordReferrals.of(stream_id, now=now)

    def brought(self, stream: Referrer, programme: Programme, now: datetime) -> Counter[str]:  # noqa: ARG002
        return Counter(ReferralRewarded.stored_name for _ in stream.due(now))

    def next_due(self, stream: Referrer, programme: Programme, now: datetime) -> datetime | None:  # noqa: ARG002
        return stream.next_due(now)

    def owes(self, stream: Referrer) -> bool:  # noqa: ARG002
        return False


WATCHED: tuple[Watched[Any], ...] = (Accounts(), WaitingReturns(), Coupons(), Referrals())
