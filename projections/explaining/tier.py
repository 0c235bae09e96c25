"""A tier explained: what qualifies, the rules in force, the reviews, and what follows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.calendar_days import local_day
from domain.periods import period_of, window_opens
from domain.programme import Policy
from domain.tally import Credit, Grant
from domain.tiers import Review, Standing, Walk
from projections.explaining.balance import compared
from projections.explaining.case import Case
from projections.explaining.fact import units
from projections.explaining.recorded import Recorded
from projections.explaining.step import Explanation, Step, Told
from projections.tiers import Tiers
from projections.told import Told as ToldFact


class Row(NamedTuple):
    """A row of what qualifies, and the fact that it came from."""

    position: int
    table: str
    values: Sequence[Any]


class Qualified:
    """What qualifies by an instant, as far as it was recorded up to a position."""

    def __init__(self, movements: Sequence[Recorded], *, as_of: datetime, upto: int) -> None:
        tiers = Tiers(generation=0, schema="")
        rows = [
            Row(one.position, table, values)
            for one in movements
            if one.position <= upto
            for table, added in tiers.fold([ToldFact(one.name, one.position, b"", one.state)]).items()
            for values in added
        ]
        stores = {row.values[1]: row.values[6] for row in rows if row.table == "credits" and row.values[8] is None}
        parted = {row.values[1] for row in rows if row.table == "partings" and _instant(row.values[2]) <= as_of}
        self.credits = [
            (row.position, _credit(row.values, stores))
            for row in rows
            if row.table == "credits" and max(_instant(row.values[2]), _instant(row.values[3])) <= as_of
        ]
        self.grants = [
            (row.position, Grant(_instant(row.values[2]), row.values[1], _instant(row.values[5])))
            for row in rows
            if row.table == "grants" and _instant(row.values[5]) <= as_of and row.values[4] not in parted
        ]

    def walk(self, policy: Policy, registered_at: datetime, as_of: datetime) -> Walk:
        credits_ = [credit for _, credit in self.credits]
        grants = [grant for _, grant in self.grants]
        return Walk(credits_, policy=policy, registered_at=registered_at, as_of=as_of, grants=grants)


def explain_tier(case: Case, as_of: datetime, told: Told | None = None) -> Explanation:
    """The tier of an instant by what qualifies until then. Raises `NothingYet`, `NoProgrammeInForce`."""
    movements, speech = case.recorded_by(as_of), case.speech
    number, policy = case.in_force(as_of)
    registered_at = case.registered_at
    qualified = Qualified(movements, as_of=as_of, upto=case.matter.position)
    walk = qualified.walk(policy, registered_at, as_of)
    stands = walk.told()
    steps = [
        _rules(case, number, policy),
        *_granted(case, policy, qualified),
        *(_review(case, policy, one) for one in walk.reviews),
        _counts(case, policy, walk, stands, qualified, as_of),
        _level(case, policy, walk, stands, number),
        *_next(case, policy, stands),
        *_moves(case, policy, movements),
    ]
    differences = case.differences(one.position for one in movements)
    if told is not None and told.position is not None and told.gives is not None:
        known = Qualified(movements, as_of=as_of, upto=told.position).walk(policy, registered_at, as_of).told()
        differences += compared(speech, told, known.tier)
    return Explanation(
        about="tier", language=case.language, time_zone=str(speech.zone),
        says=speech.says("tier", tier=title(case, policy, stands.tier), at=speech.at(as_of)), gives=stands.tier, steps=steps,
        reproduced=not differences, differences=differences, read_model=told, as_of=as_of, position=case.matter.position,
    )  # fmt: skip


def title(case: Case, policy: Policy, name: str) -> str:
    """What a tier is called."""
    return case.speech.text(policy.tiers.levels[policy.tiers.rank(name)].title)


def _rules(case: Case, number: int, policy: Policy) -> Step:
    speech = case.speech
    told = speech.rules(policy).told
    says = speech.says(
        "rules-of-tiers",
        version=number,
        programme=policy.name,
        metric=told["tiers", "metric"],
        period=told["tiers", "period"],
    )
    inputs = {"version": number, "period": policy.tiers.period}
    return Step(says=says, rule="rules 9", facts=case.version_at(number), inputs=inputs)


def _granted(case: Case, policy: Policy, qualified: Qualified) -> Iterator[Step]:
    for position, grant in qualified.grants:
        says = case.speech.says("granted-tier", tier=title(case, policy, grant.tier), at=case.speech.at(grant.at))
        yield Step(says=says, rule="rules 9", facts=[position], gives=grant.tier)


def _review(case: Case, policy: Policy, review: Review) -> Step:
    """A review that took a tier."""
    speech, level = case.speech, policy.tiers.levels[review.rank + 1]
    total = policy.tiers.total(review.counted)
    says = speech.says(
        "reviewed", at=speech.at(review.at), total=f"{total:,}", units=units(speech, policy), tier=speech.text(level.title),
        threshold=f"{level.retain_at:,}",
    )  # fmt: skip
    inputs = {"at": review.at.isoformat(), "counted": total, "threshold": level.retain_at}
    return Step(says=says, rule="rules 9", inputs=inputs, gives=policy.tiers.levels[review.rank].name)


def _counts(case: Case, policy: Policy, walk: Walk, stands: Standing, qualified: Qualified, as_of: datetime) -> Step:
    """What counts in the open period, and the facts that it is of."""
    speech, counted = case.speech, stands.qualifying
    facts = sorted(
        {position for position, one in qualified.credits if _is_open(case, policy, walk, stands, one, as_of)}
    )
    says = speech.says(
        "qualifying", count=len(facts), points=speech.points(counted.points), money=speech.money(counted.spend_minor),
        visits=counted.visits,
    )  # fmt: skip
    return Step(says=says, rule="rules 9", facts=facts, inputs=counted._asdict(), gives=stands.qualifying_points)


def _is_open(case: Case, policy: Policy, walk: Walk, stands: Standing, credit: Credit, as_of: datetime) -> bool:
    """Whether a credit lies in the open period."""
    tiers, zone = policy.tiers, policy.zone
    day = local_day(credit.at, zone)
    if tiers.by_calendar:
        return period_of(tiers.period, day=day, registered_on=local_day(case.registered_at, zone)) == walk.period
    return day > window_opens(local_day(as_of, zone), tiers) if tiers.period == "rolling" else credit.at > stands.since


def _level(case: Case, policy: Policy, walk: Walk, stands: Standing, number: int) -> Step:
    """The tier that this reaches, or keeps, and the one above."""
    speech, levels, rank = case.speech, policy.tiers.levels, walk.rank
    total = stands.qualifying_points
    what = {"total": f"{total:,}", "units": units(speech, policy), "period": walk.period}
    if total >= levels[rank].promote_at and rank:
        judged, key = levels[rank], "reached"
    elif rank + 1 < len(levels):
        judged, key = levels[rank + 1], "not-reached"
    else:
        judged, key = levels[rank], "top"
    says = speech.says(key, tier=speech.text(judged.title), threshold=f"{judged.promote_at:,}", **what)
    inputs = {"counted": total, "threshold": judged.promote_at, "period": walk.period}
    return Step(says=says, rule="rules 9", facts=case.version_at(number), inputs=inputs, gives=levels[rank].name)


def _next(case: Case, policy: Policy, stands: Standing) -> Iterator[Step]:
    if stands.review_on is not None:
        says = case.speech.says("judged-next", day=stands.review_on, tier=title(case, policy, stands.projected_tier))
        inputs = {"review_on": str(stands.review_on), "points_to_keep": stands.points_to_keep}
        yield Step(says=says, rule="rules 9", inputs=inputs, gives=stands.projected_tier)


def _moves(case: Case, policy: Policy, movements: Sequence[Recorded]) -> Iterator[Step]:
    """The moves that are recorded, each explained by itself."""
    for one in movements:
        if one.name == "TierMoved.v1":
            before, after = (title(case, policy, name) for name in (one.fact.from_tier, one.fact.to_tier))
            says = case.speech.says("moved-then", at=case.speech.at(one.fact.occurred_at), before=before, after=after)
            inputs = {"period": one.fact.period, "qualifying_points": one.fact.qualifying_points}
            yield Step(says=says, rule="rules 9", facts=[one.position], inputs=inputs, gives=one.fact.to_tier)


def _credit(values: Sequence[Any], stores: dict[UUID, str]) -> Credit:
    """What came back of a purchase names its store no more."""
    _, purchase_id, earned_at, _, points, spend_minor, store, visits, back_at = values
    store = store or stores.get(purchase_id) or ""
    return Credit(_instant(earned_at), points, spend_minor, store, visits, _instant(back_at) if back_at else None)


_instant = datetime.fromisoformat
