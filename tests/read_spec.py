"""Given facts, told as the relay tells them and sent through the real dispatch, then rows and answers."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID, uuid4, uuid5

from psycopg import AsyncConnection, sql

from domain.basket import CouponUse
from domain.campaign import AudienceListed, campaign_stream
from domain.fact import Fact
from domain.member import CardAssigned, CardUnlinked, MemberJoined, PersonalDataErased, ProfileChanged
from domain.movements import AccountOpened, PointsEarned, PointsRevoked
from domain.parts import EarnedPart, RevokedPart
from domain.personal_data import Sealed
from domain.points_account import account_id
from infra.database import connect
from infra.kafka import partition_of
from infra.stored_facts import FactMapper
from projections import offsets, schema
from projections.read_models import ReadModels
from projections.snapshot import Snapshot
from tests.builders import card_id
from tests.spec import fact

T = TypeVar("T")
PARTITIONS = 3
TOPIC_ID = UUID(int=7)
JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Message:
    """A record of the facts topic."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


Polled = dict[int, list[Message]]


@dataclass
class Teller:
    """Writes records as the relay does, each chained to the fact before it in its partition."""

    epoch: str = "e1"
    position: int = 0
    prevs: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    offsets: list[int] = field(default_factory=lambda: [0] * PARTITIONS)

    def tell(self, *facts: Fact) -> Polled:
        """One batch of facts, in their order."""
        encode = FactMapper({}).to_stored_event
        return self.tell_stored((one.stored_name, one.subject, encode(one).state) for one in facts)

    def tell_stored(self, facts: Iterable[tuple[str, UUID, bytes]]) -> Polled:
        """Facts as they stand in the log: name, subject and JSON."""
        polled: Polled = defaultdict(list)
        for name, subject, state in facts:
            self.position += 1
            key = str(subject).encode()
            partition = partition_of(key, PARTITIONS)
            chain = f"{self.epoch}/{self.position}/{self.prevs[partition]}"
            polled[partition].append(self.message(partition, f"loyalty.{name}", chain, key=key, value=state))
            self.prevs[partition] = self.position
        return dict(polled)

    def watermark(self) -> Polled:
        return {
            partition: [self.message(partition, "loyalty.watermark.v1", f"{self.epoch}/{self.position}/{prev}")]
            for partition, prev in enumerate(self.prevs)
        }

    def message(
        self, partition: int, kind: str, chain: str, *, key: bytes | None = None, value: bytes | None = b"{}"
    ) -> Message:
        headers = {
            "ce_specversion": "1.0", "ce_source": "/loyalty-ledger", "ce_type": kind, "ce_id": "s:1", "ce_chain": chain,
        }  # fmt: skip
        self.offsets[partition] += 1
        encoded = [(name, text.encode()) for name, text in headers.items()]
        return Message(self.offsets[partition] - 1, key, value, encoded)

    def again(self, polled: Polled) -> Polled:
        """The same records once more, as a relay that starts afresh sends them: at new offsets."""
        repeated: Polled = {}
        for partition, messages in polled.items():
            repeated[partition] = []
            for one in messages:
                repeated[partition].append(Message(self.offsets[partition], one.key, one.value, one.headers))
                self.offsets[partition] += 1
        return repeated


class ReadSide:
    """Read models in a database of the test's own, all partitions assigned."""

    def __init__(self, url: str, names: Sequence[str] | None = None) -> None:
        self.url = url
        self.teller = Teller()
        self.connection = connect(url)
        self._runner = asyncio.Runner()
        schema.ensure(self.connection)
        self.projections = schema.live(self.connection, names)
        offsets.begin(self.connection, self.projections, topic_id=TOPIC_ID, partitions=PARTITIONS)
        self.models = ReadModels(self.connection, self.projections)
        self.models.assign(range(PARTITIONS))

    def given(self, *facts: Fact) -> "ReadSide":
        """Facts are told and taken in."""
        self.models.take_in(self.teller.tell(*facts))
        return self

    def rows(self, projection: str, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """What a table holds, in an order of its own."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns)) if columns else sql.SQL("*")
        place = sql.Identifier(f"{projection}_1", table)
        return sorted(self.connection.execute(sql.SQL("SELECT {} FROM {}").format(names, place)).fetchall(), key=repr)

    def all_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of every read model; views follow from them."""
        tables = self.connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " JOIN projections_live ON schema_name = table_schema WHERE table_type = 'BASE TABLE' ORDER BY 1, 2"
        ).fetchall()
        return {f"{name}.{table}": self.rows(name.removesuffix("_1"), table) for name, table in tables}

    def cursors(self, projection: str) -> list[tuple[Any, ...]]:
        """Partition, next offset, last position and gap."""
        return self.connection.execute(
            "SELECT partition, next_offset, last_position, gap_until FROM projection_offsets WHERE projection = %s"
            " ORDER BY partition",
            (projection,),
        ).fetchall()

    def ask(self, projection: str, question: Callable[..., Awaitable[T]], **what: Any) -> T:
        """Put a question to a read model."""

        connection = self._asking

        async def look() -> T:
            async with connection.transaction():
                return await question(Snapshot(connection, f"{projection}_1", self.teller.position), **what)

        return self._runner.run(look())

    @cached_property
    def _asking(self) -> AsyncConnection:
        """One for all questions: hundreds are asked of some histories, and to connect takes longer than to answer."""
        return self._runner.run(AsyncConnection.connect(self.url))

    def close(self) -> None:
        if "_asking" in vars(self):
            self._runner.run(self._asking.close())
        self._runner.close()
        self.connection.close()


def joins(member_id: UUID, *, card: str, at: datetime = JANUARY, **what: Any) -> list[Fact]:
    """What is recorded when somebody joins."""
    return [
        fact(
            MemberJoined, originator_id=member_id, occurred_at=at, member_id=member_id, card_id=card_id(card),
            registered_at=at, fingerprint="f", originator_version=1, **what,
        ),
        fact(CardAssigned, originator_id=card_id(card), occurred_at=at, member_id=member_id),
        fact(AccountOpened, originator_id=account_id(member_id), occurred_at=at, member_id=member_id, registered_at=at),
    ]  # fmt: skip


def profile(member_id: UUID, sealed: Sealed, *, version: int = 2, **what: Any) -> Fact:
    """Personal fields, as they are recorded."""
    return fact(
        ProfileChanged, originator_id=member_id, originator_version=version, member_id=member_id,
        key_id=sealed.key_id, sealed=sealed.texts, marks=sealed.marks, **what,
    )  # fmt: skip


def erases(member_id: UUID, *, cards: Sequence[str] = (), at: datetime = JANUARY) -> list[Fact]:
    """What is recorded when a member's personal data are erased."""
    return [
        fact(PersonalDataErased, originator_id=member_id, occurred_at=at, member_id=member_id, reason="law"),
        *(fact(CardUnlinked, originator_id=card_id(card), occurred_at=at, member_id=member_id) for card in cards),
    ]


def earns(
    member_id: UUID,
    points: int,
    *,
    at: datetime,
    paid_minor: int = 0,
    active_from: datetime | None = None,
    expires_at: datetime | None = None,
    campaign: str | None = None,
    bonus: int = 0,
    coupons: Iterable[str] = (),
    codes: Iterable[str] = (),
    purchase_id: UUID | None = None,
) -> Fact:
    """A purchase that was credited: base points, which qualify, and points of a campaign, which do not.

    `coupons` name campaigns, `codes` none.
    """
    purchase_id = purchase_id or uuid4()
    parts = [_part(purchase_id, "base", points, qualifies=True)]
    if campaign is not None:
        parts.append(_part(purchase_id, campaign, bonus, qualifies=False))
    return fact(
        PointsEarned, originator_id=account_id(member_id), occurred_at=at, member_id=member_id,
        purchase_id=purchase_id, store="1", day=at.date(), paid_minor=paid_minor, parts=parts,
        coupons=[*(CouponUse(code="C", campaign=name) for name in coupons), *(CouponUse(code=one) for one in codes)]
        or None,
        active_from=active_from or at, expires_at=expires_at, period=0,
    )  # fmt: skip


def revokes(
    member_id: UUID,
    purchase_id: UUID,
    points: int,
    *,
    bought_at: datetime,
    at: datetime,
    paid_minor: int = 0,
    campaign: str | None = None,
    bonus: int = 0,
    nothing_left: bool = False,
    counts: bool = True,
) -> Fact:
    """A return that took base points, and points of a campaign."""
    taken = {"base": points} | ({campaign: bonus} if campaign else {})
    parts = [
        RevokedPart(lot_id=uuid5(purchase_id, name), part=name, points=lost, qualifies=name == "base")
        for name, lost in taken.items()
        if lost
    ]
    return fact(
        PointsRevoked, originator_id=account_id(member_id), occurred_at=at, member_id=member_id,
        purchase_id=purchase_id, purchased_at=bought_at, paid_minor=paid_minor, nothing_left=nothing_left,
        parts=parts, period=0, counts=counts,
    )  # fmt: skip


def targets(campaign_id: str, *, cards: Iterable[str] = (), members: Iterable[UUID] = ()) -> Fact:
    """A campaign's audience."""
    return fact(
        AudienceListed, originator_id=campaign_stream(campaign_id), campaign_id=campaign_id,
        card_ids=[card_id(card) for card in cards], member_ids=list(members),
    )  # fmt: skip


def _part(purchase_id: UUID, name: str, points: int, *, qualifies: bool) -> EarnedPart:
    return EarnedPart(
        lot_id=uuid5(purchase_id, name), part=name, points=points, basis_minor=0, residue="0", qualifies=qualifies
    )
