"""README's five minutes, word by word, against a ledger that was started as README says."""

import re
import subprocess
from pathlib import Path

from tests.journeys.ledger import running

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    """The shell blocks after the heading of the five minutes."""
    text = README.read_text(encoding="utf-8").split("## Five minutes", 1)[1].split("## Running it for real", 1)[0]
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def test_five_minutes_as_a_till_an_analyst_and_an_auditor(tmp_path: Path) -> None:
    with running(tmp_path, clock=True) as ledger:
        script = "set -euo pipefail\n" + "\n".join(blocks())
        script = script.replace("localhost:8001", ledger.run["command_url"].removeprefix("http://"))
        script = script.replace("localhost:8002", ledger.run["query_url"].removeprefix("http://"))
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=ledger.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"available":11' in done.stdout, "the till reads the balance that its purchase made"
        assert '"targeted":1' in done.stdout, "the analyst reads the campaign's figures"
        assert "caught up" in done.stdout, "the auditor sees how far everything has come"
        assert "conservation holds" in done.stdout, "and that no point was lost, doubled or invented"
        assert re.search(r"all \d+ statements that were checked hold", done.stdout), (
            "and all that is stated of the ledger"
        )
        assert '"purchase_id"' in done.stdout.splitlines()[-1], "and the fact itself on the topic"
