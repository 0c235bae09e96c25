"""Saying it: in a language, in the zone and the currency of a programme."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.policy.parts import Text
from domain.policy.telling import Telling
from domain.policy.words import money
from domain.programme import Policy
from projections.explaining.wording import KINDS, SAYS
from projections.wording import Language, Sentence, counted

UTC_ZONE = ZoneInfo("UTC")


class Speech:
    """Words for figures. Times are local ones of the programme, where its rules are known."""

    def __init__(self, language: Language, policy: Policy | None = None) -> None:
        self.language = language
        self.zone = UTC_ZONE if policy is None else policy.zone
        self.currency = "" if policy is None else policy.currency

    def says(self, what: str, **named: object) -> str:
        return self.say(SAYS[what], **named)

    def say(self, sentence: Sentence, **named: object) -> str:
        return sentence[self.language].format(**named)

    def text(self, text: Text) -> str:
        """What a programme says in both languages."""
        return text.zh if self.language == "zh" else text.en

    def points(self, number: int) -> str:
        return counted(number, self.language)

    def money(self, amount_minor: int) -> str:
        """Below zero as well."""
        sign = "−" if amount_minor < 0 else ""
        return f"{sign}{money(abs(amount_minor), self.currency)}"

    def at(self, at: datetime) -> str:
        """An instant by the wall clock: to the minute, or to the second that has begun. The zone is told once for all."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"

    def day(self, at: datetime | date) -> str:
        local = at.astimezone(self.zone) if isinstance(at, datetime) else at
        return f"{local:%Y-%m-%d}"

    def kind(self, name: str) -> str:
        """What a fact is called."""
        return KINDS[name][self.language] if name in KINDS else name

    def life(self, policy: Policy) -> str:
        """How long points live. In Chinese no space stands before it, unless it begins with a figure."""
        told = self.rules(policy).told["expiry",]
        return f" {told}" if self.language == "zh" and told[:1].isdecimal() else told

    def rules(self, policy: Policy) -> Telling:
        """A version in words, place by place."""
        return Telling(policy, self.language)
