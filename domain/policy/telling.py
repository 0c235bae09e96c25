"""A policy put into words, value by value."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from domain.policy import wording
from domain.policy.campaigns import CampaignDefaults
from domain.policy.quotes import Quotes
from domain.policy.wording import Language, Place, Words
from domain.policy.words import money, percent
from domain.programme import Policy

Told = dict[Place, str]
"""Every value of a policy in words, by its place; members of lists by their names."""
NAMES = ("name", "id", "by")
"""What tells the members of a list apart, in this order; else their title does."""
CHOSEN = frozenset(("discounts", "budget_mode", "returns", "kinds", "spend_over", "measure"))
"""What is one of a few words of the schema."""
AS_ONE = frozenset(("benefits", "about"))
"""Lists that are told as one value."""


class Telling:
    """A policy in the words of a language. What it leaves to a default is told as if it said so."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self.policy = policy
        self.language = language
        self.counts_points = policy.tiers.metric == "points"
        self.members: dict[Place, str] = {}
        """The members of lists by their places, and what each is called."""
        self.sections = {name for name in wording.SECTIONS if getattr(policy, name) is not None}
        self.told: Told = dict(self._leaves(self._composed(), ()))

    def pattern(self, place: Place) -> Place:
        """A place with `*` for each of several."""
        return tuple("*" if place[:depth] in self.members else key for depth, key in enumerate(place, 1))

    def called(self, place: Place) -> str:
        """Of the members that a place lies in, the innermost."""
        within = (place[:depth] for depth in range(len(place), 0, -1))
        return next((self.members[one] for one in within if one in self.members), "")

    def _composed(self) -> dict[str, Any]:
        """The policy with those values as one that only make sense together."""
        data = self.policy.model_dump(mode="json", exclude_none=True)
        data["earning"] = self._rated(wording.EARNED, data["earning"], "per_minor")
        data["earning"].pop("carry_remainder", None)  # said or not, each receipt is floored by itself
        data["expiry"] = self._life(data["expiry"])
        data["tiers"] = self._tiers() | {"levels": data["tiers"]["levels"]}
        if cash := data.get("points_as_cash"):
            data["points_as_cash"] = self._rated(wording.WORTH, cash, "amount_minor")
        data["campaigns"] = (self.policy.campaigns or CampaignDefaults()).model_dump(mode="json")
        data["quotes"] = (self.policy.quotes or Quotes()).model_dump(mode="json")
        data["restore_grace_days"] = self.policy.restore_grace_days
        data["birthday"] = self._gift(data.get("birthday", {}))
        if referral := data.get("referral"):
            data["referral"] = self._referral(referral)
        return data

    def _say(self, words: Words, **what: Any) -> str:
        return words[self.language].format(**what)

    def _points(self, number: int) -> str:
        return self._say(wording.ONE_POINT if number == 1 else wording.POINTS, points=f"{number:,}")

    def _rated(self, words: Words, section: dict[str, Any], of: str) -> dict[str, Any]:
        amount = money(section.pop(of), self.policy.currency)
        return {"rate": self._say(words, points=self._points(section.pop("points")), amount=amount), **section}

    def _life(self, expiry: dict[str, Any]) -> str:
        grace = ""
        if "grace_days" in expiry:
            grace = self._say(wording.GRACE_DAYS, days=expiry["grace_days"])
        if "grace_months" in expiry:
            grace = self._say(wording.GRACE_MONTHS, months=expiry["grace_months"])
        period = self._say(wording.PERIODS[expiry["period"]]) if "period" in expiry else ""
        life = self._say(wording.LIVES[expiry["mode"]], months=expiry.get("months", ""), period=period, grace=grace)
        least = expiry["minimum_days"]
        return life + (self._say(wording.AT_LEAST, days=least) if least else "")

    def _tiers(self) -> dict[str, Any]:
        tiers = self.policy.tiers
        warning = wording.NO_WARNING if tiers.warning_days is None else wording.WARNING
        metric = (
            tiers.metric if isinstance(tiers.metric, str) else tiers.metric.model_dump(mode="json", exclude_none=True)
        )
        return {
            "period": self._say(wording.TIER_PERIODS[tiers.period], months=tiers.months),
            "metric": self._say(wording.COUNTERS["points"]) if isinstance(metric, str) else " + ".join(
                f"{weight} × {self._say(wording.COUNTERS[counter])}" for counter, weight in metric.items()
            ),
            "grace_days": tiers.grace_days or 0,
            "warning_days": self._say(warning, days=tiers.warning_days),
        }  # fmt: skip

    def _gift(self, gift: dict[str, Any]) -> str | list[Any]:
        """Points or a coupon; an empty list, which is not told, for nothing."""
        if coupon := gift.get("coupon"):
            return self._say(wording.COUPON, kind=coupon["kind"], days=coupon["valid_days"])
        return self._points(gift["points"]) if gift.get("points") else []

    def _referral(self, referral: dict[str, Any]) -> dict[str, Any]:
        return {
            "minimum_paid_minor": referral["minimum_paid_minor"],
            "wait_days": referral.get("wait_days", self.policy.return_window_days),
            "referrer": self._gift(referral["referrer"]),
            "referee": self._gift(referral["referee"]),
            "cap": self._say(wording.CAP, **referral["cap"]),
            "burst": self._say(wording.BURST, **referral["burst"]),
        }

    def _leaves(self, node: Any, place: Place) -> Iterator[tuple[Place, str]]:
        if isinstance(node, dict) and set(node) != {"en", "zh"}:
            for key, value in node.items():
                yield from self._leaves(value, (*place, key))
        elif isinstance(node, list) and (place[-1] == "assumptions" or _of_members(node)) and place[-1] not in AS_ONE:
            for one in node:
                named = one if isinstance(one, dict) else {"id": str(one), "text": one}
                name = next((str(named[key]) for key in NAMES if key in named), named.get("title", {}).get("en", ""))
                self.members[*place, name] = self._named(named, name)
                yield from self._leaves({k: v for k, v in named.items() if k not in NAMES}, (*place, name))
        elif node != []:
            yield place, self._value(node, place[-1])

    def _named(self, member: dict[str, Any], name: str) -> str:
        title = member.get("title")
        return str(title[self.language]) if isinstance(title, dict) else name

    def _value(self, value: Any, key: str) -> str:
        if isinstance(value, list):
            return ", ".join(self._benefit(one) if isinstance(one, dict) else self._value(one, key) for one in value)
        if isinstance(value, dict):
            return str(value[self.language])
        if key in {"discount", "largest_share"}:
            return percent(Fraction(value))
        if key.endswith("_minor"):
            return money(value, self.policy.currency)
        if isinstance(value, int):
            return f"{value:,}"
        return self._say(wording.VALUES[value]) if key in CHOSEN else str(value)

    def _benefit(self, benefit: dict[str, Any]) -> str:
        title = benefit.get("title", benefit)[self.language]
        kind = wording.BENEFITS.get(benefit.get("kind", "other"))
        return f"{title} ({kind[self.language]})" if kind else str(title)


def _of_members(items: list[Any]) -> bool:
    return any(isinstance(one, dict) for one in items)
