"""A buyer as campaigns see them: a member at an instant, with their cards, tier and segments."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from domain.calendar_days import local_day
from domain.campaign import Campaign
from domain.campaign_terms import Limits
from domain.caps import Use, left_to, uses_of
from domain.member import Member
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.segment import Segment, segment_stream

if TYPE_CHECKING:
    from domain.command import Streams


class Buyer:
    """One member at the time of a sale; what only few campaigns ask for is worked out when they do."""

    def __init__(
        self,
        member: Member,
        account: PointsAccount,
        *,
        policy: Policy,
        at: datetime,
        streams: "Streams",
        reservations_at: datetime | None = None,
        claimed: bool = False,
    ) -> None:
        self._member = member
        self._account = account
        self._policy = policy
        self._streams = streams
        self._claimed = claimed
        self._reservations_at = reservations_at or at
        self.at = at

    def is_among(self, audience: set[UUID]) -> bool:
        """Whether an audience names the member, one of their cards, or a member whom they absorbed."""
        if not audience.isdisjoint(self._member.card_ids) or self._member.id in audience:
            return True
        absorbed = self._account.absorbed
        return bool(absorbed) and not audience.isdisjoint(absorbed)

    @cached_property
    def tier(self) -> str:
        """The name of the tier that they hold, before this sale counts for it; the lowest, for a receipt that was claimed."""
        rank = 0 if self._claimed else self._account.rank_at(self._policy, self.at)
        return self._policy.tiers.levels[rank].name

    def may_have_more(self, campaign: Campaign, limits: Limits) -> bool:
        """Whether limits leave something for them."""
        return left_to(limits, self._used(campaign), self._day) != 0

    def belongs_to(self, segment_id: str) -> bool:
        """Whether the member is in a segment, with what those had bought whom they absorbed."""
        segment = self._streams.get(Segment, segment_stream(segment_id))
        return segment.holds_for(self._account, self._member, self._policy, at=self.at, brought=self._accounts[1:])

    @cached_property
    def _accounts(self) -> list[PointsAccount]:
        return list(united(self._streams, self._account))

    @cached_property
    def _used(self) -> Callable[[Campaign], list[Use]]:
        return uses_of(self._accounts, at=self._reservations_at)

    @cached_property
    def _day(self) -> date:
        return local_day(self.at, self._policy.zone)


def absorbed(streams: "Streams", account: PointsAccount) -> Sequence[PointsAccount]:
    """The accounts of everybody whom the member of an account absorbed."""
    return list(united(streams, account))[1:] if account.absorbed else ()


def united(streams: "Streams", account: PointsAccount) -> Iterator[PointsAccount]:
    """The account, and those of everybody whom its member absorbed."""
    yield account
    for member_id in account.absorbed:
        yield from united(streams, streams.get(PointsAccount, account_id(member_id)))
