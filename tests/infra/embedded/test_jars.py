"""The broker's jars: whole, or fetched again, or an error that says what to do."""

import os
import shutil
from pathlib import Path

import pytest

from infra.embedded import jars as module
from infra.embedded.jars import BrokerJarsUnavailable, Jar, class_path, pinned
from infra.settings import Settings


@pytest.fixture(scope="session")
def whole() -> Path:
    """The user's own cache, filled."""
    cache = Settings().cache_dir
    class_path(cache)
    return cache


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of the cache, to be damaged."""
    shutil.copytree(whole / "kafka-jars", tmp_path / "kafka-jars")
    return tmp_path


def _offline(jar: Jar, _scratch: Path) -> Path:
    raise OSError(f"no route to {jar.file_name}")


def test_the_broker_and_its_own_client_are_of_one_version() -> None:
    kafka = {jar.version for jar in pinned() if jar.group == "org.apache.kafka"}
    assert len(kafka) == 1
    assert {"kafka_2.13", "kafka-clients", "kafka-server"} <= {jar.artifact for jar in pinned()}
    assert len({jar.file_name for jar in pinned()}) == len(pinned())


def test_a_whole_cache_is_used_without_the_network(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_resolve", _offline)
    files = [Path(file) for file in class_path(whole).split(os.pathsep)]
    assert len(files) == len(pinned())
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_jar_is_found_and_replaced(copy: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    asked: list[Jar] = []
    resolve = module._resolve

    def counted(jar: Jar, scratch: Path) -> Path:
        asked.append(jar)
        return resolve(jar, scratch)

    monkeypatch.setattr(module, "_resolve", counted)
    jar = next(jar for jar in pinned() if jar.artifact == "slf4j-api")
    file = copy / "kafka-jars" / jar.file_name
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-100])
        case "changed":
            file.write_bytes(file.read_bytes()[:-1] + b"!")
        case "gone":
            file.unlink()
    class_path(copy)
    assert asked == [jar]
    assert jar.matches(file)
    assert not [left for left in (copy / "kafka-jars").iterdir() if left.is_dir()]


def test_without_the_network_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_resolve", _offline)
    with pytest.raises(BrokerJarsUnavailable, match=r"no route to .*LOYALTY_KAFKA_BOOTSTRAP_SERVERS"):
        class_path(tmp_path)


def test_other_bytes_than_the_pinned_ones_are_never_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = next(jar for jar in pinned() if jar.artifact == "slf4j-api")
    forged = Jar("0" * 64, jar.group, jar.artifact, jar.version)
    monkeypatch.setattr(module, "pinned", lambda: (forged,))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(BrokerJarsUnavailable, match="not the pinned ones"):
        class_path(tmp_path)
    assert not (tmp_path / "kafka-jars" / jar.file_name).exists()
