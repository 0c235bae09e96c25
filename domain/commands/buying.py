"""Who buys: the holder of a card, or the member that was named, or whom that member lives on in."""

from uuid import UUID

from domain.command import Streams, Wanted
from domain.member import Card, Member
from domain.points_account import PointsAccount, account_id


def buyer_of(streams: Streams, *, card_id: UUID | None, member_id: UUID | None) -> UUID | None:
    """The buyer, as far as what is in memory tells; nobody, where nobody holds the card."""
    if card_id is None:
        return _survivor(streams, member_id)
    card = streams.peek(card_id)
    return None if card is None else card.member_id


def of_buyer(streams: Streams, *, card_id: UUID | None, member_id: UUID | None) -> Wanted:
    """The streams of a buyer."""
    if card_id is not None:
        yield Card, card_id
    buyer = buyer_of(streams, card_id=card_id, member_id=member_id)
    if buyer is not None:
        yield Member, buyer
        yield PointsAccount, account_id(buyer)


def _survivor(streams: Streams, member_id: UUID | None) -> UUID | None:
    while member_id is not None and (member := streams.peek(member_id)) is not None:
        if not isinstance(member, Member) or member.merged_into is None:
            break
        member_id = member.merged_into
    return member_id
