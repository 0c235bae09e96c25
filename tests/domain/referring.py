"""A small world of referrals: Ann has a code, and Kim may join by it, buy and return."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.commands.referrals import RecordReferrals
from domain.fact import Fact
from domain.grants import GrantRevoked, PointsGranted
from domain.messages.referrals import ReferralBody, ReviewBody, referral_command, review_command
from domain.programme import Policy
from domain.referral import (
    Referral,
    Referrer,
    referrer_stream,
)
from domain.refusals import (
    Refusal,
)
from tests.builders import ANN, back, join, line, policy, purchase, returned
from tests.domain.world import DAY, NEVER, World
from tests.spec import NOON

KIM, LEE = UUID("d0000000-0000-4000-8000-000000000004"), UUID("e0000000-0000-4000-8000-000000000005")
CODE, OTHER_CODE = "ANNS-CODE-7", "BOBS-CODE-9"
HOUR = timedelta(hours=1)
TERMS = {"minimum_paid_minor": 15_000, "referrer": {"points": 100}, "referee": {"points": 50}}


def rules(**changes: Any) -> Policy:
    return policy(expiry=NEVER, referral={**TERMS, **changes})


class Referring(World):
    """Ann and Bob have joined, and Ann has a code."""

    def __init__(self, rules_: Policy | None = None) -> None:
        super().__init__(rules_ or rules())
        self.do(self.asks())

    def asks(self, member: UUID = ANN, code: str | None = CODE, *, at: datetime = NOON) -> Any:
        return referral_command(ReferralBody(referrer=member, code=code), identity=self.identity(), now=at)

    def joins(self, member: UUID = KIM, *, at: datetime = NOON, card: str = "2001", code: str = CODE) -> Any:
        return join(member, at=at, card=card, referral_code=code, fingerprint=f"{member} {card} {code}")

    def kim_joins(self, **what: Any) -> None:
        self.do(self.joins(**what))

    def kim_buys(self, minor: int = 16_000, *, day: int = 0, id: str = "R-1", card: str = "2001") -> UUID:  # noqa: A002
        command = purchase(line(minor), at=NOON + day * DAY, id=id, card=card)
        self.do(command)
        return command.id

    def kim_returns(self, bought: UUID, minor: int | None = None, *, day: int) -> list[Fact]:
        lines = [] if minor is None else [back(amount_minor=minor)]
        return self.do(returned(bought, *lines, at=NOON + day * DAY, id=f"T-{next(self.numbers)}")).facts

    def clock(self, day: int, code: str = CODE) -> list[Fact]:
        return self.do(RecordReferrals.of(referrer_stream(code), now=NOON + day * DAY)).facts

    def reviews(self, decision: str, *, day: int = 0, member: UUID = KIM) -> Any:
        body = ReviewBody.model_validate({"decision": decision, "reason": "looked at", "time": NOON + day * DAY})
        return review_command(body, member_id=member, identity=self.identity())

    def referral(self, member: UUID = KIM, code: str = CODE) -> Referral:
        return self.log.batch.get(Referrer, referrer_stream(code)).referrals[member]

    def refuses(self, command: Any, refusal: Refusal) -> None:
        self.log.when(command).then_refused(refusal)

    def points(self, member: UUID, *, day: int = 40) -> int:
        return self.buckets(member, at=NOON + day * DAY).available

    def granted(self) -> Counter[UUID]:
        """Points that were given for referrals, less those that were taken back."""
        given = Counter[UUID]()
        for fact in self.log.batch.facts:
            if isinstance(fact, PointsGranted):
                given[fact.member_id] += fact.lot["points"]
            elif isinstance(fact, GrantRevoked):
                given[fact.member_id] -= sum(part["points"] for part in fact.parts) + fact.debt + fact.forgiven
        return given
