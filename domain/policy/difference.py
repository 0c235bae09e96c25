"""What differs between two policies, in plain words."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from domain.policy import wording
from domain.policy.wording import Language, Place
from domain.policy.words import money, percent
from domain.programme import Policy

Told = dict[Place, str]
"""Every value of a policy in words, by its place; members of lists by their names."""
SECTIONS = list(Policy.model_fields)
NAMES = ("name", "id", "by")
"""What tells the members of a list apart, in this order; else their title does."""


def difference(old: Policy, new: Policy, *, language: Language = "en") -> list[str]:
    """A sentence for each difference, in the order of the schema; what is the same in both is not told."""
    before, after = _Telling(old, language), _Telling(new, language)
    told_before, told_after = before.values(), after.values()
    members = [*after.members, *(place for place in before.members if place not in after.members)]
    told: list[tuple[Place, str]] = []
    alone: list[Place] = []  # members that only one of both has
    for place in members:
        if place in before.members and place in after.members:
            continue
        words, names = (wording.ADDED, after) if place in after.members else (wording.REMOVED, before)
        alone.append(place)
        if not any(place[: len(other)] == other for other in alone[:-1]):
            kind = wording.KINDS.get(place[-2], {language: place[-2]})[language]
            told.append((place, words[language].format(kind=kind, it=names.members[place])))
    for place in [*told_after, *(place for place in told_before if place not in told_after)]:
        values = told_before.get(place), told_after.get(place)
        if values[0] != values[1] and not any(place[: len(other)] == other for other in alone):
            told.append((place, _sentence(place, *values, after, language)))
    return [sentence for _, sentence in sorted(told, key=lambda one: SECTIONS.index(one[0][0]))]


def _sentence(place: Place, old: str | None, new: str | None, telling: "_Telling", language: Language) -> str:
    nothing = wording.NOTHING[language]
    member = next((place[:depth] for depth in range(len(place), 0, -1) if place[:depth] in telling.members), ())
    pattern = tuple("*" if member and number == len(member) - 1 else key for number, key in enumerate(place))
    return wording.CHANGES.get(pattern, wording.ANY_CHANGE)[language].format(
        place=".".join(place), it=telling.members.get(member, ""), old=old or nothing, new=new or nothing,
        units=wording.UNITS[telling.counts_points][language],
    )  # fmt: skip


class _Telling:
    """A policy, put into words value by value."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self.policy = policy
        self.language = language
        self.counts_points = policy.tiers.metric == "points"
        self.members: dict[Place, str] = {}
        """The members of lists by their places, and what each is called."""

    def values(self) -> Told:
        return dict(self._leaves(self._composed(), ()))

    def _composed(self) -> dict[str, Any]:
        """The policy with those values as one that only make sense together."""
        data = self.policy.model_dump(mode="json", exclude_none=True)
        earning, cash = data["earning"], data.get("points_as_cash")
        data["earning"] = {
            "rate": self._rate(wording.EARNED, earning.pop("points"), earning.pop("per_minor")),
            **earning,
        }
        if cash:
            data["points_as_cash"] = {
                "rate": self._rate(wording.WORTH, cash.pop("points"), cash.pop("amount_minor")),
                **cash,
            }
        data["expiry"] = self._life(data["expiry"])
        if isinstance(metric := data["tiers"]["metric"], dict):
            data["tiers"]["metric"] = " + ".join(f"{weight} × {name}" for name, weight in metric.items())
        return data

    def _rate(self, words: wording.Words, points: int, amount_minor: int) -> str:
        counted = f"{points:,}"
        if self.language == "en":
            counted += " point" if points == 1 else " points"
        return words[self.language].format(points=counted, amount=money(amount_minor, self.policy.currency))

    def _life(self, expiry: dict[str, Any]) -> str:
        grace = ""
        if "grace_days" in expiry:
            grace = wording.GRACE_DAYS[self.language].format(days=expiry["grace_days"])
        if "grace_months" in expiry:
            grace = wording.GRACE_MONTHS[self.language].format(months=expiry["grace_months"])
        period = wording.PERIODS[expiry["period"]][self.language] if "period" in expiry else ""
        life = wording.LIVES[expiry["mode"]][self.language].format(
            months=expiry.get("months", ""), period=period, grace=grace
        )
        least = expiry["minimum_days"]
        return life + (wording.AT_LEAST[self.language].format(days=least) if least else "")

    def _leaves(self, node: Any, place: Place) -> Iterator[tuple[Place, str]]:
        if isinstance(node, dict) and set(node) != {"en", "zh"}:
            for key, value in node.items():
                yield from self._leaves(value, (*place, key))
        elif isinstance(node, list) and any(isinstance(one, dict) for one in node) and place[-1] != "benefits":
            for one in node:
                named = one if isinstance(one, dict) else {"id": str(one), "text": one}
                name = next((str(named[key]) for key in NAMES if key in named), named.get("title", {}).get("en", ""))
                self.members[*place, name] = self._called(named, name)
                yield from self._leaves({k: v for k, v in named.items() if k not in NAMES}, (*place, name))
        elif node != []:
            yield place, self._value(node, place[-1])

    def _called(self, member: dict[str, Any], name: str) -> str:
        title = member.get("title")
        return str(title[self.language]) if isinstance(title, dict) else name

    def _value(self, value: Any, key: str) -> str:
        if isinstance(value, list):
            return ", ".join(self._value(one.get("title", one) if isinstance(one, dict) else one, "") for one in value)
        if isinstance(value, dict):
            return str(value[self.language])
        if key in {"discount", "largest_share"}:
            return percent(Fraction(value))
        if key.endswith("_minor"):
            return money(value, self.policy.currency)
        if isinstance(value, int) and not isinstance(value, bool):
            return f"{value:,}"
        return wording.VALUES.get(str(value), {self.language: str(value)})[self.language]
