"""The services that nobody gave us, started side by side."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Self

from infra.embedded.kafka import EmbeddedKafka
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.service import EmbeddedService
from infra.settings import Settings


class EmbeddedServices:
    """PostgreSQL and Kafka, each only where the settings name none."""

    def __init__(self, settings: Settings) -> None:
        home = settings.data_dir
        self._settings = settings
        self.postgres = (
            EmbeddedPostgres(home / "postgres", shared_buffers=settings.postgres_shared_buffers)
            if settings.database_url is None
            else None
        )
        self.kafka = (
            EmbeddedKafka(home / "kafka", cache=settings.cache_dir)
            if settings.kafka_bootstrap_servers is None
            else None
        )

    @property
    def ours(self) -> Sequence[EmbeddedService]:
        """Those that we run."""
        return [service for service in (self.postgres, self.kafka) if service is not None]

    @property
    def settings(self) -> Settings:
        """The settings as everybody else is to see them."""
        return self.fill(self._settings)

    def fill(self, settings: Settings) -> Settings:
        """Settings with the addresses of the services that we run."""
        found: dict[str, str] = {}
        if self.postgres is not None:
            found["database_url"] = self.postgres.application_url
            found["owner_database_url"] = self.postgres.url
        if self.kafka is not None:
            found["kafka_bootstrap_servers"] = self.kafka.bootstrap_servers
        return settings.model_copy(update=found)

    def start(self) -> None:
        """Start all of them, or none."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            starts = [pool.submit(service.start) for service in self.ours]
            try:
                wait(starts)
                for start in starts:
                    start.result()
            except BaseException:
                self.stop()
                raise

    def interrupt(self) -> None:
        """Let a start or restart under way, in another thread, come to its end."""
        for service in self.ours:
            service.interrupt()

    def stop(self) -> None:
        """Stop all of them, also while they are starting."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            for stopped in [pool.submit(service.stop) for service in self.ours]:
                stopped.result()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
