"""What can be asked of the ledger: which streams each command needs, and how it is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.basket import CouponUse, Line, Tender
from domain.campaign import CATALOGUE_ID, Campaign, CampaignCreated, Catalogue, Conditions, Effect, campaign_stream
from domain.command import Command, Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.fact import Fact
from domain.member import Card, Member, MemberJoined
from domain.points_account import PointsAccount, PointsEarned, account_id
from domain.programme import Policy, Programme, ProgrammePublished, programme_id
from domain.purchase import Purchase, PurchaseRecorded, Sale
from domain.receipt import Receipt
from domain.refusals import (
    CampaignAlreadyExists,
    CardAlreadyAssigned,
    MemberAlreadyExists,
    UnknownMember,
    WindowEndsBeforeItBegins,
    WrongCurrency,
)
from domain.stream import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPurchase(Command):
    """Record what a till sold, and credit the member who bought it."""

    scope = "purchase"

    currency: str
    store: str
    channel: str
    card_id: UUID | None
    member_id: UUID | None
    lines: list[Line]
    tenders: list[Tender]
    coupons: list[CouponUse]

    def wants(self, streams: Streams) -> Wanted:
        yield Purchase, self.id
        if self.card_id is not None:
            yield Card, self.card_id
        member_id = self._buyer(streams)
        if member_id is not None:
            yield Member, member_id
            yield PointsAccount, account_id(member_id)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """A repeat is known before anything else; then clock, programme, currency, member, refused in this order."""
        purchase = streams.get(Purchase, self.id)
        if purchase.recorded is not None:
            return self.same_as(purchase, purchase.recorded.fingerprint)
        self.not_in_the_future(streams)
        version, policy = streams.programme.in_force(self.occurred_at)
        if policy.currency != self.currency:
            raise WrongCurrency(currency=self.currency, expected=policy.currency)
        if self.card_id is not None:
            streams.get(Card, self.card_id)
        member_id, sale = self._buyer(streams), self._sale()
        if member_id is None:
            return Decision(self._record(purchase, None, version, sale) + self._keep(streams))
        member = streams.get(Member, member_id)
        if not member.exists:
            raise UnknownMember(member_id=member_id)
        return Decision(self._record(purchase, member_id, version, sale) + credit(streams, sale, member))

    def _buyer(self, streams: Streams) -> UUID | None:
        if self.card_id is None:
            return self.member_id
        card = streams.peek(self.card_id)
        return None if card is None else card.member_id

    def _record(self, purchase: Purchase, member_id: UUID | None, version: int, sale: Sale) -> list[Draft]:
        return purchase.record(
            member_id=member_id,
            card_id=self.card_id,
            currency=self.currency,
            store=self.store,
            channel=self.channel,
            lines=self.lines,
            tenders=self.tenders,
            coupons=self.coupons or None,
            paid_minor=sale.paid_minor,
            fingerprint=self.fingerprint,
            programme_version=version,
        )

    def _keep(self, streams: Streams) -> list[Draft]:
        return [] if self.card_id is None else streams.get(Card, self.card_id).keep(self.id)

    def _sale(self) -> Sale:
        return Sale(
            purchase_id=self.id,
            occurred_at=self.occurred_at,
            store=self.store,
            lines=self.lines,
            coupons=self.coupons,
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:
        """What a receipt prints: points by part, and where the member stands as of the purchase."""
        recorded = next(fact for fact in facts if isinstance(fact, PurchaseRecorded))
        told: dict[str, Any] = {"purchase_id": recorded.originator_id, "member_id": recorded.member_id, "points": []}
        earned = next((fact for fact in facts if isinstance(fact, PointsEarned)), None)
        if earned is None:
            return told
        account = history.account(earned.originator_id, version=facts[-1].originator_version)
        policy = history.programme.versions[(recorded.programme_version or 1) - 1]
        return told | {
            "points": [{"part": part["part"], "points": part["points"]} for part in earned.parts],
            "available": account.available(recorded.occurred_at),
            **account.progress(policy),
        }


def credit(streams: Streams, sale: Sale, member: Member) -> list[Draft]:
    """Credit a sale to a member under the policy and campaigns of its business time."""
    version, policy = streams.programme.in_force(sale.occurred_at)
    account = streams.get(PointsAccount, account_id(member.id))
    return account.earn(sale, policy=policy, version=version, campaigns=streams.campaigns(sale=sale, member=member))


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinMember(KeyedCommand):
    """Join a person to the programme, with a card."""

    scope = "member"

    member_id: UUID
    chosen: bool
    """Whether the client chose the member id; otherwise the card tells a repeat."""
    card_id: UUID
    registered_at: datetime
    language: str | None = None
    consents: dict[str, bool] | None = None
    attribution: dict[str, str] | None = None

    def wants(self, streams: Streams) -> Wanted:
        if self.keyed:
            yield Receipt, self.id
        yield Member, self.member_id
        yield Card, self.card_id
        yield PointsAccount, account_id(self.member_id)
        card = streams.peek(self.card_id)
        if card is not None:
            if card.member_id is not None:
                yield Member, card.member_id
            for purchase_id in card.kept:
                yield Purchase, purchase_id

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by member id, by card; then the clock."""
        repeat = self.repeat(streams) or self._joined_before(streams)
        if repeat:
            return repeat
        self.not_in_the_future(streams)
        card = streams.get(Card, self.card_id)
        joined = streams.get(Member, self.member_id).draft(
            MemberJoined,
            member_id=self.member_id,
            card_id=self.card_id,
            registered_at=self.registered_at,
            language=self.language,
            consents=self.consents,
            attribution=self.attribution,
            fingerprint=self.fingerprint,
        )
        account = streams.get(PointsAccount, account_id(self.member_id))
        drafts = [
            *self.claim(streams, target=str(self.member_id)),
            joined,
            *card.assign(self.member_id),
            *account.open(member_id=self.member_id, registered_at=self.registered_at),
        ]
        return Decision(drafts, then=[self._crediting(streams, purchase_id) for purchase_id in card.kept])

    def _joined_before(self, streams: Streams) -> Repeat | None:
        member, card = streams.get(Member, self.member_id), streams.get(Card, self.card_id)
        if member.exists:
            if member.fingerprint != self.fingerprint:
                raise MemberAlreadyExists(member_id=self.member_id)
            return Repeat(member.id)
        if card.member_id is None:
            return None
        holder = streams.get(Member, card.member_id)
        if self.chosen or holder.fingerprint != self.fingerprint:
            raise CardAlreadyAssigned(card_id=self.card_id)
        return Repeat(holder.id)

    def _crediting(self, streams: Streams, purchase_id: UUID) -> "CreditKeptPurchase":
        recorded = streams.get(Purchase, purchase_id).recorded
        assert recorded is not None, "a card keeps only purchases that were recorded"
        return CreditKeptPurchase(
            id=self.id,
            source=recorded.source,
            external_id=recorded.external_id,
            occurred_at=recorded.occurred_at,
            actor=self.actor,
            fingerprint=self.fingerprint,
            purchase_id=purchase_id,
            member_id=self.member_id,
            card_id=self.card_id,
        )

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The member's id."""
        return {"member_id": next(fact.member_id for fact in facts if isinstance(fact, MemberJoined))}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditKeptPurchase(Command):
    """When a card joins, then each purchase that it was kept for is credited to its holder."""

    scope = "kept-purchase"

    purchase_id: UUID
    member_id: UUID
    card_id: UUID

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - the command that it follows has named them
        return iter(())

    def decide(self, streams: Streams) -> Decision:
        purchase = streams.get(Purchase, self.purchase_id)
        recorded = purchase.recorded
        assert recorded is not None, "a card keeps only purchases that were recorded"
        sale = Sale(
            purchase_id=self.purchase_id,
            occurred_at=recorded.occurred_at,
            store=recorded.store,
            lines=recorded.lines,
            coupons=recorded.coupons or [],
        )
        member = streams.get(Member, self.member_id)
        claimed = purchase.claim(member_id=self.member_id, card_id=self.card_id)
        return Decision([*claimed, *credit(streams, sale, member)])


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCampaign(KeyedCommand):
    """Make a campaign and list whom it targets."""

    scope = "campaign"

    campaign_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    everyone: bool
    card_ids: list[UUID]
    member_ids: list[UUID]
    conditions: Conditions
    effect: Effect
    priority: int = 0

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Campaign, campaign_stream(self.campaign_id)
        yield Catalogue, CATALOGUE_ID

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by campaign id; then the window."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        campaign = streams.get(Campaign, campaign_stream(self.campaign_id))
        if campaign.terms is not None:
            if campaign.terms.fingerprint != self.fingerprint:
                raise CampaignAlreadyExists(campaign_id=self.campaign_id)
            return Repeat(campaign.id)
        if self.ends_at <= self.starts_at:
            raise WindowEndsBeforeItBegins(starts_at=self.starts_at, ends_at=self.ends_at)
        created = campaign.create(
            card_ids=self.card_ids,
            member_ids=self.member_ids,
            campaign_id=self.campaign_id,
            title=self.title,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            everyone=self.everyone,
            conditions=self.conditions,
            effect=self.effect,
            priority=self.priority,
            fingerprint=self.fingerprint,
        )
        listed = streams.get(Catalogue, CATALOGUE_ID).enter(self.campaign_id)
        return Decision([*self.claim(streams, target=self.campaign_id), *created, *listed])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The campaign's id."""
        return {"campaign_id": next(fact.campaign_id for fact in facts if isinstance(fact, CampaignCreated))}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishProgramme(KeyedCommand):
    """Publish the next version of a programme."""

    scope = "programme-version"

    policy: Policy
    forced_reason: str | None = None

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Programme, programme_id(self.policy.name)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key or by content; then the effective date."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        programme = streams.get(Programme, programme_id(self.policy.name))
        if self.policy in programme.versions:
            return Repeat(programme.id, programme.versions.index(self.policy) + 1)
        drafts = programme.publish(self.policy, forced_reason=self.forced_reason)
        return Decision([*self.claim(streams, target=f"{self.policy.name}:{len(programme.versions) + 1}"), *drafts])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The programme and the number of the version."""
        published = next(fact for fact in facts if isinstance(fact, ProgrammePublished))
        return {"programme": published.programme, "version": published.version}
