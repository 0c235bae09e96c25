"""Where a command finds what runs. It imports little else, so that what only asks starts the sooner."""

from cli.data_dir import DataDir
from infra.settings import Settings


class NothingRuns(RuntimeError):
    """No addresses are set, and nothing runs in the data directory."""


def surroundings() -> Settings:
    """The settings; addresses that are not set are those of what runs in the data directory."""
    settings = Settings()
    if settings.database_url and settings.kafka_bootstrap_servers:
        return settings
    run = DataDir(settings.data_dir).read_run()
    if run is None:
        raise NothingRuns(
            f"nothing runs in {settings.data_dir.absolute()}: start it with `loyalty up`, choose another directory with "
            "LOYALTY_DATA_DIR, or set LOYALTY_DATABASE_URL and LOYALTY_KAFKA_BOOTSTRAP_SERVERS"
        )
    found = {"database_url": run.database_url, "kafka_bootstrap_servers": run.kafka_bootstrap_servers}
    given = settings.model_dump(include=set(found), exclude_none=True)
    return settings.model_copy(update={**found, **given})
