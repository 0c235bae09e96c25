"""`loyalty explain`: words and JSON, and what is asked in vain."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli.instants import instant
from cli.main import app
from projections.explaining.case import NothingYet
from projections.explaining.recorded import NotRecorded
from tests.builders import ANN
from tests.domain.world import DAY
from tests.projections.explaining.shop import Shop
from tests.projections.whatif.recorded import Town
from tests.read_spec import PARTITIONS, ReadSide
from tests.spec import NOON

THEN = (NOON + 20 * DAY).isoformat()
GOLDEN = Path(__file__).parent / "explained"


@pytest.fixture(scope="module")
def town(module_database_url: str) -> Town:
    town = Town()
    town.ann_and_bob_do_all_sorts(NOON, "1")
    town.store(module_database_url)
    read_side = ReadSide(module_database_url).given(*town.facts)
    read_side.close()
    return town


@pytest.fixture(autouse=True)
def surroundings(town: Town, module_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert town.facts
    monkeypatch.setenv("LOYALTY_DATABASE_URL", module_database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", "nobody.invalid:9092")
    monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")
    monkeypatch.setenv("LOYALTY_PARTITIONS", str(PARTITIONS))


def explain(*asked: str) -> Result:
    return CliRunner().invoke(app, ["explain", *asked])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("what", ["balance", "expiry", "tier"])
def test_a_figure_is_explained_in_words(what: str, language: str) -> None:
    told = explain(what, str(ANN), "--as-of", THEN, "--language", language)
    assert (told.exit_code, told.exception) == (0, None), told.output
    assert told.stdout == (GOLDEN / f"{what}.{language}.txt").read_text()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_fact_of_an_account_is_explained_in_words(town: Town, language: str) -> None:
    positions = [n for n, one in enumerate(town.facts, 1) if one.stored_name.startswith(("Points", "Tier", "Hold"))]
    told = [explain("fact", str(position), "--language", language).stdout for position in positions]
    assert "\n".join(told) == (GOLDEN / f"facts.{language}.txt").read_text()


@pytest.fixture
def shop(emptied_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", emptied_database_url)
    return Shop().store(emptied_database_url)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_purchases_discounts_and_refusals_are_explained_in_words(shop: Shop, language: str) -> None:
    asked = [
        ("purchase", str(shop.first)), ("purchase", str(shop.nobodys)), ("discount", str(shop.first)),
        ("discount", str(shop.second)), ("discount", str(shop.plain)), ("refusal", str(shop.refused)),
        ("refusal", str(shop.refused), "--member", str(ANN)), ("refusal", "--letter", "1"),
    ]  # fmt: skip
    found = [explain(*one, "--language", language) for one in asked]
    assert [one.exit_code for one in found] == [0] * len(asked)
    assert "\n".join(one.stdout for one in found) == (GOLDEN / f"shop.{language}.txt").read_text()


def test_of_nothing_there_is_no_purchase_and_no_refusal(shop: Shop) -> None:
    for asked in (
        ("purchase", str(ANN)),
        ("discount", str(shop.nobodys)),
        ("refusal", "1"),
        ("refusal", "--letter", "9"),
    ):
        assert isinstance(explain(*asked).exception, NotRecorded), asked
    assert explain("refusal").exit_code == 2
    assert explain("refusal", "1", "--letter", "1").exit_code == 2


def test_json_holds_every_step() -> None:
    told = json.loads(explain("balance", str(ANN), "--as-of", THEN, "--json").stdout)
    assert (told["reproduced"], told["read_model"]["agrees"]) == (True, True)
    issued = told["steps"][0]
    assert issued["gives"] == sum(step["gives"] for step in issued["steps"])
    assert told["steps"][-1]["gives"] == told["gives"]


def test_what_is_not_there_is_told() -> None:
    assert isinstance(explain("balance", "00000000-0000-4000-8000-00000000ffff").exception, NotRecorded)
    assert isinstance(explain("fact", "999999").exception, NotRecorded)
    assert isinstance(explain("tier", str(ANN), "--as-of", "1999-01-01T00:00:00Z").exception, NothingYet)
    assert explain("tier", "Ann").exit_code == 2
    with pytest.raises(typer.BadParameter, match="as in 2017-01-01T00:00:00Z"):
        instant("2017-01-01", option="--as-of")
    assert explain("tier", str(ANN), "--as-of", "yesterday").exit_code == 2
    assert explain("tier", str(ANN), "--language", "fr").exit_code == 2
