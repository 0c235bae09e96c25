"""What campaigns cost: purchases decided in memory with thirty of them live, beside none."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from bench.figure import Figure, in_turns
from cli.demo import complete_journey
from cli.demo.complete_journey import Basket
from consumers.cloud_events import event_of
from consumers.purchases import command_of
from domain.batch import Batch, StreamCache
from domain.command import Command, Repeat
from domain.commands.purchases import RecordPurchase
from domain.fact import FACTS
from domain.messages.campaigns import CampaignBody, create_command
from domain.messages.codes import new_code
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from domain.messages.programmes import publish_command, shipped
from domain.stream import Stream
from infra.keys import KeyFile
from infra.personal_data import PersonalData
from infra.stored_facts import FactMapper

LIVE = 30
AT_ONCE = 500
MOST_FACTS = 10**7


def measure(baskets: Sequence[Basket], *, repeats: int) -> list[Figure]:
    """No database, no broker: prefetching finds blank streams, and what was decided stays in memory."""
    cards, letters, members, fingerprints = (secrets.token_bytes(32) for _ in range(4))
    keys = KeyFile(cards=cards, letters=letters, members=members, fingerprints=fingerprints)
    commands = [command_of(event_of(basket.value, []), keys.card_id) for basket in baskets]
    bought = [command for command in commands if isinstance(command, RecordPurchase)]
    campaigns = [
        create_command(CampaignBody.model_validate(body), identity=_nobody(), card_ids=keys.card_id, now=_now())
        for body in islice(_campaigns(bought), LIVE)
    ]
    found = in_turns(
        {
            f"{LIVE} campaigns live": lambda: Memory(keys, campaigns).pace(bought),
            "no campaigns": lambda: Memory(keys, []).pace(bought),
        },
        repeats=repeats,
    )
    return [
        Figure(
            name=f"a purchase decided in memory, {LIVE} campaigns live",
            unit="µs of CPU",
            values=found[f"{LIVE} campaigns live"],
            reference="the same without campaigns",
            reference_values=found["no campaigns"],
            goal="≤ 2.0",
        )
    ]


class Memory:
    """A ledger that forgets everything with the process: the members have joined, the campaigns are made."""

    def __init__(self, keys: KeyFile, campaigns: Sequence[Command]) -> None:
        self._cache = StreamCache(most_facts=MOST_FACTS)
        self._encode = FactMapper(FACTS).to_stored_event
        sealing = PersonalData(None, keys)
        self._carry_out([publish_command(shipped("corner_shop"), identity=_nobody(), now=_now())])
        joins = [
            join_command(MemberBody.model_validate(body), identity=_nobody(), card_ids=keys.card_id, sealing=sealing)
            for body in complete_journey.members()
        ]
        for start in range(0, len(joins), AT_ONCE):
            self._carry_out(joins[start : start + AT_ONCE])
        self._carry_out(campaigns)

    def pace(self, bought: Sequence[Command]) -> float:
        """CPU time of a purchase, in microseconds."""
        started = time.process_time()
        for start in range(0, len(bought), AT_ONCE):
            self._carry_out(bought[start : start + AT_ONCE])
        return (time.process_time() - started) / len(bought) * 1e6

    def _carry_out(self, commands: Sequence[Command]) -> None:
        batch = Batch(
            programme="corner_shop",
            recorded_at=_now(),
            cache=self._cache,
            load=_blank,
            encode=self._encode,
            new_code=new_code,
        )
        batch.prefetch(commands)
        for command in commands:
            assert not isinstance(batch.carry_out(command), Repeat)
        self._cache.keep(batch.streams.values())


def _campaigns(bought: Sequence[RecordPurchase]) -> Iterator[dict[str, Any]]:
    """A retailer's mix for the whole year: by category, store, tier and basket, some with an end, none for nobody."""
    categories = Counter(line.get("category", "") for one in bought for line in one.lines).most_common(40)
    stores = Counter(one.store for one in bought).most_common(40)
    everyone, silver = {"everyone": True}, {"tiers": ["Silver", "Gold", "Diamond"]}
    kinds: Iterator[tuple[dict[str, Any], ...]] = cycle([
        ({"categories": [name for name, _ in categories[:3]]}, {"multiplier": "2"}, everyone, {}),
        ({"stores": [name for name, _ in stores[:5]]}, {"bonus_points": 5}, everyone, {}),
        ({"minimum_paid_minor": 5_000}, {"multiplier": "1.5"}, silver, {}),
        ({"categories": [categories[5][0]]}, {"bonus_points": 3}, everyone, {"limits": {"per_day": {"uses": 1}}}),
        ({"categories": [categories[9][0]]}, {"discount": {"percent": "10"}}, everyone, {}),
        ({"minimum_paid_minor": 10_000}, {"bonus_points": 20}, everyone, {"budget": {"points": 10_000}}),
        ({"coupon": "NOBODY"}, {"multiplier": "3"}, everyone, {}),
        ({"stores": [stores[7][0]]}, {"multiplier": "2"}, silver, {}),
        ({"minimum_paid_minor": 10_000}, {"coupon": {"kind": "coffee", "valid_days": 30}}, everyone, {"limits": {"per_window": {"uses": 1}}}),
        ({"categories": [categories[20][0]]}, {"multiplier": "2"}, everyone, {}),
    ])  # fmt: skip
    span = complete_journey.span()
    for number, (conditions, effect, audience, caps) in enumerate(kinds):
        yield {
            "campaign_id": f"live-{number}", "name": f"Live {number}", "starts_at": span.starts_at,
            "ends_at": span.ends_at, "audience": audience, "conditions": conditions, "effect": effect,
            "priority": number, **caps,
        }  # fmt: skip


def _blank(missing: dict[UUID, type[Stream]]) -> list[Stream]:
    return [kind(stream_id) for stream_id, kind in missing.items()]


def _nobody() -> Identity:
    return Identity.of("bench", None)


def _now() -> datetime:
    return datetime.now(UTC)
