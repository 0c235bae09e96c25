"""`loyalty audit report` on a small real ledger: all of it holds; then each statement is made to fail by real damage."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from domain.messages.corrections import AdjustmentBody, WaiverBody, adjustment_command, waiver_command
from domain.messages.identity import Identity
from infra.evidence.notary import Notary
from infra.keys import load_key_file, load_signer
from infra.settings import Settings
from tests.builders import ANN, policy, publish
from tests.cli.test_evidence import OTHER as ANOTHER_KEY
from tests.consumers.facts_topic import Topic, topic_of, until
from tests.domain.test_commands_of_personal_data import erase
from tests.infra.evidence.vouched import Vouched
from tests.ledger import NOW, Ledger, all_recorded, execute
from tests.projections.completeness.shop import OTHER, TILL, Shop
from tests.read_spec import PARTITIONS

PERIOD = ("--from", "2023-06-01", "--to", "2024-01-31")
CLEAN = {
    "completeness": "holds", "closings": "holds", "dead-letters": "holds", "positions": "holds",
    "stream-versions": "holds", "checkpoints": "holds", "append-only": "holds", "conservation": "holds",
    "replay": "holds", "parked-facts": "holds", "programmes-forced": "holds", "adjustments": "holds", "waivers": "holds",
    "erasures": "holds",
}  # fmt: skip


class Audited:
    """A shop with a till that counts; staff has corrected something, and a member was erased. All of it is signed and folded."""

    def __init__(self, ledger: Ledger, topic: Topic, directory: Path) -> None:
        self.topic = topic
        self.vouched = Vouched(ledger, directory).buy(2)
        self.shop = Shop(ledger).sells(1, 2, 3).closes(3).sells(4, day=1).closes(1, day=1).sells(1, till=OTHER)
        staff = Identity.of("staff", None)
        owed = AdjustmentBody(points=-60, time=NOW, reason="a mistake", allow_debt=True)
        commands = (
            adjustment_command(owed, member_id=ANN, identity=staff),
            waiver_command(WaiverBody(time=NOW, reason="goodwill"), member_id=ANN, identity=Identity.of("boss", None)),
            erase(at=NOW),
        )
        assert all_recorded(execute(self.shop.writer, *commands))

    def folded(self) -> "Audited":
        """Told on the topic and projected; and vouched for."""
        log = self.vouched.ledger
        stored = log.rows("SELECT name, subject, state FROM facts ORDER BY position")
        self.topic.publish(self.topic.teller.tell_stored((name, who, bytes(state)) for name, who, state in stored))
        self.topic.publish(self.topic.teller.watermark())
        with self.topic.projecting():
            until(lambda: self.topic.rows("SELECT min(last_position) FROM projection_offsets") == [(len(stored),)])
        Notary(self.vouched.settings, load_signer(self.vouched.settings)).sign_now(log.database)
        return self

    def force_a_version(self) -> "Audited":
        version = publish(policy(effective_from="2023-12-01T00:00:00+08:00"), at=NOW)
        forced = replace(version, forced_reason="marketing insists")
        assert all_recorded(execute(self.shop.writer, forced))
        return self


@pytest.fixture
def surroundings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    given = {
        "LOYALTY_DATABASE_URL": settings.database_url, "LOYALTY_DATA_DIR": str(tmp_path),
        "LOYALTY_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers, "LOYALTY_PARTITIONS": str(PARTITIONS),
        "LOYALTY_PROGRAMME": "member_experience",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value or "")
    load_key_file(Settings(), make=True)
    return Settings()


@pytest.fixture
def audited(surroundings: Settings, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audited]:
    assert surroundings.database_url is not None
    with Ledger(surroundings.database_url) as ledger:
        yield Audited(ledger, topic_of(surroundings, unique, monkeypatch), tmp_path)


def report(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["audit", "report", *PERIOD, *map(str, words)])


def told(result: Result) -> dict[str, dict[str, Any]]:
    """The statements by name."""
    assert result.stdout.startswith("{"), (result.output, result.exception)
    return {one["name"]: one for one in json.loads(result.stdout)["statements"]}


def states(statements: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["state"] for name, one in statements.items()}


def test_all_of_a_sound_ledger_holds_and_the_page_says_so_by_itself(audited: Audited, tmp_path: Path) -> None:
    audited.folded()
    done = report("--json", "--html", tmp_path / "report.html")
    statements = told(done)
    assert states(statements) == CLEAN
    assert done.exit_code == 0
    assert statements["completeness"]["figures"]["counted_receipts"] == 4
    assert statements["closings"]["details"] == [f"never closed: {OTHER}"]
    assert statements["adjustments"]["details"] == ["/clients/staff: 1 adjustment, 0 points given, 60 taken"]
    assert statements["waivers"]["told"].startswith("1 waiver by 1 actor")
    assert statements["erasures"]["figures"] == {"erased": 1, "wrong": 0}
    assert statements["replay"]["figures"]["read_models"] == 8
    assert all(one["checked"] and one["rests_on"] and one["told"] for one in statements.values())
    page = (tmp_path / "report.html").read_text()
    assert f"<b>All {len(CLEAN)} statements that were checked hold.</b>" in page
    assert f"all {len(CLEAN) - 1} statements that were checked hold" in report("--no-replay").stdout
    assert not re.search(r"(src|href)=\"(?!#)|@import|url\(|<script", page), "it loads nothing from anywhere"
    assert page.count('class="state yes"') == 2 * len(CLEAN)
    assert all(f'id="{name}"' in page for name in CLEAN)
    assert OTHER in page


def test_each_statement_fails_by_the_damage_that_it_is_about(audited: Audited) -> None:
    """A receipt that never came, a day left open, a version that was forced; then what the owner of the database may do."""
    audited.shop.sells(5, 7, day=2).closes(3, day=2).sells(8, day=3)
    audited.force_a_version().folded()
    audited.vouched.tamper(
        "DELETE FROM facts WHERE position = 7",
        "UPDATE facts SET state = convert_to(replace(convert_from(state, 'UTF8'), '\"reason\":\"a mistake\"', '\"reason\":\"\"'), 'UTF8')"
        " WHERE name = 'PointsAdjusted.v1'",
        "UPDATE facts SET state = convert_to(replace(convert_from(state, 'UTF8'), '/clients/boss', ''), 'UTF8')"
        " WHERE name = 'DebtWaived.v1'",
        "UPDATE member_keys SET wrapped = '', destroyed_at = NULL",
        "UPDATE balances_1.lots SET points = points + 1",
        "INSERT INTO parked_facts (projection, generation, position, key, name, value, error)"
        f" VALUES ('tiers', 1, 3, '{ANN}', 'PointsEarned.v1', '', 'KeyError')",
        'INSERT INTO dead_letters (reason, detail, topic, partition, "offset", sealed, recorded_at)'
        " VALUES ('unknown-member', '{}', 'pos.purchases.v1', 0, 0, '', '2023-07-01T00:00:00Z'),"
        " ('unknown-member', '{}', 'pos.purchases.v1', 0, 1, '', '2024-07-01T00:00:00Z')",
    )
    done = report("--json")
    statements = told(done)
    assert states(statements) == dict.fromkeys(CLEAN, "does not hold")
    assert done.exit_code == 1
    details = {name: one["details"] for name, one in statements.items()}
    assert details["completeness"] == [
        f"2023-06-03 {TILL}: 3 counted, 2 recorded; 3,000 and 2,000 minor units; missing R-6"
    ]
    assert details["closings"][0] == f"2023-06-04 {TILL}: 1 receipt"
    assert "versions 1 to" in details["stream-versions"][0]
    assert details["positions"] == ["nothing stands at position 7"]
    assert details["checkpoints"][0].startswith("position 7: removed")
    assert "marketing insists" in details["programmes-forced"][0]
    assert statements["dead-letters"]["figures"] == {"letters": 1, "open": 1}
    assert statements["parked-facts"]["figures"] == {"keys": 1, "facts": 1}
    assert details["adjustments"][0].endswith("has none")
    assert "1 key" in details["erasures"][0]
    shown = report("--no-replay")
    assert shown.exit_code == 1
    assert "DOES NOT HOLD: completeness, closings, dead-letters, positions" in shown.stdout
    assert "left out of the sums" in statements["conservation"]["told"]
    assert details["conservation"][0].startswith("does not hold: ")
    assert "nothing refuses it on facts" in statements["append-only"]["told"]
    assert "(13 of 13 statements that were checked)" in shown.stdout
    assert "R-6" in shown.stdout


def test_a_fact_that_cannot_be_read_is_told_and_stops_nothing_else(audited: Audited) -> None:
    audited.folded()
    (position,) = audited.vouched.ledger.rows("SELECT min(position) FROM facts WHERE name = 'TillClosed.v1'")[0]
    audited.vouched.tamper(
        f"UPDATE facts SET state = '{{' WHERE position = {position} OR name IN ('PointsAdjusted.v1', 'DebtWaived.v1')"
    )
    statements = told(report("--no-replay", "--json"))
    wrong = {name for name, state in states(statements).items() if state == "does not hold"}
    assert wrong == {
        "completeness", "closings", "checkpoints", "append-only", "conservation", "adjustments", "waivers",
    }  # fmt: skip
    assert f"the fact at position {position} cannot be read" in statements["completeness"]["told"]
    assert statements["checkpoints"]["details"][0].startswith("position")
    found = CliRunner().invoke(app, ["audit", "completeness", *PERIOD])
    assert (found.exit_code, type(found.exception).__name__) == (1, "FactUnreadable")


def test_what_there_is_nothing_of_is_not_applicable_and_what_is_left_out_not_checked(
    surroundings: Settings, tmp_path: Path
) -> None:
    assert surroundings.database_url is not None
    with Ledger(surroundings.database_url) as ledger:
        Shop(ledger).sells(1)
        found = told(report("--no-replay", "--json"))
        assert {name for name, state in states(found).items() if state == "not applicable"} == {
            "completeness", "closings", "checkpoints", "conservation", "adjustments", "waivers", "erasures",
        }  # fmt: skip
        assert found["replay"]["state"] == "not checked"
        assert found["append-only"]["state"] == "does not hold", "these tests take the triggers away"
        assert report("--html", tmp_path / "nowhere" / "r.html", "--no-replay").exit_code == 1
        assert states(told(report("--json")))["replay"] == "not applicable"


def test_bad_input_is_told(audited: Audited, tmp_path: Path) -> None:
    audited.folded()
    (tmp_path / "another.key").write_text(str(ANOTHER_KEY.public))
    refused = report("--no-replay", "--key", tmp_path / "another.key")
    assert (refused.exit_code, type(refused.exception).__name__) == (1, "CheckpointOfAnotherKey")
    wrong = CliRunner().invoke(app, ["audit", "report", "--from", "2024-02-01", "--to", "2024-01-01"])
    assert wrong.exit_code == 2
