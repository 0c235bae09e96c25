"""Opening balances from files: rehearsed first, brought in once, and nothing at all where a line is refused."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.wiring import open_ledger
from domain.messages.corrections import IMPORTS
from domain.points_account import PointsAccount, account_id
from infra.bootstrap import bootstrap
from infra.keys import load_key_file
from infra.settings import Settings
from tests.builders import ANN, join
from tests.domain.story import JOINED_AT
from tests.ledger import execute

LINE = {"reference": "old-1", "card": "1001", "time": "2024-01-01T00:00:00Z"}
LOTS = [{"points": 40, "earned_at": "2023-06-01T00:00:00Z", "never_expires": True}]


class Shop:
    """A ledger in which Ann has joined, and the command as an operator runs it."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self.settings = settings
        self.home = home

    def load(self, name: str, text: str, *options: str) -> tuple[int, str]:
        path = self.home / name
        path.write_text(text, encoding="utf-8")
        done = CliRunner().invoke(app, ["load", "balances", str(path), *options])
        return done.exit_code, done.output

    def account(self) -> PointsAccount:
        with open_ledger(self.settings) as loyalty:
            return loyalty.account(account_id(ANN), version=1_000)

    def imported(self) -> int:
        with open_ledger(self.settings) as loyalty:
            notes = loyalty.facts.select_notifications(1, 1_000)
        return sum(note.topic == "OpeningBalanceImported.v1" for note in notes)


@pytest.fixture
def shop(database_url: str, kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", database_url)
    monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setenv("LOYALTY_DATA_DIR", str(tmp_path / "data"))
    settings = Settings()
    bootstrap(settings)
    key_file = load_key_file(settings, make=True)
    with open_ledger(settings) as loyalty:
        execute(loyalty, replace(join(ANN, at=JOINED_AT), card_id=key_file.card_id("1001")))
    return Shop(settings, tmp_path)


def lines(*messages: object) -> str:
    return "".join(json.dumps(one) + "\n" for one in messages)


def test_a_dry_run_tells_and_writes_nothing(shop: Shop) -> None:
    code, told = shop.load("a.ndjson", lines({**LINE, "lots": LOTS}), "--dry-run")
    assert (code, shop.imported()) == (0, 0)
    assert "rehearsed: 1 members, 40 points, 0 refused" in told


def test_a_balance_is_brought_in_once(shop: Shop) -> None:
    for _ in range(2):
        code, told = shop.load("a.ndjson", lines({**LINE, "lots": LOTS, "debt": 3}))
        assert code == 0, told
        assert "1 opening balances brought in, now or before, 0 refused" in told
    assert shop.imported() == 1
    account = shop.account()
    assert (account.available(JOINED_AT.replace(year=2030)), account.debt) == (37, 0)


def test_one_refused_line_keeps_the_whole_file_out_unless_it_is_to_be_skipped(shop: Shop) -> None:
    text = lines(
        {**LINE, "lots": LOTS},
        {**LINE, "reference": "old-2", "card": "9999"},
        {**LINE, "reference": "old-3", "tier": "Platinum"},
    )
    aside = shop.home / "a.ndjson.rejected.ndjson"
    aside.write_text("of an earlier attempt\n")
    aside.chmod(0o644)
    code, told = shop.load("a.ndjson", text)
    assert (code, shop.imported()) == (1, 0)
    assert "rehearsed: 1 members, 40 points, 2 refused" in told
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600, "it quotes lines with card numbers"
    refused = [json.loads(line) for line in aside.read_text().splitlines()]
    assert [(one["line"], one["reason"]) for one in refused] == [(2, "unknown-card"), (3, "unknown-tier")]
    code, told = shop.load("a.ndjson", text, "--skip-refused")
    assert (code, shop.imported()) == (1, 1)
    assert "1 opening balances brought in, now or before, 2 refused" in told


def test_a_csv_file_has_one_lot_a_line(shop: Shop) -> None:
    text = (
        "reference,card,time,points,earned_at,never_expires,qualifying_points,tier\n"
        "old-1,1001,2024-01-01T00:00:00Z,40,2023-06-01T00:00:00Z,yes,,\n"
        'old-2,1001,2024-01-01T00:00:00Z,"1 000",,,,\n'
        "old-3,1001,2024-01-01T00:00:00Z,,,,700,Gold\n"
    )
    code, told = shop.load("a.csv", text, "--skip-refused")
    assert code == 1
    assert "2 opening balances brought in, now or before, 1 refused" in told
    (refused,) = [json.loads(line) for line in (shop.home / "a.csv.rejected.ndjson").read_text().splitlines()]
    assert (refused["line"], refused["reason"], refused["field"]) == (3, "invalid-field", "lots.0.points")
    assert shop.account().tier == "Gold"


def test_a_column_that_nobody_knows_is_wrong_usage(shop: Shop) -> None:
    code, told = shop.load("a.csv", "reference,colour\nold-1,red\n")
    assert code == 2
    assert "unknown columns: colour" in told


def test_the_source_of_an_import_never_changes() -> None:
    assert IMPORTS == "/imports/opening-balances"
