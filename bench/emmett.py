"""The same purchases in Emmett, an event store of another language, where Node is there to run it."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cli.demo.complete_journey import Basket
from infra.settings import Settings

HOME = Path(__file__).parent / "emmett"
ONE_EACH, AT_ONCE = "one-each", "at-once"


def ready() -> bool:
    """Install what package-lock.json pins, for the benchmark alone; say so where that cannot be done."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("  without Emmett: there is no node, or no npm, on the PATH", flush=True)
        return False
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    told = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=300, check=False)
    if told.returncode:
        print("  without Emmett: npm could not install it:", *told.stderr.splitlines()[-5:], sep="\n    ", flush=True)
    return not told.returncode


def pace(settings: Settings, baskets: Sequence[Basket], *, mode: str) -> float:
    """Purchases a second, the messages read in the same time."""
    file = settings.data_dir / "emmett.ndjson"
    file.write_bytes(b"\n".join(basket.value for basket in baskets))
    command = ["node", "intake.js", settings.database_url or "", str(file.absolute()), mode]
    told = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stderr
    return len(baskets) / float(told.stdout)
