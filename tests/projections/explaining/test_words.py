"""Everything that is said is said in every language, with the same figures in it."""

import re
from datetime import UTC

import pytest

from domain.points_account import PointsAccount
from domain.refusals import base
from projections.explaining import wording
from projections.explaining.fact import EXPLAINED
from projections.explaining.reasons import IN_CHINESE
from projections.explaining.speech import Speech
from projections.wording import LANGUAGES
from tests.builders import policy
from tests.spec import NOON

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


def test_how_long_points_live_stands_apart_from_a_figure_alone() -> None:
    months, ever = policy(expiry={"mode": "rolling", "months": 24}), policy(expiry={"mode": "never"})
    assert [Speech("zh").life(one) for one in (months, ever)] == [" 24 个月", "永久"]
    assert [Speech("en").life(one) for one in (months, ever)] == ["for 24 months", "for ever"]


def test_an_instant_is_told_to_the_second() -> None:
    assert Speech("en").at(NOON.replace(second=5, microsecond=7)) == f"{NOON.astimezone(UTC):%Y-%m-%d %H:%M}:05"


def test_every_refusal_is_told_in_chinese_too() -> None:
    ours = {name for name, kind in base.REFUSALS.items() if kind.__module__.startswith("domain.")}
    assert ours == IN_CHINESE.keys()


def test_every_fact_of_an_account_has_a_name() -> None:
    assert {kind.stored_name for kind in PointsAccount.evolvers} == wording.KINDS.keys()
    assert wording.KINDS.keys() >= EXPLAINED.keys()
