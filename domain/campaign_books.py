"""Snapshots of campaigns that many purchases have drawn on: else whoever reads one anew would fold every draw."""

from uuid import UUID

from pydantic import BaseModel

from domain.campaign import BudgetReserved, Campaign, CampaignCreated


class CampaignBooks(BaseModel):
    """A campaign as it stands."""

    campaign: CampaignCreated
    audience: set[UUID]
    used: int
    too_late: int
    reserved: list[BudgetReserved] = []


BEGINNING = b'{"campaign":'
"""Tells its books from those of an account."""


def taken(campaign: Campaign) -> bytes | None:
    """The books of a campaign; none, where it was never created."""
    if campaign.terms is None:
        return None
    kept = CampaignBooks.model_construct(
        campaign=campaign.terms,
        audience=campaign.audience,
        used=campaign.used,
        too_late=campaign.too_late,
        reserved=list(campaign.reserved.values()),
    )
    return kept.model_dump_json(exclude_none=True).encode()


def restored(stream_id: UUID, version: int, state: bytes) -> Campaign:
    """The campaign as it was."""
    kept = CampaignBooks.model_validate_json(state)
    campaign = Campaign(stream_id)
    campaign.begin(kept.campaign)
    campaign.audience, campaign.used, campaign.too_late = kept.audience, kept.used, kept.too_late
    campaign.reserved = {one.quote_id: one for one in kept.reserved}
    campaign.version = version
    return campaign
