"""What the user documentation promises, held against the code."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from cli.wiring import open_ledger
from command_api.answers import PurchaseAnswer
from command_api.quotes import QuoteAnswer
from command_api.refusals import STATUS
from consumers.cloud_events import event_of
from domain.document import read_yaml
from domain.fact import MESSAGES, message_id
from domain.lint import RULES, lint_document
from domain.loyalty import Recorded
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from domain.messages.purchases import PurchaseCompleted, purchase_command
from domain.refusals import REFUSALS
from infra import event_store
from infra.database import connect, make_tables
from infra.keys import load_key_file
from infra.settings import Settings
from projections import schema
from tests.builders import ANN, SEALING, join
from tests.domain.story import JOINED_AT
from tests.domain.test_commands_of_personal_data import erase
from tests.ledger import Ledger, execute

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))


RULES_PAGE = (DOCS / "rules.md").read_text()
TESTS = sorted(Path(__file__).parent.rglob("*.py"))
ROOMS = ("domain", "infra", "projections", "command_api", "query_api", "consumers", "cli", "bench", "tests", "docs")
SAID = [
    path
    for room in ROOMS
    for path in sorted((DOCS.parent / room).rglob("*"))
    if path.suffix in {".py", ".md", ".yaml", ".json"} and path != Path(__file__)
]


def blocks(page: str, language: str) -> list[str]:
    """The code of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_stands_in_the_table_for_tills(name: str) -> None:
    kind = REFUSALS[name]
    named = ", ".join(f"`{field.name}`" for field in fields(kind))
    assert f"| `{name}` | {STATUS[kind]} | {kind.__doc__} | {named} |" in (DOCS / "tills.md").read_text()


def test_the_way_to_a_purchase_id_that_tills_are_shown_is_ours() -> None:
    page = (DOCS / "tills.md").read_text()
    assert f'uuid5(UUID("{MESSAGES}"), "/stores/367/tills/4\\0R-1004")' in page
    assert f'"purchase_id": "{message_id("/stores/367/tills/4", "R-1004")}", "state"' in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_another_page_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        place = (page.parent / target) if target else page
        assert place.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", place.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_rule_that_is_cited_is_a_section_of_the_rules() -> None:
    sections = set(re.findall(r"^## (\d+)\. ", RULES_PAGE, re.MULTILINE))
    assert sections == {str(number) for number in range(1, 17)}
    for path in SAID:
        cited = re.findall(r"\brules (\d+(?:(?:, | and | to )\d+)*)", path.read_text(encoding="utf-8"))
        assert {number for one in cited for number in re.findall(r"\d+", one)} <= sections, path


def test_every_test_that_holds_a_rule_exists() -> None:
    written = {name for path in TESTS for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    named = re.findall(r"`(test_\w+)`", RULES_PAGE)
    assert len(named) > RULES_PAGE.count("**Example")
    assert set(named) <= written


def test_every_setting_that_operators_are_shown_exists() -> None:
    shown = {name for page in PAGES for name in re.findall(r"LOYALTY_([A-Z_]+)", page.read_text())}
    assert shown <= {name.upper() for name in Settings.model_fields}


def test_the_quote_that_tills_are_shown_has_every_field() -> None:
    (shown,) = (block for block in blocks("tills.md", "json") if '"quote_id"' in block)
    assert QuoteAnswer.model_validate_json(shown).model_fields_set == QuoteAnswer.model_fields.keys()


def test_the_auditors_checks_of_erasures_find_what_should_not_be(module_database_url: str) -> None:
    with Ledger(module_database_url) as ledger:
        writer, sealed = ledger.writer(), SEALING.seal_first(ANN, {"name": "Ann"})
        for command in (join(at=JOINED_AT, personal=sealed), erase()):
            assert isinstance(execute(writer, command)[0], Recorded)
        (block,) = [block for block in blocks("auditors.md", "sql") if "FROM member_keys" in block]
        checks = [statement for statement in block.split(";") if statement.strip()]
        assert [ledger.rows(statement) for statement in checks] == [[]] * 4
        ledger.rows("UPDATE member_keys SET wrapped = '', destroyed_at = NULL RETURNING 1")
        assert len(ledger.rows(checks[0])) == 1
        ledger.rows("DELETE FROM member_keys RETURNING 1")
        assert len(ledger.rows(checks[3])) == 1


def test_the_message_that_tills_are_shown_is_recorded_and_the_auditors_checks_find_nothing(settings: Settings) -> None:
    card_ids = load_key_file(settings, make=True).card_id
    event = event_of(blocks("tills.md", "json")[0].encode(), [])
    assert isinstance(event, PurchaseCompleted)
    joined = MemberBody.model_validate({"card": event.data.card, "registered_at": "2026-01-15T09:00:00-05:00"})
    with connect(settings.database_url) as database:
        make_tables(database, event_store.TABLES)
        schema.ensure(database)
    with open_ledger(settings) as loyalty:
        commands = [
            join_command(joined, identity=Identity.of("docs", None), card_ids=card_ids, sealing=SEALING),
            purchase_command(
                event.data, source=event.source, external_id=event.id, time=event.time, card_ids=card_ids, answered=True
            ),
        ]
        outcomes = loyalty.execute(commands, recorded_at=datetime(2026, 11, 3, tzinfo=UTC))
    answer = outcomes[1]
    assert isinstance(answer, Recorded)
    told = PurchaseAnswer.model_validate({**answer.answer, "position": answer.position}).model_dump()
    assert told.keys() == json.loads(blocks("tills.md", "json")[1]).keys()
    checks = [statement for statement in blocks("auditors.md", "sql")[1].split(";") if statement.strip()]
    with psycopg.connect(settings.database_url or "") as database:
        for statement in checks[:-1]:
            assert database.execute(statement.encode()).fetchall() == [], statement
        assert len(database.execute(checks[-1].encode()).fetchall()) == 1, "no projector ran, so the read model lags"


def test_authors_are_told_every_rule_of_the_linter_and_no_other() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+) \|$", (DOCS / "programmes.md").read_text(), re.MULTILINE)
    assert told == [(rule.name, rule.level, " ".join(rule.tells.split())) for rule in RULES.values()]


def test_the_programme_that_authors_are_shown_is_a_clean_one() -> None:
    shown = blocks("programmes.md", "yaml")[0]
    assert [one.told("shown") for one in lint_document(read_yaml(shown)) if one.level != "assumption"] == []


def test_the_finding_that_authors_are_shown_is_told() -> None:
    written = DOCS.parent / "tests" / "domain" / "plans" / "member_experience_as_written.yaml"
    findings = lint_document(read_yaml(written.read_text(encoding="utf-8"), file="plan.yaml"))
    assert (
        next(one.told("plan.yaml") for one in findings if one.rule == "tier-gap")
        in (DOCS / "programmes.md").read_text()
    )
