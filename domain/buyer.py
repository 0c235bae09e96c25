"""A buyer as campaigns see them: a member at an instant, with their cards, tier and segments."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from domain.member import Member
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.segment import Segment, segment_stream

if TYPE_CHECKING:
    from domain.command import Streams


class Buyer:
    """One member at the time of a sale; what only few campaigns ask for is worked out when they do."""

    def __init__(
        self, member: Member, account: PointsAccount, *, policy: Policy, at: datetime, streams: "Streams"
    ) -> None:
        self._member = member
        self._account = account
        self._policy = policy
        self._streams = streams
        self.at = at

    @cached_property
    def ids(self) -> frozenset[UUID]:
        """The member, their cards, and the members whom they absorbed."""
        return self._member.card_ids | {self._member.id} | self._account.absorbed.keys()

    @cached_property
    def tier(self) -> str:
        """The name of the tier that they hold, before this sale counts for it."""
        return self._policy.tiers.levels[self._account.rank_at(self._policy, self.at)].name

    def belongs_to(self, segment_id: str) -> bool:
        """Whether the member is in a segment, with what those had bought whom they absorbed."""
        segment = self._streams.get(Segment, segment_stream(segment_id))
        brought = list(self._brought(self._account))
        return segment.holds_for(self._account, self._member, self._policy, at=self.at, brought=brought)

    def _brought(self, account: PointsAccount) -> Iterator[PointsAccount]:
        for member_id in account.absorbed:
            absorbed = self._streams.get(PointsAccount, account_id(member_id))
            yield absorbed
            yield from self._brought(absorbed)
