"""The promises of the house, held: walls between the rooms, names that never change, and what must be told somewhere."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import command_api.app  # noqa: F401 - so that every fact is registered
from command_api.refusals import STATUS
from domain.fact import FACTS
from domain.refusals import REFUSALS
from infra.settings import Settings
from infra.stored_facts import FactMapper, StoredFact

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
ROOMS = ("domain", "infra", "projections", "command_api", "query_api", "consumers", "cli")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
FILES = sorted([*SOURCES, *(ROOT / "tests").rglob("*.py")])


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def sources(*rooms: str) -> list[Path]:
    return [path for path in SOURCES if name_of(path).startswith(rooms)]


def test_imports_run_down_only() -> None:
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    checked = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


class TestFacts:
    @pytest.mark.parametrize("name", FACTS)
    def test_the_bytes_of_every_fact_ever_written_are_read_and_written_as_they_were(self, name: str) -> None:
        """A golden file is never changed: a new shape is a new version, with a file of its own."""
        golden = (GOLDEN / f"{name}.json").read_bytes()
        kind, mapper = FACTS[name], FactMapper(FACTS)
        stored = mapper.to_stored_event(kind.model_validate_json(golden))
        assert (stored.topic, stored.state) == (name, golden)
        again = mapper.to_domain_event(
            StoredFact(
                stored.originator_id, stored.originator_version, name, golden, stored.subject, stored.recorded_at
            )
        )
        assert type(again) is kind

    def test_every_golden_file_has_a_fact_that_reads_it(self) -> None:
        assert {path.stem for path in GOLDEN.glob("*.json")} == set(FACTS)

    @pytest.mark.parametrize("name", FACTS)
    def test_a_golden_file_leaves_no_field_out(self, name: str) -> None:
        golden = FACTS[name].model_validate_json((GOLDEN / f"{name}.json").read_bytes())
        empty = {field for field in FACTS[name].model_fields if getattr(golden, field) is None}
        assert empty <= {"programme_version"}

    @pytest.mark.parametrize("name", FACTS)
    def test_a_fact_is_named_after_its_class_told_in_a_sentence_and_never_changed(self, name: str) -> None:
        kind = FACTS[name]
        assert re.fullmatch(rf"{kind.__name__}\.v\d+", name)
        assert kind.model_config["frozen"]
        assert kind.__doc__
        assert re.fullmatch(r"[A-Z].+\.", kind.__doc__.strip(), re.DOTALL)


class TestWhatMustBeTold:
    def test_every_refusal_has_a_status(self) -> None:
        assert {kind.name for kind in STATUS} == set(REFUSALS)
        assert all(400 <= status < 500 for status in STATUS.values())

    @pytest.mark.parametrize("name", REFUSALS)
    def test_every_refusal_tells_what_is_the_matter(self, name: str) -> None:
        assert REFUSALS[name].__doc__
        assert REFUSALS[name].__doc__ != f"{REFUSALS[name].__name__}()"

    def test_every_setting_stands_in_the_readme_and_no_other(self) -> None:
        told = re.findall(r"^\| `(LOYALTY_[A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
        assert sorted(told) == sorted(f"LOYALTY_{name.upper()}" for name in Settings.model_fields)

    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_a_setting_is_described_as_the_readme_describes_it(self, name: str) -> None:
        row = next(
            line
            for line in (ROOT / "README.md").read_text().splitlines()
            if line.startswith(f"| `LOYALTY_{name.upper()}` |")
        )
        assert row.endswith(f"| {Settings.model_fields[name].description} |")


class TestSources:
    @pytest.mark.parametrize("path", FILES, ids=name_of)
    def test_a_file_stays_small_and_opens_with_a_line_that_says_what_is_kept_there(self, path: Path) -> None:
        text = path.read_text()
        assert text.count("\n") <= 350
        docstring = ast.get_docstring(ast.parse(text), clean=False)
        assert docstring
        assert docstring.splitlines()[0].endswith((".", ":"))

    @pytest.mark.parametrize("path", sources("domain", "projections"), ids=name_of)
    def test_no_float_touches_money_or_points(self, path: Path) -> None:
        tree = ast.parse(path.read_text())
        found = [
            ast.unparse(node)
            for node in ast.walk(tree)
            if (isinstance(node, ast.Name) and node.id == "float")
            or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        ]
        assert found == []

    @pytest.mark.parametrize("path", sources("domain"), ids=name_of)
    def test_the_rules_look_at_no_clock_and_throw_no_dice(self, path: Path) -> None:
        """The caller brings the time and the identity; ids that nobody chose are made at the doors."""
        called = {
            ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        }
        clocks = {
            "datetime.now",
            "datetime.utcnow",
            "datetime.today",
            "date.today",
            "time.time",
            "time.monotonic",
            "time.time_ns",
        }
        dice = set() if path.parent.name == "messages" else {"uuid4", "random.random", "secrets.token_hex"}
        assert called & (clocks | dice) == set()

    @pytest.mark.parametrize("path", SOURCES, ids=name_of)
    def test_an_error_is_never_swallowed(self, path: Path) -> None:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None
                broad = ast.unparse(node.type) in {"Exception", "BaseException"}
                assert not (broad and all(isinstance(step, ast.Pass | ast.Continue) for step in node.body))

    @pytest.mark.parametrize("path", FILES, ids=name_of)
    def test_nothing_is_left_for_later_and_no_test_is_skipped(self, path: Path) -> None:
        if path == Path(__file__):
            return
        assert (
            re.findall(
                r"TODO|FIXME|NotImplementedError|pytest\.skip|mark\.skip|mark\.xfail|importorskip", path.read_text()
            )
            == []
        )
