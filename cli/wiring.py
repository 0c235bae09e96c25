"""Where everything is wired together: the ledger's writer, topics and tables, and how a role is told to stop."""

import logging
import signal
import threading
from datetime import UTC, datetime

from cli.surroundings import surroundings
from domain.loyalty import CACHED_FACTS, Loyalty
from domain.messages.identity import Identity
from domain.messages.programmes import publish_command, shipped
from domain.programme import SHIPPED
from infra.bootstrap import bootstrap
from infra.settings import Settings

log = logging.getLogger(__name__)


def ready() -> Settings:
    """The settings, once topics and tables are there."""
    settings = surroundings()
    bootstrap(settings)
    return settings


def open_ledger(settings: Settings, *, cached_facts: int = CACHED_FACTS) -> Loyalty:
    """The ledger's writer, with a programme: without any version, the shipped one of that name is published."""
    loyalty = Loyalty(
        {
            "PERSISTENCE_MODULE": "infra.event_store:Factory",
            "FACTS_TOPIC": "domain.fact:FACTS",
            "DATABASE_URL": settings.database_url or "",
        },
        programme=settings.programme,
        cached_facts=cached_facts,
    )
    if not loyalty.programme.versions:
        _publish_shipped(loyalty)
    return loyalty


def _publish_shipped(loyalty: Loyalty) -> None:
    name = loyalty.programme_name
    if not (SHIPPED / f"{name}.yaml").exists():
        log.warning("no version of the programme %s is published yet: `loyalty programme publish FILE`", name)
        return
    now = datetime.now(UTC)
    # Every process that starts on a new ledger does this; the key makes all but the first a repeat.
    identity = Identity.of("loyalty", f"shipped-programme:{name}")
    loyalty.execute([publish_command(shipped(name), identity=identity, now=now)], recorded_at=now)


def asked_to_stop() -> threading.Event:
    """An event that SIGTERM or Ctrl-C sets, so that a role ends between two batches."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
