"""Policies, sales, facts and commands with everything filled in that a test does not care about."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4, uuid5

from domain.basket import CouponUse, Line, Tender, paid
from domain.campaign import CATALOGUE_ID, Campaign, CampaignCreated, CampaignListed, campaign_stream
from domain.campaign_terms import Conditions, Effect
from domain.commands.campaigns import CreateCampaign
from domain.commands.members import JoinMember
from domain.commands.programmes import PublishProgramme
from domain.commands.purchases import RecordPurchase
from domain.commands.receipts import ClaimReceipt, ReassignPurchase
from domain.commands.returns import TakeBack
from domain.criteria import Definition
from domain.document import read_yaml
from domain.fact import Fact
from domain.messages.identity import Identity
from domain.messages.purchases import PurchaseData, purchase_command
from domain.messages.receipts import ClaimBody, ReassignmentBody, claim_command, reassignment_command
from domain.messages.returns import PurchaseNamed, ReturnData
from domain.programme import SHIPPED, Policy, ProgrammePublished, programme_id
from domain.returned import ReturnedLine, refunded, worth
from domain.sale import Sale
from domain.segment import SegmentDefined, segment_stream
from infra.keys import KeyFile
from infra.personal_data import PersonalData
from tests.spec import fact, numbered

ANN = UUID("a0000000-0000-4000-8000-000000000001")
BOB = UUID("b0000000-0000-4000-8000-000000000002")
CARDS = UUID("c0000000-0000-4000-8000-000000000003")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


def card_id(number: str) -> UUID:
    """Stands in for the keyed hash of a card number."""
    return uuid5(CARDS, number)


ANNS_CARD = card_id("1001")
KEYS = KeyFile(cards=b"c" * 32, letters=b"l" * 32, members=b"m" * 32, fingerprints=b"f" * 32)
SEALING = PersonalData(None, KEYS)
"""Seals what is new; without a database it finds no key again."""


def policy(shipped: str = "member_experience", **changes: Any) -> Policy:
    """A shipped policy; `changes` replace its parts."""
    return Policy.model_validate(_written(shipped) | changes)


@cache
def _written(shipped: str) -> dict[str, Any]:
    written: dict[str, Any] = read_yaml((SHIPPED / f"{shipped}.yaml").read_text(encoding="utf-8")).data
    return written


def line(
    gross_minor: int,
    *,
    discount_minor: int = 0,
    category: str | None = None,
    sku: str = "1",
    quantity: int | str = 1,
) -> Line:
    made = Line(line="1", sku=sku, quantity=quantity, gross_minor=gross_minor)
    if discount_minor:
        made["discount_minor"] = discount_minor
    if category is not None:
        made["category"] = category
    return made


def sale(*lines: Line, at: datetime, store: str = "1", purchase_id: UUID | None = None) -> Sale:
    return Sale(purchase_id=purchase_id or uuid4(), occurred_at=at, store=store, lines=counted(lines), coupons=[])


def counted(lines: Sequence[Line]) -> list[Line]:
    """The lines of a receipt, from 1 on."""
    return [Line(**{**one, "line": str(number)}) for number, one in enumerate(lines, 1)]


def campaign_created(
    campaign_id: str,
    *,
    multiplier: str | None = None,
    bonus_points: int | None = None,
    discount: dict[str, Any] | None = None,
    priority: int = 0,
    everyone: bool = True,
    starts_at: datetime = LONG_AGO,
    ends_at: datetime = FAR_AHEAD,
    gift: dict[str, Any] | None = None,
    tiers: Sequence[str] | None = None,
    segment: str | None = None,
    budget: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    **conditions: Any,
) -> Fact:
    """A campaign for everyone, in force for a century, unless told otherwise."""
    return fact(
        CampaignCreated, originator_id=campaign_stream(campaign_id), campaign_id=campaign_id, title=campaign_id,
        starts_at=starts_at, ends_at=ends_at, everyone=everyone, conditions=Conditions(**conditions),
        effect=Effect.model_validate({
            "multiplier": multiplier, "bonus_points": bonus_points, "discount": discount, "coupon": gift,
        }),
        priority=priority, tiers=tiers, segment=segment, budget=budget and {"mode": "grant_remaining"} | budget,
        limits=limits, fingerprint="f",
    )  # fmt: skip


def campaign(campaign_id: str, **terms: Any) -> Campaign:
    made = numbered([campaign_created(campaign_id, **terms)], Campaign(campaign_stream(campaign_id)))
    assert isinstance(made, Campaign)
    return made


def listed(campaign_id: str) -> Fact:
    return fact(CampaignListed, originator_id=CATALOGUE_ID, campaign_id=campaign_id)


def defined(
    segment_id: str, definition: dict[str, Any], *, version: int = 1, effective_from: datetime = LONG_AGO
) -> SegmentDefined:
    """A version of a segment."""
    made = fact(
        SegmentDefined, originator_id=segment_stream(segment_id), segment_id=segment_id, version=version, title=segment_id,
        effective_from=effective_from, definition=Definition.model_validate(definition), fingerprint="f",
    )  # fmt: skip
    assert isinstance(made, SegmentDefined)
    return made


def published(rules: Policy, version: int = 1) -> Fact:
    return fact(
        ProgrammePublished, originator_id=programme_id(rules.name), programme=rules.name, version=version, policy=rules
    )


def purchase(
    *lines: Line,
    at: datetime,
    id: str = "R-1",  # noqa: A002 - as the contract calls it
    source: str = "/stores/1",
    card: str | None = "1001",
    member: UUID | None = None,
    store: str = "1",
    currency: str = "CNY",
    answered: bool = True,
    points_minor: int = 0,
    holds: Sequence[UUID] = (),
    brought: Sequence[ReturnData] = (),
    tenders: list[Tender] | None = None,
    coupons: Sequence[CouponUse] = (),
    quote: str | None = None,
) -> RecordPurchase:
    """A receipt as a till would send it; `points_minor` of it paid by points, the rest in cash, unless `tenders` says all."""
    total = sum(map(paid, lines)) - sum(worth(one.lines) - refunded(one.tenders) for one in brought)
    if tenders is None:
        tenders = [Tender(kind="cash", amount_minor=total - points_minor)]
        if points_minor:
            tenders.append(Tender(kind="points", amount_minor=points_minor))
    data = PurchaseData(
        currency=currency, store=store, card=card, member=member, lines=counted(lines),
        tenders=tenders, coupons=list(coupons), holds=list(holds), returned=tuple(brought), quote=quote,
    )  # fmt: skip
    return purchase_command(
        data, source=source, external_id=id, time=at, card_ids=card_id, answered=answered, signing=KEYS
    )


def back(name: str = "1", *, quantity: int | str = 0, amount_minor: int = 0) -> ReturnedLine:
    """What goes back of a line; by default the first."""
    return ReturnedLine(line=name, quantity=quantity, amount_minor=amount_minor)


def brought(
    *lines: ReturnedLine,
    of: str = "R-1",
    source: str = "/stores/1",
    tenders: Sequence[Tender] = (),
    reason: str | None = None,
) -> ReturnData:
    """Goods of another purchase, brought back on the receipt of a new one."""
    named = PurchaseNamed(source=source, id=of)
    return ReturnData(purchase=named, lines=list(lines), tenders=list(tenders), reason=reason)


def claim(
    of: UUID, *, at: datetime, member: UUID | None = None, card: str | None = None, key: str | None = None
) -> ClaimReceipt:
    """Somebody brings a receipt without a card."""
    body = ClaimBody(time=at, member=member, card=card)
    return claim_command(body, purchase_id=of, identity=Identity.of("tests", key), card_ids=card_id)


def reassign(
    of: UUID, *, at: datetime, member: UUID | None = None, card: str | None = None, key: str | None = None
) -> ReassignPurchase:
    """Staff puts a wrong card right."""
    body = ReassignmentBody(time=at, member=member, card=card, reason="wrong card")
    return reassignment_command(body, purchase_id=of, identity=Identity.of("tests", key), card_ids=card_id)


def returned(
    of: UUID,
    *lines: ReturnedLine,
    at: datetime,
    id: str = "T-1",  # noqa: A002 - as the contract calls it
    strictly: bool = False,
    tenders: list[Tender] | None = None,
    reason: str | None = None,
) -> TakeBack:
    """A return, over Kafka unless `strictly`; without lines a void."""
    content = json.dumps([str(of), lines, tenders, reason, str(at)])
    return TakeBack(
        **Identity(source="/stores/1", external_id=id, actor="/stores/1", keyed=True).fields(),
        occurred_at=at, fingerprint=content, answered=strictly, purchase_id=of, lines=list(lines) or None,
        tenders=tenders, reason=reason, strictly=strictly,
    )  # fmt: skip


def join(
    member_id: UUID | None = ANN, *, at: datetime, card: str = "1001", key: str | None = None, **what: Any
) -> JoinMember:
    """Somebody joins; without a member id the card tells a repeat."""
    return JoinMember(
        **Identity.of("tests", key).fields(),
        **{"fingerprint": "f", "chosen": member_id is not None, **what},
        occurred_at=at, registered_at=at, member_id=member_id or uuid4(), card_id=card_id(card),
    )  # fmt: skip


def create_campaign(campaign_id: str, *, at: datetime, key: str | None = None, **terms: Any) -> CreateCampaign:
    """A campaign is made; the terms are those of `campaign_created`."""
    created = campaign_created(
        campaign_id, **{name: terms.pop(name) for name in list(terms) if name not in COMMAND_ONLY}
    )
    assert isinstance(created, CampaignCreated)
    what = {
        name: getattr(created, name)
        for name in (
            "title",
            "starts_at",
            "ends_at",
            "everyone",
            "conditions",
            "effect",
            "priority",
            "segment",
            "budget",
            "limits",
        )
    }
    what["tiers"] = None if created.tiers is None else list(created.tiers)
    what |= {"card_ids": [], "member_ids": [], "fingerprint": "f"} | terms
    return CreateCampaign(**Identity.of("tests", key).fields(), occurred_at=at, campaign_id=campaign_id, **what)


COMMAND_ONLY = {"card_ids", "member_ids", "fingerprint"}


def publish(rules: Policy, *, at: datetime, key: str | None = None, fingerprint: str = "f") -> PublishProgramme:
    return PublishProgramme(**Identity.of("tests", key).fields(), occurred_at=at, fingerprint=fingerprint, policy=rules)
