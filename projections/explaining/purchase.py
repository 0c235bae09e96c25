"""A purchase explained: what it earned, what returns took, what points paid; and what was taken off its price."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from psycopg import Connection

from domain.basket import Line, LineDiscount, paid_in_all
from domain.campaign import Campaign
from domain.discounts import DEFAULTS, discounts
from domain.policy.tiers import Tier
from domain.policy.words import percent
from domain.programme import Policy
from domain.purchase import PurchaseRecorded
from projections.explaining.case import Case
from projections.explaining.fact import bought, step_of
from projections.explaining.recorded import NotRecorded, read
from projections.explaining.speech import Speech
from projections.explaining.step import Difference, Explanation, Step
from projections.wording import Language

OF_PURCHASES = ("PurchaseRecorded.v1", "PurchaseClaimed.v1")


def buyer_of(log: Connection, purchase_id: UUID, *, position: int) -> UUID | None:
    """The member that a purchase is credited to, if to any. Raises `NotRecorded` where it never arrived."""
    rows = log.execute(
        "SELECT name, subject FROM facts WHERE originator_id = %s AND name = ANY(%s) AND position <= %s ORDER BY position",
        (purchase_id, list(OF_PURCHASES), position),
    ).fetchall()
    if not any(name == OF_PURCHASES[0] for name, _ in rows):
        raise NotRecorded("purchase", purchase_id, upto=position)
    _, subject = rows[-1]
    return None if subject == purchase_id else subject


def explain_purchase(case: Case, purchase_id: UUID) -> Explanation:
    """Every movement of points that a purchase led to, each explained."""
    speech = case.speech
    places = [one for one in case.matter.movements if getattr(one.fact, "purchase_id", None) == purchase_id]
    steps = [*bought(case, purchase_id), *(step_of(case, one) for one in places)]
    earned = sum(part["points"] for one in places if one.name == "PointsEarned.v1" for part in one.fact.parts)
    revoked = sum(part["points"] for one in places if one.name == "PointsRevoked.v1" for part in one.fact.parts)
    differences = case.differences(one.position for one in places)
    sold = recorded(case, purchase_id)
    return Explanation(
        about="purchase", language=case.language, time_zone=str(speech.zone),
        says=speech.says("told-purchase", id=sold.external_id, points=speech.points(earned - revoked)), gives=earned - revoked,
        steps=steps, reproduced=not differences, differences=differences, position=case.matter.position,
    )  # fmt: skip


def explain_purchase_of_nobody(log: Connection, purchase_id: UUID, *, language: Language, position: int) -> Explanation:
    """A receipt that nobody was credited for."""
    (sold, *_) = read(log, [purchase_id], position=position)
    speech = Speech(language)
    says = speech.says("of-nobody", id=sold.fact.external_id)
    return Explanation(
        about="purchase", language=language, time_zone=str(speech.zone), says=says, gives=0,
        steps=[Step(says=says, rule="rules 7", facts=[sold.position], inputs={"paid_minor": sold.fact.paid_minor}, gives=0)],
        reproduced=None, differences=[], position=position,
    )  # fmt: skip


def recorded(case: Case, purchase_id: UUID) -> PurchaseRecorded:
    """The receipt as it was recorded."""
    (place,) = case.place("PurchaseRecorded.v1", purchase_id)
    fact: PurchaseRecorded = case.facts[place].fact
    return fact


def explain_discount(case: Case, purchase_id: UUID) -> Explanation:
    """What the programme took off a purchase's price, worked out once more by the rules that were quoted."""
    speech, sold = case.speech, recorded(case, purchase_id)
    places = case.place("PurchaseRecorded.v1", purchase_id)
    steps = list(bought(case, purchase_id))
    if sold.quote_refused is not None:
        steps.append(Step(says=speech.says("quote-refused", reason=sold.quote_refused), rule="rules 12", facts=places))
    off = sold.discounts or []
    total = sum(one["amount_minor"] for one in off)
    differences: list[Difference] = []
    if sold.quote is not None:
        offered = _Offers(case, sold)
        steps += [*offered.told(places), *_won(speech, off, places)]
        gives, ended = offered.given()
        if ended:
            steps.append(Step(says=speech.says("budget-left"), rule="rules 10", facts=places))
        if gives != _by_line(off):
            says = speech.says(
                "differs", position=places[0], fact="PurchaseRecorded.v1", field="discounts", recorded=_listed(_by_line(off)),
                gives=_listed(gives),
            )  # fmt: skip
            differences.append(
                Difference(
                    says=says, position=places[0], fact="PurchaseRecorded.v1", field="discounts", recorded=_listed(_by_line(off)),
                    gives=_listed(gives),
                )
            )  # fmt: skip
    else:
        steps.append(Step(says=speech.says("unasked"), rule="rules 12", facts=places))
    says = speech.says("discounted", money=speech.money(total)) if total else speech.says("no-discount")
    return Explanation(
        about="discount", language=case.language, time_zone=str(speech.zone), says=says, gives=total, steps=steps,
        reproduced=not differences if sold.quote is not None else None, differences=differences, position=case.matter.position,
    )  # fmt: skip


Place = tuple[str, str]
"""A line of the receipt, and the source of a discount on it."""


class _Offers:
    """The discounts that were to be had for a purchase: its tier's, and those of the campaigns that applied."""

    def __init__(self, case: Case, sold: PurchaseRecorded) -> None:
        assert sold.quote is not None, "it was sold by a quote"
        self.case = case
        self.sold = sold
        self.quote = sold.quote
        self.policy: Policy = case.programme.versions[self.quote["version"] - 1]
        self.tier: Tier = self.policy.tiers.levels[self.policy.tiers.rank(self.quote["tier"])]
        self.off = sold.discounts or []
        self.lines = list(_asked_for(sold.lines, self.off))
        quoted = [case.campaign(campaign_id) for campaign_id in self.quote["campaigns"]]
        self.campaigns = [one for one in quoted if one.terms is not None and one.terms.effect.discount is not None]

    def given(self) -> tuple[dict[Place, int], bool]:
        """What they come to, and whether a budget had less left than that: how much, is then taken as it is recorded."""
        whole = self._off([_without_budget(one) for one in self.campaigns])
        if whole == _by_line(self.off):
            return whole, False
        taken: defaultdict[str, int] = defaultdict(int)
        for one in self.off:
            taken[one["source"]] += one["amount_minor"]
        ends = any(one.terms is not None and one.terms.budget is not None for one in self.campaigns)
        return self._off([_with_left(one, taken[one.campaign_id]) for one in self.campaigns]), ends

    def _off(self, campaigns: Sequence[Campaign]) -> dict[Place, int]:
        found = discounts(self.lines, policy=self.policy, tier=self.tier, campaigns=campaigns, at=self.sold.occurred_at)
        return _by_line(found)

    def told(self, places: list[int]) -> Iterator[Step]:
        case, speech, version = self.case, self.case.speech, self.quote["version"]
        says = speech.says(
            "quoted", version=version, tier=speech.text(self.tier.title),
            campaigns=", ".join(self.quote["campaigns"]) or "–",
        )  # fmt: skip
        yield Step(
            says=says,
            rule="rules 12",
            facts=[*places, *case.version_at(version)],
            inputs={"version": version, "quote_id": str(self.quote["quote_id"])},
        )
        lines = [line for line in self.lines if line.get("category") not in self.policy.earning.excluded]
        if self.tier.discount:
            yield self._tiers(lines)
        for campaign in self.campaigns:
            yield self._campaigns(campaign, campaign.about(lines))
        stacking = (self.policy.campaigns or DEFAULTS).discounts
        yield Step(says=speech.says(stacking), rule="rules 10", inputs={"discounts": stacking})

    def _tiers(self, lines: Sequence[Line]) -> Step:
        speech, share = self.case.speech, self.tier.discount
        assert share is not None, "it has a discount"
        basis = paid_in_all(lines)
        off = int(share * basis)
        says = speech.says(
            "of-tier",
            tier=speech.text(self.tier.title),
            share=percent(share),
            basis=speech.money(basis),
            money=speech.money(off),
        )
        return Step(says=says, rule="rules 10", inputs={"basis_minor": basis, "share": str(share)}, gives=off)

    def _campaigns(self, campaign: Campaign, lines: Sequence[Line]) -> Step:
        speech, terms = self.case.speech, campaign.terms
        assert terms is not None, "only what was created was quoted"
        discount, basis = terms.effect.discount, paid_in_all(lines)
        assert discount is not None, "it has one"
        off = discount.of(basis)
        what = f"{discount.percent} %" if discount.percent is not None else speech.money(discount.amount_minor or 0)
        says = speech.says(
            "of-campaign", title=terms.title, off=what, basis=speech.money(basis), money=speech.money(off)
        )
        facts = self.case.place("CampaignCreated.v1", campaign.id)
        return Step(says=says, rule="rules 10", facts=facts, inputs={"basis_minor": basis, "off": what}, gives=off)


def _asked_for(lines: Iterable[Line], off: Iterable[LineDiscount]) -> Iterator[Line]:
    """The lines at what the till would have asked for them."""
    taken: defaultdict[str, int] = defaultdict(int)
    for one in off:
        taken[one["line"]] += one["amount_minor"]
    for line in lines:
        yield Line(**{**line, "discount_minor": line.get("discount_minor", 0) - taken[line["line"]]})


def _without_budget(campaign: Campaign) -> Campaign:
    """The same terms, and nothing that ends."""
    assert campaign.terms is not None, "only what was created was quoted"
    other = Campaign(campaign.id)
    other.begin(campaign.terms.model_copy(update={"budget": None}))
    return other


def _with_left(campaign: Campaign, amount_minor: int) -> Campaign:
    """The same terms, with so much left of a budget, if there is one."""
    assert campaign.terms is not None, "only what was created was quoted"
    if campaign.terms.budget is None:
        return _without_budget(campaign)
    other = Campaign(campaign.id)
    budget = campaign.terms.budget.model_copy(update={"amount_minor": amount_minor, "mode": "grant_remaining"})
    other.begin(campaign.terms.model_copy(update={"budget": budget}))
    return other


def _won(speech: Speech, off: Iterable[LineDiscount], places: list[int]) -> Iterator[Step]:
    for one in off:
        says = speech.says("won", line=one["line"], source=one["source"], money=speech.money(one["amount_minor"]))
        yield Step(says=says, rule="rules 10", facts=places, gives=one["amount_minor"])


def _by_line(off: Iterable[LineDiscount]) -> dict[Place, int]:
    return {(one["line"], one["source"]): one["amount_minor"] for one in off if one["amount_minor"]}


def _listed(off: dict[Place, int]) -> list[LineDiscount]:
    return [LineDiscount(line=line, source=source, amount_minor=minor) for (line, source), minor in off.items()]
