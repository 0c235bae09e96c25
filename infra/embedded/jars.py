"""The broker's jars: pinned by hash in `kafka.jars`, downloaded once into the cache, checked whenever they are used."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tenacity import retry, stop_after_attempt, wait_exponential

from infra.file_lock import FileLock

_PINNED = Path(__file__).with_name("kafka.jars")
_HINT = "the network or its proxy may be down; or set LOYALTY_KAFKA_BOOTSTRAP_SERVERS to brokers of your own"


class BrokerJarsUnavailable(RuntimeError):
    """The embedded broker's jars are not in the cache and could not be had."""


@dataclass(frozen=True)
class Jar:
    """One artifact of a Maven repository, and what its bytes must add up to."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file_name(self) -> str:
        """The file's name, here and there."""
        return f"{self.artifact}-{self.version}.jar"

    def matches(self, file: Path) -> bool:
        """Whether these are its bytes, all of them."""
        return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256


def pinned() -> tuple[Jar, ...]:
    """All jars of the broker: a line holds the hash and `group:artifact:version`."""
    lines = (line.split() for line in _PINNED.read_text().splitlines())
    return tuple(Jar(sha256, *coordinate.split(":")) for sha256, coordinate in lines)


def class_path(cache: Path) -> str:
    """The broker's jars in the cache, whole; what is missing or damaged is downloaded (again)."""
    folder = cache / "kafka-jars"
    jars = pinned()
    with FileLock(folder / "lock", wait=True):
        missing = [jar for jar in jars if not jar.matches(folder / jar.file_name)]
        if missing:
            _download(missing, folder)
    return os.pathsep.join(str(folder / jar.file_name) for jar in jars)


def _download(jars: Sequence[Jar], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch, ThreadPoolExecutor(8) as pool:
        for jar, file in zip(jars, pool.map(partial(_fetch, scratch=Path(scratch)), jars), strict=True):
            file.replace(folder / jar.file_name)


def _fetch(jar: Jar, *, scratch: Path) -> Path:
    try:
        return _resolve(jar, scratch)
    except Exception as error:
        raise BrokerJarsUnavailable(f"{jar.file_name} could not be downloaded ({error}): {_HINT}") from error


@retry(stop=stop_after_attempt(4), wait=wait_exponential(multiplier=0.5, max=4), reraise=True)
def _resolve(jar: Jar, scratch: Path) -> Path:
    # imported here because only who runs the broker has it installed
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    # the user's own mirrors hold here as for all of jgo; our own folder, lest a damaged local repository be believed
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    maven = MavenContext(repo_cache=scratch / jar.file_name, remote_repos=repositories, timeout=30)
    file = Path(maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())
    if not jar.matches(file):
        file.unlink()
        raise ValueError("its bytes are not the pinned ones")
    return file
