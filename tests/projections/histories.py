"""Random histories of two members, made by real commands: purchases, returns, holds, redemptions, what staff and the clock do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import ClassVar
from uuid import UUID, uuid5

from domain import correcting, granting, redeeming
from domain.basket import Tender, paid
from domain.command import Command, Decision, Streams, Wanted
from domain.commands.granting import RevokeGrant
from domain.commands.redemptions import SettleDebt
from domain.fact import Fact
from domain.messages.identity import Identity
from domain.messages.purchases import PurchaseData, purchase_command
from domain.points_account import PointsAccount, account_id
from domain.programme import Policy
from domain.stream import Draft
from tests.builders import FAR_AHEAD, back, card_id, counted, join, line, policy, published, returned
from tests.domain.story import JOINED_AT
from tests.domain.world import World
from tests.spec import NOON
from tests.spec_of_commands import given_log

CASH = {"points": 1, "amount_minor": 10}
EARNING = {"points": 1, "per_minor": 100, "pending_days": 3}
LEVELS = [
    {"name": name, "title": {"en": name, "zh": name}, "promote_at": points, "retain_at": points}
    for name, points in {"Ordinary": 0, "Silver": 30, "Gold": 90, "Diamond": 200}.items()
]
RULES = {
    "lasting": policy(points_as_cash=CASH, expiry={"mode": "never"}),
    "short": policy(points_as_cash=CASH, expiry={"mode": "rolling", "months": 1}),
    "pending": policy(points_as_cash=CASH, expiry={"mode": "rolling", "months": 1}, earning=EARNING),
    "next": policy(points_as_cash=CASH, expiry={"mode": "rolling", "months": 2}, returns="next_lots_then_debt"),
    "clamped": policy(points_as_cash=CASH, earning=EARNING, returns="clamp_to_zero"),
    "grace": policy(
        points_as_cash=CASH, expiry={"mode": "rolling", "months": 1}, returns="clamp_to_zero", restore_grace_days=9
    ),
    "active": policy(points_as_cash=CASH, expiry={"mode": "inactivity", "months": 1}),
    "climbing": policy(tiers={"period": "membership_year", "metric": "points", "levels": LEVELS}),
}
TIERS = {
    "rolling": {
        "period": "rolling",
        "months": 2,
        "metric": {"points": 1, "spend": "1/2000", "visits": 5},
        "grace_days": 10,
    },
    "since": {"period": "tier_start", "months": 3, "metric": {"points": 6, "visits": 10}},
    "yearly": {"period": "calendar_year", "metric": {"spend": "1/1000", "visits": 3}, "grace_days": 40},
}
RULES_OF_TIERS = {name: policy(tiers={**what, "levels": LEVELS}) for name, what in TIERS.items()}
Deciding = Callable[[PointsAccount, datetime], list[Draft]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellTime(Command):
    """What time has brought about in an account is recorded."""

    scope: ClassVar[str] = "test"
    member_id: UUID
    by: Deciding

    def wants(self, streams: Streams) -> Wanted:
        yield PointsAccount, account_id(self.member_id)

    def decide(self, streams: Streams) -> Decision:
        account = streams.get(PointsAccount, account_id(self.member_id))
        return Decision(self.by(account, self.occurred_at), [SettleDebt.after(self, account)])


def revoking(identity: Identity, member: UUID, grant_id: UUID, *, at: datetime) -> RevokeGrant:
    """What a member was given for something that is no purchase is taken back."""
    who = identity.fields()
    del who["keyed"]
    return RevokeGrant(
        **who, fingerprint="revoke", occurred_at=at, member_id=member, grant_id=grant_id, reason="a mistake"
    )


class History(World):
    """Things happen to two members of its own; what is refused did not happen. `late`: what happened earlier may arrive later."""

    def __init__(self, name: str, rules: Policy, *, late: bool) -> None:
        self.chance = Random(name)
        self.name = name
        self.rules = rules
        self.late = late
        self.pause = 100 if rules.tiers.levels[1].promote_at == 30 else 4
        """A history that climbs tiers goes on for years, so that there are reviews."""
        self.log = given_log(published(rules))
        self.log.batch.recorded_at = FAR_AHEAD
        self.numbers = iter(range(1_000_000))
        self.day = 0
        self.members = [UUID(int=self.chance.getrandbits(128), version=4) for _ in range(2)]
        for member in self.members:
            self.do(join(member, at=JOINED_AT, card=str(member)))
        self.member, self.other = self.members
        self.sold: list[tuple[UUID, int]] = []
        self.held: list[UUID] = []
        self.redeemed: list[UUID] = []
        self.granted: list[tuple[UUID, UUID]] = []

    def identity(self, key: str | None = None) -> Identity:
        return Identity.of("tests", key or f"{self.name}-{next(self.numbers)}")

    @property
    def facts(self) -> list[Fact]:
        """Those about the two."""
        return [fact for fact in self.log.batch.facts if fact.subject in self.members]

    def goes_on(self, steps: int) -> "History":
        for _ in range(steps):
            self.member, self.other = self.members if self.chance.random() < 0.7 else reversed(self.members)
            self.chance.choice(STEPS)(self)
        return self

    def latest(self) -> datetime:
        """When the last of it happened."""
        return max(fact.occurred_at for fact in self.facts)

    def agreed(self, command: Command) -> bool:
        return self.log.when(command).refusal is None

    def when(self) -> datetime:
        self.day += self.chance.choice([0, 1, 2, 3, 4, self.pause])
        late = self.late and self.chance.random() < 0.3
        day = self.chance.randint(max(0, self.day - 40), self.day) if late else self.day
        return NOON + timedelta(days=day, hours=self.chance.randrange(24))

    def buys_something(self) -> None:
        one, number = line(self.chance.randrange(1_000, 60_000, 500)), next(self.numbers)
        points = self.chance.choice([0, 0, 0, 100, 1_000])
        tenders = [Tender(kind="points", amount_minor=points), Tender(kind="cash", amount_minor=paid(one) - points)]
        data = PurchaseData(
            currency="CNY", store="1", member=self.member, lines=counted([one]), tenders=tenders[not points :],
            holds=self.held[-1:] if points else [],
        )  # fmt: skip
        bought = purchase_command(
            data,
            source="/stores/1",
            external_id=f"{self.name}-R-{number}",
            time=self.when(),
            card_ids=card_id,
            answered=True,
        )
        if self.agreed(bought):
            self.sold.append((bought.id, paid(one)))
            self.redeemed.append(uuid5(bought.id, "points"))

    def brings_something_back(self) -> None:
        if self.sold:
            of, amount = self.chance.choice(self.sold)
            lines = [] if self.chance.random() < 0.3 else [back(amount_minor=self.chance.randint(1, amount))]
            self.agreed(returned(of, *lines, at=self.when(), id=f"{self.name}-T-{next(self.numbers)}"))

    def holds_points(self) -> None:
        days, points = self.chance.choice([1, 20, 30]), self.chance.randint(1, 40)
        command = self.hold(points, at=self.when(), minutes=days * 24 * 60, member=self.member)
        if self.agreed(command):
            self.held.append(command.id)

    def captures_a_hold(self) -> None:
        if self.held:
            target = self.chance.choice(self.held[-2:])
            if self.agreed(self.capture(target, self.chance.choice([None, 1, 7]), at=self.when())):
                self.redeemed.append(target)

    def releases_a_hold(self) -> None:
        if self.held:
            self.agreed(self.release(self.chance.choice(self.held[-2:]), at=self.when()))

    def redeems_points(self) -> None:
        points, offline = self.chance.randint(1, 60), self.chance.random() < 0.5
        command = self.redeem(points, at=self.when(), member=self.member, offline=offline)
        if self.agreed(command):
            self.redeemed.append(command.id)

    def takes_a_redemption_back(self) -> None:
        if self.redeemed:
            target = self.chance.choice(self.redeemed)
            self.agreed(self.reverse(target, self.chance.choice([None, 1, 5]), at=self.when()))

    def is_put_right(self) -> None:
        points = self.chance.randint(-30, 30) or 1
        debt = points < 0 and self.chance.random() < 0.5
        qualifies = self.chance.random() < 0.5
        self.agreed(self.adjust(points, at=self.when(), member=self.member, allow_debt=debt, qualifying=qualifies))

    def is_given_points(self) -> None:
        grant_id, points = UUID(int=self.chance.getrandbits(128)), self.chance.randint(1, 40)
        self.granted.append((self.member, grant_id))
        self._records(
            lambda account, at: granting.grant(
                account, grant_id=grant_id, cause="birthday", reference="2023", points=points, at=at, policy=self.rules
            )
        )

    def gives_a_gift_back(self) -> None:
        if self.granted:
            member, grant_id = self.chance.choice(self.granted)
            self.agreed(revoking(self.identity(), member, grant_id, at=self.when()))

    def is_let_off(self) -> None:
        self.agreed(self.waive(at=self.when(), member=self.member))

    def brings_in_points(self) -> None:
        at = self.when()
        lots = [
            {
                "points": self.chance.randint(1, 20),
                "earned_at": at - timedelta(days=9),
                "expires_at": at + timedelta(days=9),
            }
        ]
        what = {"tier": self.chance.choice([None, "Silver", "Gold"]), "qualifying": [{"at": at, "points": 5}]}
        reference = f"{self.name}-{next(self.numbers)}"
        self.agreed(self.opening(reference, at=at, card=str(self.member), lots=lots, **what))

    def sends_points(self) -> None:
        self.agreed(self.transfer(self.chance.randint(1, 20), at=self.when(), member=self.member, to=self.other))

    def is_merged(self) -> None:
        self.agreed(self.merge(self.member, self.other, at=self.when()))

    def is_parted(self) -> None:
        self.agreed(self.unmerge(self.member, self.other, at=self.when()))

    def time_passes(self) -> None:
        self._records(lambda account, at: [*account.settle(at), *redeeming.time_out(account, at)])
        self._records(correcting.expire)

    def _records(self, by: Deciding) -> None:
        who = self.identity().fields()
        del who["keyed"]
        self.agreed(TellTime(**who, fingerprint="time", occurred_at=self.when(), member_id=self.member, by=by))


STEPS: list[Callable[[History], None]] = [
    *[History.buys_something] * 5, *[History.redeems_points] * 2, *[History.holds_points] * 2,
    History.captures_a_hold, History.releases_a_hold, *[History.brings_something_back] * 2,
    History.takes_a_redemption_back, History.is_put_right, History.is_let_off, History.brings_in_points,
    History.is_given_points, History.gives_a_gift_back, History.sends_points, History.is_merged, *[History.is_parted] * 2, History.time_passes,
]  # fmt: skip


def stories(rules: str, late: bool, number: int = 40) -> list[History]:
    """Forty histories under some rules, or the first few of them."""
    return [_story(rules, late, one) for one in range(number)]


@cache
def _story(rules: str, late: bool, number: int) -> History:
    return History(f"{rules}{late}{number}", {**RULES, **RULES_OF_TIERS}[rules], late=late).goes_on(40)
