"""What tests of quotes share: asking, selling by what was answered, and a shop with discounts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.basket import Line
from domain.commands.purchases import RecordPurchase
from domain.commands.reservations import ReleaseQuote, ReserveQuote
from domain.earning import points_by_part
from domain.messages.quotes import (
    QuoteBody,
    QuoteReleaseBody,
    quote_question,
    release_quote_command,
    reserve_command,
)
from domain.movements import PointsEarned
from domain.purchase import PurchaseRecorded
from domain.quoting import Quotation
from domain.reservation import QuoteReserved
from tests.builders import (
    KEYS,
    campaign_created,
    card_id,
    counted,
    line,
    listed,
    policy,
    publish,
    purchase,
)
from tests.domain.world import NEVER, World
from tests.spec import NOON
from tests.spec_of_commands import CommandResult

MINUTE = timedelta(minutes=1)
LATER, OVER = NOON + 10 * MINUTE, NOON + 15 * MINUTE
"""Within the life of a quote that is given at noon, and its end."""
TWO_FOR_ONE = {"points": 2, "per_minor": 1_000}
NOBODY = UUID("d0000000-0000-4000-8000-00000000000d")


def ask(
    world: World, *lines: Line, at: datetime = NOON, card: str | None = "1001", member: UUID | None = None, **what: Any
) -> Quotation:
    """What Ann, unless told otherwise, would be quoted."""
    body = QuoteBody(currency="CNY", store="1", lines=counted(lines), card=card, member=member, time=at)
    question = quote_question(body.model_copy(update=what), card_ids=card_id, now=at)
    world.log.batch.prefetch([question])
    return question.answer(world.log.batch)


def words(quotation: Quotation) -> str:
    return quotation.quote.words(KEYS)


def campaigns(*made: Any) -> list[Any]:
    """Campaigns as made by `campaign_created`, and listed."""
    return [fact for one in made for fact in (one, listed(one.campaign_id))]


def earned(facts: Sequence[Any]) -> dict[str, int]:
    """The points by part, as a receipt prints them."""
    parts = [part for one in facts if isinstance(one, PointsEarned) for part in one.parts]
    return {part["part"]: part["points"] for part in points_by_part(parts)}


def quoted_parts(quotation: Quotation) -> dict[str, int]:
    return {part["part"]: part["points"] for part in quotation.told["points"]}


def recorded(facts: Sequence[Any]) -> PurchaseRecorded:
    return next(one for one in facts if isinstance(one, PurchaseRecorded))


def next_version(world: World, *, at: datetime, **changes: Any) -> None:
    """From then on other rules are in force."""
    world.do(publish(policy(**{"expiry": NEVER, "effective_from": at, "earning": TWO_FOR_ONE, **changes}), at=at))


def carried_out(world: World, command: Any) -> None:
    """It is carried out, or its refusal raised."""
    result = world.log.when(command)
    if result.refusal is not None:
        raise result.refusal


def with_discounts() -> World:
    """Ann is Silver, who get a tenth off; dairy is ¥5 cheaper, and twice as good from ¥100 on."""
    levels = [level.model_dump() for level in policy().tiers.levels]
    levels[1]["discount"] = "1/10"
    made = (
        campaign_created("cheap", discount={"amount_minor": 500}, categories=["DAIRY"], minimum_paid_minor=10_000),
        campaign_created("twice", multiplier="2", categories=["DAIRY"], minimum_paid_minor=10_000),
    )
    rules = policy(expiry=NEVER, tiers={"period": "lifetime", "levels": levels}, campaigns={"discounts": "sum"})
    world = World(rules, *campaigns(*made))
    world.buys(10_000, at=NOON - MINUTE, id="R-0")
    return world


def reserving(
    world: World, *lines: Line, at: datetime = NOON, card: str | None = "1001", key: str | None = None, **what: Any
) -> ReserveQuote:
    """Ann, unless told otherwise, asks to be quoted and reserved for."""
    body = QuoteBody(currency="CNY", store="1", lines=counted(lines), card=card, time=at, reserve=True)
    return reserve_command(body.model_copy(update=what), card_ids=card_id, now=at, identity=world.identity(key))


def reserve(world: World, *lines: Line, **what: Any) -> QuoteReserved:
    """What was set aside for Ann, unless told otherwise."""
    facts = world.do(reserving(world, *lines, **what)).facts
    return next(one for one in facts if isinstance(one, QuoteReserved))


def releasing(world: World, reserved: QuoteReserved, *, at: datetime = NOON) -> ReleaseQuote:
    body = QuoteReleaseBody(time=at)
    return release_quote_command(body, quote=reserved.quote, now=at, identity=world.identity())


def selling(reserved: QuoteReserved, *lines: Line, at: datetime = LATER, **what: Any) -> RecordPurchase:
    """The sale that was quoted: of a line of ¥10, unless told otherwise."""
    return purchase(*(lines or (line(1_000),)), at=at, quote=reserved.quote.words(KEYS), **what)


def sold(world: World, reserved: QuoteReserved, *lines: Line, **what: Any) -> CommandResult:
    return world.do(selling(reserved, *lines, **what))
