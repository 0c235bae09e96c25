"""The front door: what each command brings along, and that failures are looked up by names that exist."""

import re
import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from cli.main import COMMANDS, EXPECTED, app

IMPORTED = "import sys; from cli.main import Commands; Commands(name='loyalty').get_command(None, {name!r}); print(*sys.modules)"

GROUPS = {
    "serve": ["command-api", "query-api"],
    "consume": ["purchases"],
    "load": ["members", "campaigns", "purchases", "returns", "closings", "balances"],
    "letters": ["list", "show", "redrive"],
    "audit": [
        "conservation",
        "public-key",
        "checkpoint",
        "checkpoints",
        "verify",
        "prove",
        "check-proof",
        "tail",
        "completeness",
        "report",
    ],
    "explain": ["balance", "expiry", "tier", "fact", "purchase", "discount", "refusal"],
    "keys": ["create", "init"],
    "programme": ["lint", "publish", "list", "diff", "amend", "schema"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_what_it_is_for(name: str) -> None:
    told = CliRunner().invoke(app, [name, "--help"])
    assert told.exit_code == 0, told.output
    assert f" {name} " in told.output.splitlines()[1]


def test_those_of_a_group_are_all_there() -> None:
    for group, names in GROUPS.items():
        told = CliRunner().invoke(app, [group, "--help"]).output
        assert [line.split()[1] for line in told.split("Commands")[1].splitlines() if re.match(r"│ \w", line)] == names


def test_a_command_that_there_is_not_is_refused() -> None:
    assert CliRunner().invoke(app, ["nothing"]).exit_code == 2


@pytest.mark.parametrize(
    ("name", "needless"),
    [
        ("consume", {"fastapi", "uvicorn", "polars", "projections", "jgo"}),
        ("relay", {"fastapi", "uvicorn", "polars", "projections", "jgo"}),
        ("project", {"fastapi", "uvicorn", "polars", "jgo"}),
        ("serve", {"query_api", "command_api", "polars", "jgo"}),
        ("up", {"fastapi", "uvicorn", "polars", "jgo"}),
        ("keys", {"fastapi", "uvicorn", "polars", "projections", "jgo"}),
    ],
)
def test_a_process_does_not_import_what_others_need(name: str, needless: set[str]) -> None:
    program = [sys.executable, "-c", IMPORTED.format(name=name)]
    imported = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert needless & set(imported) == set()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_told_in_a_line_is_the_name_of_a_failure(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), Exception)


def test_a_full_disk_is_told_in_a_line_where_the_output_goes_to_it() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", "programme", "schema"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("OSError: [Errno 28] No space left on device\n")
