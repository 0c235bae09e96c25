"""A balance explained, from its facts to what can be spent; and what of it will lapse."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from domain.lots import Buckets, Lot, total
from domain.points_account import PointsAccount
from projections.explaining.case import Case
from projections.explaining.holding import Ledger
from projections.explaining.speech import Speech
from projections.explaining.step import Difference, Explanation, Step, Told
from projections.explaining.wording import BUCKETS
from projections.held import Holdings

COME, GONE = ("issued", "received"), ("revoked", "spent", "settled", "sent", "expired", "pending", "held")


def explain_balance(case: Case, as_of: datetime, told: Told | None = None) -> Explanation:
    """What came, what became of it, what can be spent. `told`: what the read model says. Raises `NothingYet`."""
    movements, speech = case.recorded_by(as_of), case.speech
    ledger = case.ledger(as_of)
    held = ledger.holdings()
    buckets = held.buckets()
    steps = [
        step
        for bucket in (*COME, *GONE, "debt")
        for step in _bucket(speech, bucket, buckets, ledger, held, movements_by(movements))
    ]
    differences = case.differences(one.position for one in movements)
    come, gone = _sum(buckets, COME), _sum(buckets, GONE)
    if come != gone + buckets.available:
        says = speech.says("does-not-add-up", come=come, gone=gone + buckets.available)
        differences.append(Difference(says=says, recorded=come, gives=gone + buckets.available))
    if told is not None and told.position is not None and told.gives is not None:
        known = case.ledger(as_of, upto=told.position).holdings().buckets()
        differences += compared(speech, told, known.available)
    says = speech.says(
        "left", come=speech.points(come), gone=speech.points(gone), points=speech.points(buckets.available)
    )
    steps.append(Step(says=says, rule="rules 14", inputs=asdict(buckets), gives=buckets.available))
    return Explanation(
        about="balance", language=case.language, time_zone=str(speech.zone),
        says=speech.says("available", points=speech.points(buckets.available), at=speech.at(as_of)), gives=buckets.available,
        steps=steps, reproduced=not differences, differences=differences, read_model=told, as_of=as_of,
        position=case.matter.position,
    )  # fmt: skip


def compared(speech: Speech, told: Told, gives: int | str | None) -> Iterator[Difference]:
    """The read model's answer, beside what the log gives up to the same position."""
    told.agrees = told.gives == gives
    if not told.agrees:
        says = speech.says("read-model-differs", recorded=told.gives, gives=gives)
        yield Difference(says=says, recorded=told.gives, gives=gives)


def movements_by(movements: Iterable[object]) -> dict[int, str]:
    """The names of facts by their positions."""
    return {one.position: one.name for one in movements}  # type: ignore[attr-defined]


def _sum(buckets: Buckets, names: Sequence[str]) -> int:
    return sum(getattr(buckets, name) for name in names)


def _bucket(
    speech: Speech, bucket: str, buckets: Buckets, ledger: Ledger, held: Holdings, names: dict[int, str]
) -> Iterator[Step]:
    """A bucket, and what it is made of; none where it never held anything."""
    points, (sentence, rule) = getattr(buckets, bucket), BUCKETS[bucket]
    if bucket in {"expired", "pending", "held"}:
        steps = list(_by_the_clock(speech, bucket, ledger, held))
    else:
        steps = list(_of_kinds(speech, bucket, ledger, names, rule))
    if bucket in {"settled", "debt"}:
        steps += [
            Step(
                says=speech.says("by-clock", points=speech.points(total(one.parts)), at=speech.at(one.at)), rule="rules 5",
                facts=sorted({ledger.came[part["lot_id"]] for part in one.parts}), gives=total(one.parts),
            )
            for one in held.settlements
        ]  # fmt: skip
    if points or steps:
        facts = sorted({position for step in steps for position in step.facts})
        says = speech.say(sentence, points=speech.points(points))
        yield Step(says=says, rule=rule, facts=facts, gives=points, steps=steps)


def _of_kinds(speech: Speech, bucket: str, ledger: Ledger, names: dict[int, str], rule: str) -> Iterator[Step]:
    """What facts brought to a bucket, kind by kind."""
    points: defaultdict[str, int] = defaultdict(int)
    facts: defaultdict[str, set[int]] = defaultdict(set)
    for position, some in _rows(bucket, ledger):
        points[names[position]] += some
        facts[names[position]].add(position)
    for name, some in points.items():
        says = speech.says("of-kind", kind=speech.kind(name), count=len(facts[name]), points=speech.points(some))
        yield Step(says=says, rule=rule, facts=sorted(facts[name]), gives=some)


def _rows(bucket: str, ledger: Ledger) -> Iterator[tuple[int, int]]:
    if bucket in COME:
        for row in ledger.rows["lots"]:
            if row.values[5] == (bucket == "received"):
                yield row.position, row.values[4]
    if bucket == "debt":
        for row in ledger.rows["debts"]:
            yield row.position, row.values[2] if row.values[1] == "raised" else -row.values[2]
    received = {row.values[1] for row in ledger.rows["lots"] if row.values[5]}
    for row in ledger.rows["movements"]:
        if row.values[2] == bucket or (row.values[2] == "received" and bucket == _came_as(row.values[1], received)):
            yield row.position, row.values[3]


def _came_as(lot_id: str, received: set[str]) -> str:
    return "received" if lot_id in received else "issued"


def _by_the_clock(speech: Speech, bucket: str, ledger: Ledger, held: Holdings) -> Iterator[Step]:
    """What nobody has to record: lots that lapsed, or are pending, by their instant; and holds."""
    if bucket == "held":
        for hold in held.holds:
            if hold.open(ledger.as_of):
                facts = sorted({row.position for row in ledger.rows["holds"] if row.values[1] == str(hold.id)})
                says = speech.says("held-until", points=speech.points(hold.points), at=speech.at(hold.until))
                yield Step(says=says, rule="rules 6", facts=facts, gives=hold.points)
        return
    lots: defaultdict[datetime, list[tuple[Lot, int]]] = defaultdict(list)
    for lot in (one for one in held.lots if one.free):
        left = getattr(held.buckets([lot]), bucket)
        if left:
            lots[(lot.expires_at if bucket == "expired" else None) or lot.active_from].append((lot, left))
    what, rule = ("lapsed", "rules 3") if bucket == "expired" else ("from", "rules 2")
    for at, together in sorted(lots.items()):
        points = sum(left for _, left in together)
        facts = sorted({ledger.came[lot.id] for lot, _ in together})
        says = speech.says(what, points=speech.points(points), at=speech.at(at))
        yield Step(says=says, rule=rule, facts=facts, inputs={"at": at.isoformat()}, gives=points)


def explain_expiry(case: Case, as_of: datetime, told: Told | None = None) -> Explanation:
    """What of a member's points will lapse when, lot by lot, and by which rule. Raises `NothingYet`."""
    movements, speech = case.recorded_by(as_of), case.speech
    ledger = case.ledger(as_of)
    held = ledger.holdings()
    lapsing = held.lapsing()
    steps = []
    for at in sorted(lapsing):
        lots = [lot for lot in held.lots if lot.expires_at == at and lot.free]
        says = speech.says("lapses", points=speech.points(lapsing[at]), at=speech.at(at))
        steps.append(
            Step(
                says=says, rule="rules 3", facts=sorted({ledger.came[lot.id] for lot in lots}), gives=lapsing[at],
                steps=[_of_lot(case, lot, ledger.came[lot.id]) for lot in lots],
            )
        )  # fmt: skip
    differences = case.differences(one.position for one in movements)
    gives = min(lapsing).isoformat() if lapsing else None
    if told is not None and told.position is not None:
        known = case.ledger(as_of, upto=told.position).holdings().lapsing()
        differences += compared(speech, told, min(known).isoformat() if known else None)
    says = speech.says("nothing-lapses")
    if lapsing:
        says = speech.says("next", points=speech.points(lapsing[min(lapsing)]), at=speech.at(min(lapsing)))
    return Explanation(
        about="expiry", language=case.language, time_zone=str(speech.zone), says=says, gives=gives, steps=steps, reproduced=not differences,
        differences=differences, read_model=told, as_of=as_of, position=case.matter.position,
    )  # fmt: skip


def _of_lot(case: Case, lot: Lot, position: int) -> Step:
    """What is left of a lot, and the rule by which it lapses then."""
    speech, one = case.speech, case.facts[position]
    number = one.fact.programme_version or case.in_force(lot.earned_at)[0]
    policy = case.programme.versions[number - 1]
    granted = next((at for at in _granted(case.account, lot) if at is not None), lot.expires_at)
    assert granted is not None, "it lapses"
    life = speech.life(policy)
    says = speech.says("lives", version=number, life=life, day=speech.day(lot.earned_at), at=speech.at(granted))
    why = [
        Step(
            says=says,
            rule="rules 3",
            facts=case.version_at(number),
            inputs={"mode": policy.expiry.mode},
            gives=granted.isoformat(),
        )
    ]
    if lot.expires_at is not None and lot.expires_at > granted:
        says = speech.says("lives-on", at=speech.at(lot.expires_at))
        why.append(Step(says=says, rule="rules 3", gives=lot.expires_at.isoformat()))
    says = speech.says("of-lot", points=speech.points(lot.free), part=lot.part, day=speech.day(lot.earned_at))
    return Step(says=says, facts=[position], inputs={"lot_id": str(lot.id)}, gives=lot.free, steps=why)


def _granted(account: PointsAccount, lot: Lot) -> Iterator[datetime | None]:
    """Until when a lot was to live at first."""
    recorded = account.lots.get(lot.id)
    if recorded is not None:
        yield recorded.granted_until
