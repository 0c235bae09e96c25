"""Everything that is said is said in every language, with the same figures in it."""

import re

import pytest

from domain.points_account import PointsAccount
from domain.refusals import base
from projections.explaining import wording
from projections.explaining.fact import EXPLAINED
from projections.explaining.reasons import IN_CHINESE
from projections.wording import LANGUAGES

SENTENCES = {
    **wording.SAYS,
    **wording.KINDS,
    **wording.METRICS,
    **{name: one for name, (one, _) in wording.BUCKETS.items()},
}
FIGURE = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_has_the_same_figures_in_all_languages(name: str) -> None:
    said = SENTENCES[name]
    assert set(said) == set(LANGUAGES)
    figures = [set(FIGURE.findall(said[language])) for language in LANGUAGES]
    assert figures[0] == figures[1]


def test_every_refusal_is_told_in_chinese_too() -> None:
    ours = {name for name, kind in base.REFUSALS.items() if kind.__module__.startswith("domain.")}
    assert ours == IN_CHINESE.keys()


def test_every_fact_of_an_account_has_a_name() -> None:
    assert {kind.stored_name for kind in PointsAccount.evolvers} == wording.KINDS.keys()
    assert wording.KINDS.keys() >= EXPLAINED.keys()
