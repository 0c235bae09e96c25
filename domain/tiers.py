"""A member's standing: a pure function of qualifying history, policy and instant (rules 9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from domain.calendar_days import day_begins, local_day
from domain.periods import DAY, Term, last_day_of, review_after, reviewed_if_begun, window_opens
from domain.policy.tiers import Counters, Tier, Tiers
from domain.programme import Policy
from domain.tally import Credit, Grant, Tally

NO_GRANTS: Mapping[int, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review that took a tier, at its instant: the rank that is left, and the counters that it looked at."""

    at: datetime
    rank: int
    counted: Counters
    period: int
    """Which period it closed, counted from joining, or from when the tier began."""


@dataclass(frozen=True, kw_only=True)
class TierWarning:
    """Who buys nothing more falls at the next review."""

    since: date
    """From this local day on it is told."""
    review_on: date
    falls_to: str
    missing: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a member stands, what is missing to the next tier, and what must be reached to keep this one."""

    tier: str
    since: datetime
    qualifying: Counters
    """Of the open period."""
    qualifying_points: int
    """The same by the policy's metric, in whose units thresholds are told."""
    next_tier: str | None
    points_to_next: int | None
    review_on: date | None
    """The local day on which the tier is judged next: at the review, or after the grace."""
    points_to_keep: int | None
    grace_until: date | None
    """The last local day on which a tier lives that its period did not keep."""
    projected_tier: str
    """The tier after that day, if nothing more is bought."""
    warning: TierWarning | None


def promoted(tiers: Tiers, rank: int, total: int) -> int:
    """The rank after `total` points in the open period: tiers may be skipped, and nobody falls by earning."""
    thresholds = tiers.promotes_at
    for higher in range(len(thresholds) - 1, rank, -1):
        if total >= thresholds[higher]:
            return higher
    return rank


def reviewed(tiers: Tiers, rank: int, total: int) -> int:
    """The rank after the review of a closed period: kept, or one step down."""
    return rank - 1 if rank > 0 and total < tiers.levels[rank].retain_at else rank


def rank_through(
    tiers: Tiers,
    periods: Mapping[int, int],
    last: int,
    granted: Mapping[int, int] = NO_GRANTS,
    fallen: list[tuple[int, int]] | None = None,
) -> int:
    """The rank in period `last`, given the qualifying points of each period. Within a period order does not matter.

    `granted` are ranks that were given, by period: each holds until the review of its period. `fallen` takes the
    periods whose reviews took a tier, with the rank that was left.
    """
    rank = 0
    for number in range(last):
        held = promoted(tiers, max(rank, granted.get(number, 0)), periods.get(number, 0))
        rank = reviewed(tiers, held, periods.get(number, 0))
        if fallen is not None and rank < held:
            fallen.append((number, rank))
    return promoted(tiers, max(rank, granted.get(last, 0)), periods.get(last, 0))


def standing(
    history: Iterable[Credit], *, policy: Policy, registered_at: datetime, as_of: datetime, grants: Iterable[Grant] = ()
) -> Standing:
    """Where a member stands at an instant: see `Walk`."""
    return Walk(history, policy=policy, registered_at=registered_at, as_of=as_of, grants=grants).told()


class Walk:
    """A member's history up to an instant, walked from one to the next.

    1. Each credit may promote at once, or undo a promotion of the open period that is no longer supported; a grant
    lifts. 2. Each period that closes is reviewed: who missed `retain_at` falls one step. With grace the tier lives so
    many local days more, and falls unless the closed period and those days together reach `retain_at`; what is bought
    in them counts for the new period as well. 3. What is left of the open period is told.

    Periods of the calendar begin anew with nothing. A tier of the other two is reviewed `months` after it began, and
    every so many months again: `tier_start` counts what came since then, `rolling` always the last `months`, sliding
    day by day. In both a promotion stands until its review, whatever slides out or is adjusted meanwhile.

    Returns count as of their purchase, but in no review that was held before they happened. Late purchases do.
    """

    def __init__(
        self,
        history: Iterable[Credit],
        *,
        policy: Policy,
        registered_at: datetime,
        as_of: datetime,
        grants: Iterable[Grant] = (),
    ) -> None:
        self.tiers, self.zone = policy.tiers, policy.zone
        self.rank, self.since = 0, registered_at
        self.reviews: list[Review] = []
        """Those that took a tier."""
        self._as_of = as_of
        self._floor = 0
        """The rank that the open period began with: nobody falls below it before the review."""
        self._term = Term.beginning(self.tiers, local_day(registered_at, self.zone))
        self._tally = Tally(self.zone)
        self._grace: _Grace | None = None
        moves: list[tuple[datetime, Credit | Grant]] = [(grant.at, grant) for grant in grants]
        moves += [(credit.at, credit) for credit in history if credit.back_at is None or credit.back_at <= as_of]
        for at, together in groupby(sorted(moves, key=itemgetter(0)), key=itemgetter(0)):
            if at > as_of:
                break
            self._let_time_pass(at)
            for _, move in together:
                if isinstance(move, Grant):
                    self._lift(move)
                else:
                    self._add(move)
            self._stand(at)
        self._let_time_pass(as_of)
        if self.tiers.period == "rolling":
            self._tally.leave_out_days_through(window_opens(local_day(as_of, self.zone), self.tiers))

    @property
    def period(self) -> int:
        """The number of the open period."""
        return self._term.number

    @property
    def counted(self) -> Counters:
        """What counts in the open period."""
        return self._tally.counted()

    def told(self) -> Standing:
        """The open period, as it stands."""
        judged = self._judged_next()
        return tell(
            self.tiers,
            rank=self.rank,
            since=self.since,
            counted=self.counted,
            today=local_day(self._as_of, self.zone),
            judged=judged,
        )

    def _add(self, credit: Credit) -> None:
        self._tally.add(credit)
        if self._grace is not None:
            self._grace.tally.add(credit)

    def _lift(self, grant: Grant) -> None:
        """A tier is given. Where it has a period of its own, it began when the tier did, wherever that was."""
        rank = self.tiers.rank(grant.tier)
        if rank <= self._floor:
            return
        self._floor = rank
        if not self.tiers.by_calendar:
            since_on, on = (local_day(at, self.zone) for at in (grant.since, grant.at))
            self._term = Term.beginning(self.tiers, since_on, reaching=on)
            if self.tiers.period == "tier_start":
                self._tally.leave_out_through(grant.since)
        self._stand(grant.since)

    def _stand(self, at: datetime) -> None:
        """Test the open period for a promotion."""
        tiers = self.tiers
        if tiers.period == "rolling":
            self._tally.leave_out_days_through(window_opens(local_day(at, self.zone), tiers))
        by = None
        if self._tally.backs:
            by = self._term.reviewed_at(self.zone) if tiers.by_calendar else reviewed_if_begun(at, tiers, self.zone)
        now = promoted(tiers, self._floor, tiers.total(self._tally.counted(by=by)))
        if now > self._floor and not tiers.by_calendar:
            self._floor = now
            self._term = Term.beginning(tiers, local_day(at, self.zone))
            if tiers.period == "tier_start":
                self._tally = Tally(self.zone)
        self._now(now, at)

    def _now(self, rank: int, at: datetime) -> None:
        if rank != self.rank:
            self.rank, self.since = rank, at

    def _let_time_pass(self, at: datetime) -> None:
        """Hold the reviews that are due by an instant, and end the graces."""
        while True:
            review_at = self._term.reviewed_at(self.zone)
            if self._grace is not None and self._grace.until <= at:
                self._end_grace(self._grace)
            elif review_at is not None and review_at <= at:
                self._review(review_at)
            else:
                return

    def _review(self, at: datetime) -> None:
        tiers, term = self.tiers, self._term
        if tiers.period == "rolling":
            assert term.last is not None, "it is over"
            self._tally.leave_out_days_through(window_opens(term.last, tiers))
        counted = self._tally.counted(by=at)
        kept = reviewed(tiers, self.rank, tiers.total(counted))
        if kept < self.rank and tiers.grace_days:
            until = day_begins(local_day(at, self.zone) + timedelta(days=tiers.grace_days), self.zone)
            self._grace = _Grace(until, self.rank, term.number, self._tally.copy())
            kept = self.rank
        elif kept < self.rank:
            self.reviews.append(Review(at=at, rank=kept, counted=counted, period=term.number))
        self._floor, self._term = kept, term.following()
        if tiers.period != "rolling":
            self._tally = Tally(self.zone)
        self._now(promoted(tiers, kept, 0), at)

    def _end_grace(self, grace: "_Grace") -> None:
        """Judge once more, unless the tier is another one by now."""
        self._grace, tiers = None, self.tiers
        counted = grace.tally.counted(by=grace.until)
        kept = reviewed(tiers, grace.rank, tiers.total(counted))
        if self._floor != grace.rank or kept == grace.rank:
            return
        self._floor = kept
        total = tiers.total(self._tally.counted(by=self._term.reviewed_at(self.zone))) if tiers.by_calendar else 0
        self._now(promoted(tiers, kept, total), grace.until)
        if self.rank == kept:
            self.reviews.append(Review(at=grace.until, rank=kept, counted=counted, period=grace.period))

    def _judged_next(self) -> "Judged | None":
        """On which day the tier is judged next, and what it comes to if nothing more is bought."""
        tiers, grace = self.tiers, self._grace
        if grace is not None and self._floor == self.rank == grace.rank:
            counted = tiers.total(grace.tally.counted())
            kept = promoted(tiers, reviewed(tiers, self.rank, counted), self._open_total())
            return Judged(local_day(grace.until, self.zone), counted, kept, grace=True)
        last = self._term.last
        if last is None:
            return None
        tally = self._tally
        if tiers.period == "rolling":
            tally = tally.copy()
            tally.leave_out_days_through(window_opens(last, tiers))
        counted = tiers.total(tally.counted())
        return Judged(last + DAY, counted, reviewed(tiers, self.rank, counted))

    def _open_total(self) -> int:
        """What promotes in the open period; where that starts a period of its own, it has done so."""
        return self.tiers.total(self.counted) if self.tiers.by_calendar else 0


@dataclass(slots=True)
class _Grace:
    """A tier lives on, `until` it is judged by the closed period and the days since together."""

    until: datetime
    rank: int
    period: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Judged:
    """The next judgement: its local day, and what it would look at and come to if nothing more were bought."""

    on: date
    total: int
    rank: int
    grace: bool = False

    def warns_on(self, tiers: Tiers) -> date | None:
        """From which local day on a member who will fall is warned; in a grace, from its beginning."""
        if tiers.warning_days is None:
            return None
        return self.on - timedelta(days=(tiers.grace_days or 0) if self.grace else tiers.warning_days)


def judged_by_period(tiers: Tiers, rank: int, total: int, number: int, registered_on: date) -> Judged | None:
    """The same, where the points of each period are all that matters."""
    last = last_day_of(tiers.period, number, registered_on=registered_on)
    return None if last is None else Judged(last + DAY, total, reviewed(tiers, rank, total))


def tell(
    tiers: Tiers, *, rank: int, since: datetime, counted: Counters, today: date, judged: Judged | None
) -> Standing:
    """A standing in the words of its answer."""
    here: Tier = tiers.levels[rank]
    above = tiers.levels[rank + 1] if rank + 1 < len(tiers.levels) else None
    total, left = tiers.total(counted), rank if judged is None else judged.rank
    missing = None if judged is None or rank == 0 else max(0, here.retain_at - judged.total) if left < rank else 0
    warning = None
    warns_on = judged.warns_on(tiers) if judged is not None and missing else None
    if judged is not None and missing and warns_on is not None and warns_on <= today:
        warning = TierWarning(since=warns_on, review_on=judged.on, falls_to=tiers.levels[left].name, missing=missing)
    return Standing(
        tier=here.name,
        since=since,
        qualifying=counted,
        qualifying_points=total,
        next_tier=above.name if above else None,
        points_to_next=max(0, above.promote_at - total) if above else None,
        review_on=None if judged is None else judged.on,
        points_to_keep=missing,
        grace_until=judged.on - DAY if judged is not None and judged.grace else None,
        projected_tier=tiers.levels[left].name,
        warning=warning,
    )


def review_instant(policy: Policy, number: int, registered_on: date) -> datetime:
    """When a period of the calendar is reviewed."""
    last = last_day_of(policy.tiers.period, number, registered_on=registered_on)
    assert last is not None, "a lifetime period never closes"
    return review_after(last, policy.zone)
