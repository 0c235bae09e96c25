"""Settings: read from the environment, frozen, each with its description."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from infra.settings import Settings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", "postgresql://db/loyalty")
    monkeypatch.setenv("LOYALTY_KAFKA_SASL_PASSWORD", "secret")
    monkeypatch.setenv("LOYALTY_QUERY_PORT", "9002")
    settings = Settings()
    assert settings.database_url == "postgresql://db/loyalty"
    assert settings.query_port == 9002
    assert "secret" not in repr(settings)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().host = "0.0.0.0"  # type: ignore[misc]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("command_port", "0"),
        ("partitions", "0"),
        ("kafka_security_protocol", "TLS"),
        ("postgres_shared_buffers", "all"),
    ],
)
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LOYALTY_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_the_read_models_live_with_the_facts_unless_told_otherwise() -> None:
    assert Settings(database_url="postgresql://a").read_url == "postgresql://a"
    assert Settings(database_url="postgresql://a", read_database_url="postgresql://b").read_url == "postgresql://b"


def test_keys_live_in_the_data_directory_unless_told_otherwise(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).keys_path == tmp_path / "keys.json"
    assert Settings(data_dir=tmp_path, key_file=Path("/keys")).keys_path == Path("/keys")


def test_a_child_process_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = Settings(
        database_url="postgresql://a",
        kafka_sasl_password=SecretStr("secret"),
        key_file=tmp_path / "keys",
        data_dir=tmp_path,
        partitions=3,
        cache_dir=tmp_path,
    )
    for name, value in given.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == given
