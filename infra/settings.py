"""Every setting of a process, read from `LOYALTY_` environment variables."""

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a process is told about its surroundings; roles never learn whether a service is embedded."""

    model_config = SettingsConfigDict(env_prefix="LOYALTY_", env_ignore_empty=True, frozen=True, extra="ignore")

    database_url: str | None = Field(
        None, description="PostgreSQL holding the facts; without it an embedded server is started"
    )
    owner_database_url: str | None = Field(
        None,
        description="The same database as the owner of the log's tables, whom roles at work never are; only used to make tables. Default: the same as `LOYALTY_DATABASE_URL`",
    )
    read_database_url: str | None = Field(
        None, description="PostgreSQL holding the read models, if another; default: the same as `LOYALTY_DATABASE_URL`"
    )
    kafka_bootstrap_servers: str | None = Field(
        None, description="Kafka brokers as `host:port`, comma separated; without them an embedded broker is started"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are spoken to: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="How we log in to brokers: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`"
    )
    kafka_sasl_username: str | None = Field(None, description="The user name for brokers")
    kafka_sasl_password: SecretStr | None = Field(None, description="The password for brokers")
    kafka_ssl_cafile: Path | None = Field(
        None, description="PEM file of the authorities that brokers are trusted by; default: the system's"
    )
    kafka_ssl_certfile: Path | None = Field(None, description="PEM file of our own certificate, for mutual TLS")
    kafka_ssl_keyfile: Path | None = Field(None, description="PEM file of our own private key, for mutual TLS")
    data_dir: Path = Field(
        Path(".loyalty"), description="Embedded services, logs, `run.json` and, by default, the keys live here"
    )
    cache_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("loyalty-ledger"),
        description="Downloads (the embedded broker's jars); default: `loyalty-ledger` in the user's cache folder",
    )
    host: str = Field("127.0.0.1", description="The address both APIs listen on")
    command_port: int = Field(
        8001, ge=1, le=65535, description="The Command API's port; a free one is taken if it is in use and was not set"
    )
    query_port: int = Field(
        8002, ge=1, le=65535, description="The Query API's port; a free one is taken if it is in use and was not set"
    )
    command_queue: PositiveInt = Field(
        5_000,
        description="Commands, and as many questions, that may wait in the Command API while others are under way; what is more is sent away with `too-busy`",
    )
    programme: str = Field("corner_shop", description="The programme whose policy is in force")
    key_file: Path | None = Field(
        None,
        description="The keys that hide card numbers, letters and personal data, mode 0600; default: `keys.json` in the data directory",
    )
    partitions: PositiveInt = Field(12, description="Partitions of each topic; fixed once the topics exist")
    replication_factor: PositiveInt = Field(1, description="Replicas of each topic, when we make it")
    postgres_shared_buffers: str = Field(
        "1GB", pattern=r"^\d+(kB|MB|GB)$", description="Memory of the embedded PostgreSQL for its pages"
    )

    checkpoint_facts: PositiveInt = Field(
        10_000,
        description="A checkpoint of the log is signed every so many facts: a change is found between two of them",
    )
    checkpoint_seconds: PositiveInt = Field(
        60, description="New facts wait at most so many seconds for their checkpoint"
    )

    def environment(self) -> dict[str, str]:
        """The same settings for a child process, which is no owner of the log; paths are made absolute."""
        stated = {name: getattr(self, name) for name in type(self).model_fields} | {"owner_database_url": ""}
        return {f"LOYALTY_{name.upper()}": _plain(value) for name, value in stated.items() if value is not None}

    @property
    def read_url(self) -> str | None:
        """The read models' database: one of their own, or the one that holds the facts."""
        return self.read_database_url or self.database_url

    @property
    def keys_path(self) -> Path:
        """Where the keys are kept."""
        return self.key_file or self.data_dir / "keys.json"

    @property
    def checkpoints_path(self) -> Path:
        """Where the clock writes checkpoints, besides the database and Kafka."""
        return self.data_dir / "checkpoints"


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value.absolute() if isinstance(value, Path) else value)
