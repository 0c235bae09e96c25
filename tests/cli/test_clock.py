"""`loyalty clock`, and what `loyalty status` tells of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from infra import relay
from infra.bootstrap import bootstrap
from infra.database import connect
from infra.settings import Settings
from projections import schema
from projections.status import status
from tests.shop_with_clock import DAY, LAPSES, Shop, shop_of
from tests.spec import NOON


@pytest.fixture
def shop(module_database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with shop_of(module_database_url, tmp_path) as opened:
        yield opened


class TestStatus:
    @pytest.fixture
    def settings(self, shop: Shop, settings: Settings) -> Settings:
        found = settings.model_copy(update={"database_url": shop.ledger.url})
        bootstrap(found)
        with connect(found.database_url) as database:
            schema.ensure(database)
            relay.begin(database, partitions=found.partitions, epoch="e1")
        return found

    def test_the_clock_tells_what_waits_and_what_it_did_last(self, shop: Shop, settings: Settings) -> None:
        shop.buys()
        shop.look(NOON)
        waiting = status(settings).clock
        assert (waiting.due, waiting.due_since, waiting.lag, waiting.recorded) == (1, LAPSES, 0, {})
        shop.buys(id="R-2")
        assert status(settings).clock.lag == 2
        shop.look()
        done = status(settings).clock
        assert (done.due, done.due_since, done.lag, done.recorded) == (0, None, 1, {"PointsExpired.v1": 1})
        assert done.recorded_at is not None
        assert done.looked_at is not None
        shop.look()
        assert status(settings).clock.recorded == {"PointsExpired.v1": 1}

    def test_a_ledger_whose_clock_never_ran_has_a_status_too(self, shop: Shop, settings: Settings) -> None:
        shop.ledger.database.execute("DROP TABLE agenda, clock_state")
        assert status(settings).clock.looked_at is None


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _settings(self, shop: Shop, kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("LOYALTY_DATABASE_URL", shop.ledger.url)
        monkeypatch.setenv("LOYALTY_KAFKA_BOOTSTRAP_SERVERS", kafka)
        monkeypatch.setenv("LOYALTY_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("LOYALTY_PROGRAMME", "member_experience")

    def test_records_once_what_had_come_about_by_an_instant(self, shop: Shop) -> None:
        shop.buys()
        shop.buys(at=NOON + 30 * DAY, id="R-2")
        told = CliRunner().invoke(app, ["clock", "--now", "2023-06-10T00:00:00Z"])
        assert (told.exit_code, told.output) == (0, "1 looked at; recorded: 1 PointsExpired\n")
        assert len(shop.recorded()) == 1

    def test_tells_in_a_dry_run_what_an_instant_to_come_will_bring(self, shop: Shop) -> None:
        shop.buys(at=datetime.now(UTC) - DAY)
        ahead = (datetime.now(UTC) + 99 * DAY).isoformat()
        refused = CliRunner().invoke(app, ["clock", "--now", ahead])
        assert refused.exit_code == 2
        assert "--dry-run" in refused.output
        told = CliRunner().invoke(app, ["clock", "--now", ahead, "--dry-run"])
        assert (told.exit_code, told.output) == (0, "1 looked at; would be recorded: 1 PointsExpired\n")
        assert shop.recorded() == []

    @pytest.mark.parametrize("instant", ["yesterday", "2023-06-10T00:00:00", "2023-13-01T00:00:00Z"])
    def test_refuses_what_is_no_instant(self, instant: str) -> None:
        assert CliRunner().invoke(app, ["clock", "--now", instant]).exit_code == 2

    def test_runs_as_a_role_until_it_is_told_to_stop(self, shop: Shop) -> None:
        shop.buys()
        role = subprocess.Popen([sys.executable, "-m", "cli", "clock"], env=dict(os.environ))
        try:
            deadline = time.monotonic() + 60
            while not shop.recorded() and time.monotonic() < deadline:
                time.sleep(0.1)
            shop.buys(id="R-2")
            while len(shop.recorded()) < 2 and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            role.send_signal(signal.SIGTERM)
        assert role.wait(timeout=30) == 0
        assert [one["name"] for one in shop.recorded()] == ["PointsExpired.v1", "PointsExpired.v1"]
