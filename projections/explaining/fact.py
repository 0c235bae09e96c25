"""One fact explained: what went in, by which rules, and what came out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.calendar_days import local_day
from domain.earning import BASE
from domain.lots import total
from domain.money import floor_points, product
from domain.parts import EarnedPart, RevokedPart, Taken
from domain.points_account import account_id
from domain.programme import Policy
from domain.purchase import Purchase, paid_by_points
from projections.explaining.case import Case
from projections.explaining.recorded import Recorded, fact_at
from projections.explaining.speech import Speech
from projections.explaining.step import Explanation, Step
from projections.explaining.wording import METRICS
from projections.wording import Language


def explain_fact(log: Connection, position: int, *, upto: int, programme: str, language: Language) -> Explanation:
    """What a fact says, and how it came about, by the facts up to a position. Raises `NotRecorded` where it is none of them."""
    recorded, subject = fact_at(log, position, upto=upto)
    if recorded.stream_id != account_id(subject):
        return _stated(recorded, language)
    case = Case(log, subject, programme=programme, language=language, position=upto)
    step = step_of(case, recorded)
    differences = case.differences([position])
    return Explanation(
        about="fact", language=language, time_zone=str(case.speech.zone), says=step.says, gives=step.gives, steps=step.steps, reproduced=not differences,
        differences=differences, position=case.matter.position,
    )  # fmt: skip


def _stated(one: Recorded, language: Language) -> Explanation:
    speech = Speech(language)
    says = speech.says("stated", kind=speech.kind(one.name), actor=one.fact.actor, at=speech.at(one.fact.occurred_at))
    return Explanation(
        about="fact", language=language, time_zone=str(speech.zone), says=says, gives=None, steps=[Step(says=says, facts=[one.position])],
        reproduced=None, differences=[], position=one.position,
    )  # fmt: skip


def step_of(case: Case, one: Recorded) -> Step:
    """A fact of the member's account, with the steps that it is made of."""
    explain = EXPLAINED.get(one.name)
    speech = case.speech
    if explain is not None:
        return explain(case, one)
    says = speech.says("recorded", kind=speech.kind(one.name), at=speech.at(one.fact.occurred_at), actor=one.fact.actor)
    return Step(says=says, facts=[one.position])


def bought(case: Case, purchase_id: UUID) -> Iterator[Step]:
    """The receipt that a fact is about."""
    speech, purchase = case.speech, case.retelling.stream(Purchase, purchase_id)
    sold = purchase.recorded
    if sold is None:
        return
    facts = case.place("PurchaseRecorded.v1", purchase_id)
    says = speech.says(
        "purchase", id=sold.external_id, source=sold.source, money=speech.money(sold.paid_minor), store=sold.store,
        at=speech.at(sold.occurred_at),
    )  # fmt: skip
    yield Step(says=says, rule="rules 7", facts=facts, inputs={"paid_minor": sold.paid_minor}, gives=sold.paid_minor)
    by_points = paid_by_points(sold.tenders) + (sold.funded_minor or 0)
    if by_points:
        says = speech.says("paid-by-points", money=speech.money(by_points))
        yield Step(says=says, rule="rules 1", facts=facts, gives=by_points)


def _version(case: Case, number: int) -> tuple[Policy, Step]:
    policy = case.programme.versions[number - 1]
    rate = case.speech.rules(policy).told["earning", "rate"]
    says = case.speech.says("version", version=number, programme=policy.name, rate=rate)
    inputs = {"version": number, "rate": str(policy.earning.rate)}
    return policy, Step(says=says, rule="rules 8", facts=case.version_at(number), inputs=inputs)


def _earned(case: Case, one: Recorded) -> Step:
    fact, speech = one.fact, case.speech
    policy, version = _version(case, fact.programme_version or 1)
    points = total(fact.parts)
    steps = [*bought(case, fact.purchase_id), version, *(_part(case, policy, one, part) for part in fact.parts)]
    qualifying = sum(part["points"] for part in fact.parts if part["qualifies"])
    says = speech.says("counts", points=speech.points(qualifying), period=fact.period)
    steps.append(
        Step(says=says, rule="rules 9", facts=[one.position], inputs={"period": fact.period}, gives=qualifying)
    )
    if points:
        steps += lives(case, policy, one)
    return Step(
        says=speech.says("earned", points=speech.points(points)), rule="rules 1", facts=[one.position], gives=points,
        steps=steps,
    )  # fmt: skip


def _part(case: Case, policy: Policy, one: Recorded, part: EarnedPart) -> Step:
    """A part of what a purchase earned: what its basis and rate give, floored once."""
    speech, name = case.speech, part["part"]
    facts, rate = [one.position], policy.earning.rate
    inputs: dict[str, Any] = {"part": name, "basis_minor": part["basis_minor"], "residue": part["residue"]}
    told: dict[str, Any] = {"money": speech.money(part["basis_minor"]), "residue": part["residue"]}
    if name == BASE:
        what, (gives, told["residue"]) = "base", floor_points(rate, part["basis_minor"])
    else:
        campaign = case.campaign(name)
        facts += case.place("CampaignCreated.v1", campaign.id)
        told["title"] = campaign.terms.title if campaign.terms is not None else name
        gives = campaign.bonus_points
        if "discount_minor" in part:
            what, told["money"] = "off", speech.money(part["discount_minor"])
            inputs["discount_minor"] = part["discount_minor"]
        elif "coupon" in part:
            what, told["coupon"] = "coupon", part["coupon"]
        elif part.get("bonus"):
            what = "bonus"
        else:
            rate, told["extra"] = product(campaign.extra, rate), str(campaign.extra)
            what, (gives, told["residue"]) = "multiplied", floor_points(rate, part["basis_minor"])
    inputs["rate"] = str(rate)
    step = Step(
        says=speech.says(what, points=speech.points(gives), **told), rule="rules 1" if name == BASE else "rules 10", facts=facts,
        inputs=inputs, gives=gives,
    )  # fmt: skip
    if "uncapped" in part:
        given = part["points"] or part.get("discount_minor", 0)
        inputs["uncapped"], step.gives = part["uncapped"], given
        says = speech.says("cut", uncapped=part["uncapped"], points=given)
        step.steps.append(Step(says=says, rule="rules 10", facts=[one.position], gives=given))
    return step


def lives(case: Case, policy: Policy, one: Recorded) -> Iterator[Step]:
    """From when to when the points of a purchase can be spent."""
    fact, speech = one.fact, case.speech
    points = speech.points(total(fact.parts))
    says = speech.says("from", points=points, at=speech.at(fact.active_from))
    yield Step(says=says, rule="rules 2", facts=[one.position], gives=fact.active_from.isoformat())
    if fact.expires_at is None:
        yield Step(says=speech.says("never-lapse", points=points), rule="rules 3", facts=[one.position])
        return
    version = fact.programme_version or 1
    life = speech.life(policy)
    says = speech.says("lives", version=version, life=life, day=fact.day, at=speech.at(fact.expires_at))
    inputs = {
        "earned_on": str(fact.day), "registered_on": str(local_day(case.registered_at, policy.zone)),
        "mode": policy.expiry.mode, "version": version,
    }  # fmt: skip
    yield Step(
        says=says,
        rule="rules 3",
        facts=[one.position, *case.version_at(version)],
        inputs=inputs,
        gives=fact.expires_at.isoformat(),
    )


def _revoked(case: Case, one: Recorded) -> Step:
    fact, speech = one.fact, case.speech
    back = case.retelling.stream(Purchase, fact.purchase_id)
    facts = [*case.place("PurchaseReturned.v1", back.id), *case.place("PurchaseVoided.v1", back.id)]
    points = sum(part["points"] for part in fact.parts)
    steps = [*bought(case, fact.purchase_id)]
    steps += [_claw(case, one, part, facts) for part in fact.parts if part["points"]]
    says = speech.says("revoked", points=speech.points(points))
    inputs = {"paid_back_minor": fact.paid_minor, "nothing_left": fact.nothing_left}
    return Step(says=says, rule="rules 4", facts=[one.position, *facts], inputs=inputs, gives=points, steps=steps)


def _claw(case: Case, one: Recorded, part: RevokedPart, facts: Sequence[int]) -> Step:
    """Granted − what the rest earns − what was taken before, and where that was found."""
    speech, points = case.speech, part["points"]
    granted, before = 0, 0
    for other in case.matter.movements:
        if other.position >= one.position or getattr(other.fact, "purchase_id", None) != one.fact.purchase_id:
            continue
        here = [piece["points"] for piece in getattr(other.fact, "parts", ()) if piece.get("part") == part["part"]]
        granted += sum(here) if other.name == "PointsEarned.v1" else 0
        before += sum(here) if other.name == "PointsRevoked.v1" else 0
    inputs = {"granted": granted, "before": before, "kept": granted - before - points}
    says = speech.says("claw", part=part["part"], points=points, **inputs)
    others = total(part.get("others", ()))
    debt, forgiven, forwarded = part.get("debt", 0), part.get("forgiven", 0), part.get("forwarded", 0)
    own = points - others - debt - forgiven - forwarded
    found = {"own": own, "others": others, "debt": debt, "forgiven": forgiven, "forwarded": forwarded}
    where = [
        Step(says=speech.says(f"claw-{name}", points=speech.points(some)), rule="rules 5" if name == "debt" else "rules 4", gives=some)
        for name, some in found.items()
        if some
    ]  # fmt: skip
    return Step(says=says, rule="rules 4", facts=[*facts, one.position], inputs=inputs, gives=points, steps=where)


def taken(case: Case, parts: Iterable[Taken]) -> Iterator[Step]:
    """What lots gave or got back."""
    speech, lots = case.speech, case.account.lots
    for part in parts:
        lot = lots.get(part["lot_id"])
        if lot is None:
            continue
        lapses = speech.says("never") if lot.expires_at is None else speech.says("at", at=speech.at(lot.expires_at))
        says = speech.says(
            "taken", points=speech.points(part["points"]), part=lot.part, day=speech.day(lot.earned_at), lapses=lapses
        )
        facts = [case.lots[lot.id]] if lot.id in case.lots else []
        yield Step(says=says, rule="rules 2", facts=facts, inputs={"lot_id": str(lot.id)}, gives=part["points"])


def _spent(case: Case, one: Recorded) -> Step:
    """A redemption or a hold: lots in spend order, and what they did not cover."""
    fact, speech = one.fact, case.speech
    until: datetime | None = getattr(fact, "until", None)
    points = speech.points(fact.points)
    says = (
        speech.says("redeemed", points=points)
        if until is None
        else speech.says("held", points=points, at=speech.at(until))
    )
    steps = [Step(says=speech.says("spend-order"), rule="rules 2"), *taken(case, fact.parts)]
    debt = getattr(fact, "debt", 0)
    if debt:
        steps.append(Step(says=speech.says("owed", points=speech.points(debt)), rule="rules 5", gives=debt))
    return Step(
        says=says, rule="rules 6", facts=[one.position], inputs={"points": fact.points}, gives=fact.points, steps=steps
    )


def _came_back(case: Case, one: Recorded) -> Step:
    fact, speech = one.fact, case.speech
    cancelled = fact.cancelled + total(fact.unsettled)
    parts = getattr(fact, "parts", ())
    steps = [*taken(case, [*parts, *fact.unsettled])]
    if fact.cancelled:
        steps.append(
            Step(
                says=speech.says("cancelled", points=speech.points(fact.cancelled)),
                rule="rules 5",
                gives=fact.cancelled,
            )
        )
    points = getattr(fact, "points", cancelled)
    says = speech.says("reversed", points=speech.points(points))
    spent = [
        other.position
        for other in case.matter.movements
        if other.name == "PointsRedeemed.v1" and other.fact.redemption_id == fact.redemption_id
    ]
    return Step(says=says, rule="rules 6", facts=[one.position, *spent], gives=points, steps=steps)


def _moved(rule: str) -> Callable[[Case, Recorded], Step]:
    """Of facts that move points of lots by that rule."""

    def explain(case: Case, one: Recorded) -> Step:
        fact, speech = one.fact, case.speech
        lots = [*getattr(fact, "lots", ()), *([fact.lot] if getattr(fact, "lot", None) else ())]
        parts = [*getattr(fact, "parts", ()), *(Taken(lot_id=lot["lot_id"], points=lot["points"]) for lot in lots)]
        points = getattr(fact, "points", None)
        moved = total(parts) if points is None else points
        says = speech.says("moved", kind=speech.kind(one.name), points=speech.points(moved))
        steps = [*taken(case, parts)]
        debt = getattr(fact, "debt", 0)
        if debt:
            steps.append(Step(says=speech.says("owed", points=speech.points(debt)), rule="rules 5", gives=debt))
        inputs = {
            name: told for name in ("reason", "cause", "reference") if (told := getattr(fact, name, None)) is not None
        }
        return Step(says=says, rule=rule, facts=[one.position], inputs=inputs, gives=moved, steps=steps)

    return explain


def _tier_moved(case: Case, one: Recorded) -> Step:
    """The sums that it was decided by, beside the threshold."""
    fact, speech = one.fact, case.speech
    number = fact.programme_version or 1
    policy = case.programme.versions[number - 1]
    tiers = policy.tiers
    before, after = (tiers.levels[tiers.rank(name)] for name in (fact.from_tier, fact.to_tier))
    counted = fact.qualifying_points.get(fact.period, 0) if fact.counted is None else fact.counted["total"]
    down = tiers.rank(fact.to_tier) < tiers.rank(fact.from_tier)
    judged = before if down else after
    what = "reached" if not down else "reviewed" if fact.reviewed else "unsupported"
    threshold = judged.retain_at if what == "reviewed" else judged.promote_at
    says = speech.says(
        what, total=f"{counted:,}", units=units(speech, policy), period=fact.period, tier=speech.text(judged.title), threshold=f"{threshold:,}",
        at=speech.at(fact.occurred_at),
    )  # fmt: skip
    inputs = {"period": fact.period, "counted": counted, "threshold": threshold, "version": number}
    decided = Step(
        says=says, rule="rules 9", facts=[one.position, *case.version_at(number)], inputs=inputs, gives=fact.to_tier
    )
    says = speech.says("tier-moved", before=speech.text(before.title), after=speech.text(after.title))
    return Step(says=says, rule="rules 9", facts=[one.position], gives=fact.to_tier, steps=[decided])


def units(speech: Speech, policy: Policy) -> str:
    """What tiers are counted in."""
    return speech.say(METRICS["points" if policy.tiers.metric == "points" else "mix"])


EXPLAINED: Mapping[str, Callable[[Case, Recorded], Step]] = {
    "PointsEarned.v1": _earned,
    "PointsRevoked.v1": _revoked,
    "PointsRedeemed.v1": _spent,
    "PointsHeld.v1": _spent,
    "RedemptionReversed.v1": _came_back,
    "DebtReversed.v1": _came_back,
    "TierMoved.v1": _tier_moved,
    "PointsExpired.v1": _moved("rules 3"),
    "PointsProlonged.v1": _moved("rules 3"),
    "DebtSettled.v1": _moved("rules 5"),
    "DebtWaived.v1": _moved("rules 5"),
    "HoldReleased.v1": _moved("rules 6"),
    "HoldTimedOut.v1": _moved("rules 6"),
    "PointsGranted.v1": _moved("rules 15"),
    "GrantRevoked.v1": _moved("rules 11"),
    "PointsAdjusted.v1": _moved("rules 15"),
    "OpeningBalanceImported.v1": _moved("rules 15"),
    "PointsSent.v1": _moved("rules 15"),
    "PointsReceived.v1": _moved("rules 15"),
    "PointsGivenBack.v1": _moved("rules 15"),
    "PointsTakenBack.v1": _moved("rules 15"),
    "ReceivedRevoked.v1": _moved("rules 4"),
}
"""How each kind of fact about points is explained."""
