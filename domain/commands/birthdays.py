"""Giving what a member is given on a birthday."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from domain.birthday import Birthday, birthday_id
from domain.calendar_days import day_begins, local_day
from domain.command import Command, Decision, History, Streams, Wanted
from domain.commands.clock import CLOCK, by_name
from domain.commands.coupons import IssueCoupon
from domain.commands.personal_data import one_person
from domain.commands.redemptions import SettleDebt
from domain.coupon import good_through
from domain.fact import Fact, message_id
from domain.granting import grant
from domain.member import Member
from domain.points_account import PointsAccount, account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CelebrateBirthday(Command):
    """Give a member the gift of a birthday, dated the birthday. Done twice it finds nothing, so it needs no claim."""

    scope = "birthday"

    member_id: UUID
    day: date

    @classmethod
    def of(cls, member_id: UUID, day: date, *, now: datetime) -> Self:
        external_id = f"{member_id}:birthday:{day.year}"
        return cls(
            id=message_id(CLOCK, external_id), source=CLOCK, external_id=external_id, occurred_at=now, actor=CLOCK,
            fingerprint=external_id, member_id=member_id, day=day,
        )  # fmt: skip

    def wants(self, streams: Streams) -> Wanted:
        yield Member, self.member_id
        yield PointsAccount, account_id(self.member_id)
        yield Birthday, birthday_id(self.member_id, self.day.year)
        member = streams.peek(self.member_id)
        for absorbed_id in member.brought if isinstance(member, Member) else ():
            yield Birthday, birthday_id(absorbed_id, self.day.year)

    def decide(self, streams: Streams) -> Decision:
        """By the rules in force as the day begins; as one joins, where that is the day.

        Nothing for who was merged, erased or closed, nor where one of those who are one person had the year's gift.
        No consent is asked for: it is a gift, and no message.
        """
        member = streams.get(Member, self.member_id)
        account = streams.get(PointsAccount, account_id(self.member_id))
        if member.registered_at is None or member.erased or member.merged_into is not None:
            return Decision([])
        _, policy = streams.programme.in_force(self.occurred_at)
        at = max(day_begins(self.day, policy.zone), member.registered_at)
        if local_day(at, policy.zone) != self.day or at > streams.recorded_at or account.closed(at):
            return Decision([])
        if streams.programme.versions[0].effective_from > at or self._had_it(streams, member):
            return Decision([])
        return replace(self, occurred_at=at)._give(streams, account)

    def _had_it(self, streams: Streams, member: Member) -> bool:
        return any(
            streams.get(Birthday, birthday_id(one.id, self.day.year)).celebrated for one in one_person(streams, member)
        )

    def _give(self, streams: Streams, account: PointsAccount) -> Decision:
        """By now the command is dated the birthday."""
        at, year = self.occurred_at, self.day.year
        version, policy = streams.programme.in_force(at)
        gift = policy.birthday
        if gift is None:
            return Decision([])
        birthday = streams.get(Birthday, birthday_id(self.member_id, year))
        celebrated = birthday.celebrate(self.member_id, at=at, year=year)
        if gift.points is not None:
            granted = grant(
                account, grant_id=birthday.id, cause="birthday", reference=str(year), points=gift.points, at=at,
                policy=policy, version=version,
            )  # fmt: skip
            return Decision([*celebrated, *granted], [SettleDebt.after(self, account)])
        assert gift.coupon is not None, "a gift is one of both"
        issuing = IssueCoupon.of(
            self, member_id=self.member_id, kind_id=gift.coupon.kind, valid_from=at,
            valid_until=good_through(policy, at, gift.coupon.valid_days), reference=f"birthday:{year}",
        )  # fmt: skip
        return Decision(celebrated, [issuing])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004 - the facts tell it all
        """How many facts of each kind were recorded."""
        return by_name(facts)
