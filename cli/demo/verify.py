"""The comparison of what the product answers with the independent check, figure by figure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol
from uuid import UUID

from cli.demo.expected import Account, Campaign, Expected

COMPARED = tuple(field.name for field in fields(Campaign) if field.name != "cut")
"""The figures of a campaign that the analytics answer too, by the same names."""


class Answers(Protocol):
    """What the product says."""

    def members(self, cards: Sequence[str]) -> Mapping[str, UUID]:
        """Who holds each card; a card that nobody holds is left out."""

    def accounts(self) -> Mapping[UUID, Account]:
        """What each member's purchases came to; a member without any is one too, but need not be named."""

    def analytics(self, campaign_id: str) -> Mapping[str, object] | None:
        """The answer of `GET /campaigns/{id}/analytics`, its times parsed; None where there is no such campaign."""


@dataclass(frozen=True)
class Difference:
    """One figure on which the product and the check do not agree; None where one of them has none."""

    subject: str
    figure: str
    expected: object
    answered: object

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.subject}: {self.figure} should be {self.expected}, is {self.answered}"


def differences(expected: Expected, answers: Answers) -> list[Difference]:
    """Every figure on which the product does not agree with the check."""
    return [*_of_accounts(expected, answers), *_of_campaigns(expected, answers)]


def summary(expected: Expected, differences: Sequence[Difference]) -> str:
    """The result in one line."""
    return (
        f"{len(expected.accounts):,} households, {expected.purchases:,} purchases, "
        f"{len(expected.campaigns):,} campaigns: {len(differences):,} differences"
    )


def _of_accounts(expected: Expected, answers: Answers) -> Iterator[Difference]:
    holders, accounts = answers.members(list(expected.accounts)), answers.accounts()
    for card, account in expected.accounts.items():
        if card not in holders:
            yield Difference(f"card {card}", "member", "one", None)
        else:
            yield from _unequal(f"card {card}", account, accounts.get(holders[card], Account()))
    for stranger in sorted(accounts.keys() - set(holders.values())):
        yield Difference(f"member {stranger}", "member", None, accounts[stranger])


def _unequal(subject: str, expected: Account, answered: Account) -> Iterator[Difference]:
    for field in fields(Account):
        should, is_ = getattr(expected, field.name), getattr(answered, field.name)
        if should != is_:
            yield Difference(subject, field.name, should, is_)


def _of_campaigns(expected: Expected, answers: Answers) -> Iterator[Difference]:
    bonus_points = 0
    for campaign_id, campaign in expected.campaigns.items():
        answer = answers.analytics(campaign_id)
        if answer is None:
            yield Difference(campaign_id, "campaign", "one", None)
            continue
        for figure in COMPARED:
            if getattr(campaign, figure) != answer[figure]:
                yield Difference(campaign_id, figure, getattr(campaign, figure), answer[figure])
        bonus_points += _whole(answer["bonus_points"])
    if bonus_points != expected.bonus_points:
        yield Difference("all campaigns", "bonus_points", expected.bonus_points, bonus_points)


def _whole(figure: object) -> int:
    if not isinstance(figure, int):
        raise TypeError(f"points are whole numbers, not {figure!r}")
    return figure
