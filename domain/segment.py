"""Segments: classes of members by behaviour, loyalty and value, defined as data in versions of their own (R11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from domain.calendar_days import local_day
from domain.criteria import Definition, Window, belongs
from domain.fact import Fact
from domain.member import Member
from domain.points_account import PointsAccount
from domain.programme import Policy
from domain.qualifying import Credited
from domain.refusals import EffectiveDateNotAfterPublished
from domain.stream import Draft, Stream, evolves

SEGMENTS = UUID("5f0c3c1e-9d0b-5b7e-8a46-6a1f1d7c2e90")


class SegmentDefined(Fact, name="SegmentDefined.v1"):
    """A version of a segment was defined, in force from `effective_from` until the next version's time."""

    segment_id: str
    version: int
    title: str
    effective_from: datetime
    definition: Definition
    fingerprint: str


def segment_stream(segment_id: str) -> UUID:
    return uuid5(SEGMENTS, segment_id)


class Segment(Stream):
    """One segment: the versions of its definition, each immutable."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(stream_id)
        self.versions: list[SegmentDefined] = []

    def define(
        self, *, segment_id: str, title: str, effective_from: datetime, definition: Definition, fingerprint: str
    ) -> list[Draft]:
        """Define the next version; the first may begin in the past, a later one only after its predecessor."""
        if self.versions and effective_from <= self.versions[-1].effective_from:
            raise EffectiveDateNotAfterPublished(
                effective_from=effective_from, published_until=self.versions[-1].effective_from
            )
        return [
            self.draft(
                SegmentDefined, segment_id=segment_id, version=len(self.versions) + 1, title=title,
                effective_from=effective_from, definition=definition, fingerprint=fingerprint,
            )
        ]  # fmt: skip

    def in_force(self, at: datetime) -> SegmentDefined | None:
        """The version whose time it was; none before the first."""
        return next((one for one in reversed(self.versions) if one.effective_from <= at), None)

    def holds_for(
        self,
        account: PointsAccount,
        member: Member,
        policy: Policy,
        *,
        at: datetime,
        brought: Sequence[PointsAccount] = (),
    ) -> bool:
        """Whether a member belongs to it at an instant, by the definition and the policy in force then.

        `brought`: the accounts of those who were merged into the member, as they are one person. Nobody belongs who
        has not joined by then, was merged into somebody else, was erased, or whose account was closed by then.
        """
        version = self.in_force(at)
        joined = account.registered_at is not None and account.registered_at <= at
        gone = member.merged_into is not None or member.erased or account.closed(at)
        if version is None or not joined or gone:
            return False
        return belongs(AccountHistory(account, policy, at, brought), version.definition)

    @evolves(SegmentDefined)
    def _defined(self, fact: SegmentDefined) -> None:
        self.versions.append(fact)


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """The history of one person as the accounts tell it."""

    account: PointsAccount
    policy: Policy
    at: datetime
    brought: Sequence[PointsAccount] = ()

    @property
    def today(self) -> date:
        return local_day(self.at, self.policy.zone)

    @property
    def registered_on(self) -> date:
        return self.account.registered_on(self.policy)

    @property
    def last_purchase_on(self) -> date | None:
        return max((one.day for one in self._purchases(Window(None)) if not one.gone), default=None)

    def stands_at_least(self, tier: str) -> bool:
        names = [level.name for level in self.policy.tiers.levels]
        return tier in names and self.account.rank_at(self.policy, self.at) >= names.index(tier)

    def visits(self, window: Window) -> int:
        return len({(one.store, one.day) for one in self._purchases(window) if not one.gone})

    def spent_minor(self, window: Window) -> int:
        return sum(one.paid_minor for one in self._purchases(window))

    def _purchases(self, window: Window) -> list[Credited]:
        since = window.since
        return [
            one
            for account in (self.account, *self.brought)
            for one in _credited(account, since)
            if one.at <= self.at
            and (since is None or one.day >= since)
            and (window.stores is None or one.store in window.stores)
        ]


def _credited(account: PointsAccount, since: date | None) -> Sequence[Credited]:
    """What was bought since a day; the books that it lies in must be open."""
    open_since = account.open_since
    # A local day begins up to a day before, or ends up to a day after, the same day of UTC.
    if open_since is not None and (since is None or (since - open_since.date()).days < 2):
        account.in_open_books(datetime.min.replace(tzinfo=open_since.tzinfo))
    return list(dict.values(account.credited))
