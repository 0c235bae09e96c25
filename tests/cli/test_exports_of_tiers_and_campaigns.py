"""Changes of tiers and what campaigns gave, exported: every one that is recorded, and in sum what the Query API tells."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from domain.fact import FACTS, Fact
from domain.movements import (
    AccountOpened,
    OpeningBalanceImported,
    PointsAdjusted,
    PointsEarned,
    PointsGivenBack,
    PointsReceived,
    PointsRevoked,
    ReceivedRevoked,
)
from domain.tier_moves import TierMoved
from infra.event_store import FactRecorder
from infra.evidence.sources import ExportDamaged
from infra.stored_facts import FactMapper
from projections.analytics import analytics_of
from projections.exports import run
from projections.known import BeforeFirstFact
from projections.whatif.files import NotWritten
from tests.cli.market import LATER, Market, surroundings
from tests.cli.test_export import room_for
from tests.domain.world import DAY
from tests.projections.test_past import tallied
from tests.read_spec import ReadSide

ALL = ("tiers", "campaigns")
CAUSES = {
    PointsEarned: "purchase", PointsRevoked: "return", ReceivedRevoked: "return", PointsAdjusted: "adjustment",
    OpeningBalanceImported: "opening-balance", PointsReceived: "merge", PointsGivenBack: "merge-undone",
}  # fmt: skip


@pytest.fixture(scope="module")
def market() -> Market:
    return Market().lives()


@pytest.fixture(scope="module")
def read_side(market: Market, module_database_url: str) -> Iterator[ReadSide]:
    market.store(module_database_url)
    made = ReadSide(module_database_url)
    made.given(*market.facts)
    yield made
    made.close()


def export(url: str, what: str, to: Path, *options: str) -> Result:
    return CliRunner(env=surroundings(url)).invoke(app, ["export", what, "--to", str(to), *options])


def exported(url: str, what: str, to: Path, *options: str) -> list[dict[str, Any]]:
    done = export(url, what, to, *options)
    assert done.exit_code == 0, done.output
    return pl.read_parquet(to / what / "*" / "*.parquet").sort("position").to_dicts()


def why(move: TierMoved, facts: list[Fact]) -> str:
    if move.reviewed:
        return "review"
    told = [
        one for one in facts if one.correlation_id == move.correlation_id and one.originator_id == move.originator_id
    ]
    return next(CAUSES[type(one)] for one in told if type(one) in CAUSES)


def test_every_move_of_a_tier_is_told_with_its_reason(market: Market, read_side: ReadSide, tmp_path: Path) -> None:
    rows = exported(read_side.url, "tiers", tmp_path)
    moves = [(position, one) for position, one in enumerate(market.facts, 1) if isinstance(one, TierMoved)]
    names = ["Ordinary", "Silver", "Gold", "Diamond"]
    assert [(row["position"], row["why"], row["steps"]) for row in rows] == [
        (position, why(one, market.facts), names.index(one.to_tier) - names.index(one.from_tier))
        for position, one in moves
    ]
    for row, (_, one) in zip(rows, moves, strict=True):
        assert (row["member_id"], row["occurred_at"], row["cause"]) == (
            str(one.member_id), one.occurred_at, str(one.correlation_id)
        )  # fmt: skip
        assert (row["from_tier"], row["to_tier"], row["period"]) == (one.from_tier, one.to_tier, one.period)
        assert (row["programme"], row["programme_version"]) == ("member_experience", one.programme_version)
        assert row["qualifying_points"] == one.qualifying_points.get(one.period, 0)
    assert {row["why"] for row in rows} >= {"purchase", "return", "review", "merge"}
    assert {row["why"] for row in rows} >= {"merge-undone", "adjustment", "opening-balance"}


def test_what_a_campaign_gave_adds_up_to_its_analytics(market: Market, read_side: ReadSide, tmp_path: Path) -> None:
    rows = exported(read_side.url, "campaigns", tmp_path)
    for name in ("dairy", "basket", "coffee", "fifth", "with-coffee"):
        told = read_side.ask("campaigns", analytics_of, campaign_id=name, as_of=LATER + 2 * DAY)
        assert told is not None
        its = [row for row in rows if row["campaign_id"] == name]
        kinds = [row["kind"] for row in its]
        assert sum(row["points"] for row in its) == told.bonus_points
        assert sum(row["discount_minor"] for row in its) == told.discount_minor
        assert kinds.count("coupon-given") == told.coupons_given
        if name != "with-coffee":
            assert kinds.count("coupon-used") == told.coupons_redeemed
    assert {row["kind"] for row in rows} == {"points", "discount", "coupon-given", "coupon-used", "coupon-voided"}
    given, voided = ([row for row in rows if row["kind"] == f"coupon-{what}"] for what in ("given", "voided"))
    assert voided[0]["coupon"] == given[0]["coupon"] is not None
    assert (voided[0]["purchased_at"], voided[0]["occurred_at"]) == (LATER, LATER + DAY)
    sold = {str(one.purchase_id): one for one in market.facts if isinstance(one, PointsEarned)}
    for row in rows:
        purchase_ = sold[row["purchase_id"]]
        assert (row["member_id"], row["purchased_at"]) == (str(purchase_.member_id), purchase_.occurred_at)
    cut = {row["uncapped"] for row in rows if row["campaign_id"] == "dairy"} - {None}
    assert cut, "its budget ended"


def test_pages_and_later_runs_make_no_difference(
    market: Market, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = market.facts
    half = next(
        at for at in range(len(facts) // 2, len(facts)) if facts[at].correlation_id != facts[at - 1].correlation_id
    )
    rest = [FactMapper(FACTS).to_stored_event(one) for one in facts[half:]]
    monkeypatch.setattr(Market, "facts", facts[:half])
    market.store(database_url)
    for what in ALL:
        exported(database_url, what, tmp_path / "by halves", "--since-last")
    log = FactRecorder(database_url)
    log.insert_events(rest)
    log.close()
    for what in ALL:
        by_halves = exported(database_url, what, tmp_path / "by halves", "--since-last")
        monkeypatch.setattr(run, "PAGE", 5)
        assert by_halves == exported(database_url, what, tmp_path / "by pages")
        monkeypatch.setattr(run, "PAGE", 20_000)
        assert by_halves == exported(database_url, what, tmp_path / "at once")
    manifest = json.loads((tmp_path / "by halves" / "manifest.json").read_text())
    assert {manifest["exports"][what]["last_position"] for what in ALL} == {len(facts)}


def test_what_was_known_once_is_what_had_been_recorded(market: Market, read_side: ReadSide, tmp_path: Path) -> None:
    known_at = market.facts[len(market.facts) * 2 // 3].recorded_at
    facts = [one for one in market.facts if one.recorded_at <= known_at]
    then = "--known-at", known_at.isoformat()
    for what in ALL:
        whole = exported(read_side.url, what, tmp_path / "whole")
        known = exported(read_side.url, what, tmp_path / "known", *then)
        assert known == [row for row in whole if row["position"] <= len(facts)]
        assert 0 < len(known) < len(whole)
        assert exported(read_side.url, what, tmp_path / "known", "--since-last") == whole
        refused = export(read_side.url, what, tmp_path / "known", "--since-last", *then)
        assert (refused.exit_code, type(refused.exception)) == (1, run.MoreExported)
    assert export(read_side.url, "balances", tmp_path / "known", *then).exit_code == 0
    found = pl.read_parquet(tmp_path / "known" / "balances_known" / "*" / "*" / "*.parquet").to_dicts()
    rows = {UUID(row["member_id"]): row for row in found}
    assert {row["known_at"] for row in found} == {known_at}
    assert rows.keys() == {one.member_id for one in facts if isinstance(one, AccountOpened)}
    for member, row in rows.items():
        its = asdict(tallied([one for one in facts if one.subject == member], at=known_at).buckets(known_at))
        assert ({name: row[name] for name in its}, row["position"], row["as_of"]) == (its, len(facts), known_at)


def test_balances_of_an_instant_stand_beside_those_that_were_known_of_it(
    market: Market, read_side: ReadSide, tmp_path: Path
) -> None:
    knew = [market.facts[len(market.facts) * part // 4].recorded_at for part in (2, 3)]
    as_of = "--as-of", knew[0].isoformat()
    asked = [as_of, *((*as_of, "--known-at", one.isoformat()) for one in knew)]
    for options in (*asked, *asked):
        assert export(read_side.url, "balances", tmp_path, *options).exit_code == 0
    whole = pl.read_parquet(tmp_path / "balances" / "*" / "*.parquet")
    known = pl.read_parquet(tmp_path / "balances_known" / "*" / "*" / "*.parquet")
    assert whole["as_of"].unique().to_list() == known["as_of"].unique().to_list() == [knew[0]]
    assert (whole["position"].n_unique(), known["known_at"].unique().sort().to_list()) == (1, knew)
    assert not known.group_by("member_id", "known_at").len()["len"].ne(1).any(), "told again, it is not there twice"
    exports = json.loads((tmp_path / "manifest.json").read_text())["exports"]
    assert {what: len(one["files"]) for what, one in exports.items()} == {"balances": 1, "balances_known": 2}


def test_before_the_first_fact_and_in_the_future_nothing_is_exported(read_side: ReadSide, tmp_path: Path) -> None:
    for what in (*ALL, "balances"):
        early = export(read_side.url, what, tmp_path, "--known-at", "2001-01-01T00:00:00Z")
        assert (early.exit_code, type(early.exception)) == (1, BeforeFirstFact)
        assert export(read_side.url, what, tmp_path, "--known-at", "2199-01-01T00:00:00Z").exit_code == 2
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("what", ALL)
def test_they_are_refused_as_any_export(read_side: ReadSide, tmp_path: Path, what: str) -> None:
    with room_for(100):
        result = export(read_side.url, what, tmp_path / "full")
    assert (result.exit_code, type(result.exception)) == (1, NotWritten)
    assert not list((tmp_path / "full").rglob("*.parquet*"))
    exported(read_side.url, what, tmp_path / "export")
    file = next((tmp_path / "export").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1])
    result = export(read_side.url, what, tmp_path / "export", "--since-last")
    assert (result.exit_code, type(result.exception)) == (1, ExportDamaged)
