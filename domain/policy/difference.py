"""What differs between two policies, in plain words."""

import re

from domain.policy import wording
from domain.policy.telling import Telling
from domain.policy.wording import Language, Place, Words
from domain.programme import Policy

SECTIONS = list(Policy.model_fields)


def difference(old: Policy, new: Policy, *, language: Language = "en") -> list[str]:
    """A sentence for each difference, in the order of the schema; what is the same in both is not told."""
    before, after = Telling(old, language), Telling(new, language)
    told: list[tuple[Place, str]] = []
    alone: list[Place] = []  # members of lists, and sections, that only one of both has
    for place in [*after.members, *(place for place in before.members if place not in after.members)]:
        if place in before.members and place in after.members:
            continue
        words, names = (wording.ADDED, after) if place in after.members else (wording.REMOVED, before)
        if not _within(place, alone):
            told.append(
                (place, words[language].format(kind=wording.KINDS[place[-2]][language], it=names.members[place]))
            )
        alone.append(place)
    for section, (comes, goes) in wording.SECTIONS.items():
        if (section in before.sections) != (section in after.sections):
            words = comes if section in after.sections else goes
            told.append(((section,), words[language]))
            alone += [(section,)] if words is goes else []
    for place in [*after.told, *(place for place in before.told if place not in after.told)]:
        values = before.told.get(place), after.told.get(place)
        if values[0] != values[1] and not _within(place, alone):
            comes_with_it = place[0] in wording.SECTIONS and place[0] not in before.sections
            told.append((place, _sentence(place, *values, after, comes_with_it=comes_with_it)))
    return [sentence for _, sentence in sorted(told, key=lambda one: SECTIONS.index(one[0][0]))]


def _within(place: Place, others: list[Place]) -> bool:
    return any(place[: len(other)] == other for other in others)


def _sentence(place: Place, old: str | None, new: str | None, telling: Telling, *, comes_with_it: bool) -> str:
    language = telling.language
    pattern = telling.pattern(place)
    words = wording.CHANGES[pattern]
    nothing = wording.NOTHINGS.get(pattern, wording.NOTHING)[language]
    return (_without_old(words) if comes_with_it else words)[language].format(
        it=telling.called(place), old=old or nothing, new=new or nothing,
        units=wording.UNITS[telling.counts_points][language],
    )  # fmt: skip


def _without_old(words: Words) -> Words:
    """The same sentence about something that was not there before."""
    return {
        "en": words["en"].replace(" instead of {old}", ""),
        "zh": re.sub(r"由[“ ]?\{old\}[” ]?改为", "为", words["zh"]),
    }
