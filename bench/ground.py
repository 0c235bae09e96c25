"""What a measurement stands on: services of its own, members and campaigns, real baskets on the topic."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from bench.watch import Pipeline
from cli.demo import complete_journey
from cli.demo.complete_journey import Basket
from cli.demo.publish import TUNING, publish
from cli.roles import Role, RoleProcess
from cli.wiring import open_ledger
from domain.messages.campaigns import CampaignBody, create_command
from domain.messages.identity import Identity
from domain.messages.members import MemberBody, join_command
from infra.bootstrap import bootstrap
from infra.database import connect
from infra.embedded.services import EmbeddedServices
from infra.kafka import admin, producer
from infra.keys import KeyFile, load_key_file
from infra.personal_data import PersonalData
from infra.settings import Settings
from infra.topics import PURCHASES

AT_ONCE = 500
INTAKE = Role("intake", ("consume", "purchases"))
RELAY = Role("relay", ("relay",))
PROJECTOR = Role("projector", ("project",))
CLOCK = Role("clock", ("clock",))


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Running services, and a prepared database to copy."""

    services: EmbeddedServices
    settings: Settings
    keys: KeyFile

    @contextmanager
    def database(self, *, prepared: bool = True) -> Iterator[Settings]:
        """Settings with a database of one's own: with members and campaigns, or empty."""
        assert self.services.postgres is not None
        name = f"bench_{secrets.token_hex(4)}"
        template = "loyalty" if prepared else "template0"
        with connect(self.services.postgres.url_of("postgres")) as server:
            server.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            try:
                url = self.services.postgres.url_of(name)
                yield self.settings.model_copy(
                    update={"database_url": url, "read_database_url": url, "owner_database_url": None}
                )
            finally:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    @contextmanager
    def roles(self, *wanted: Role, settings: Settings) -> Iterator[list[RoleProcess]]:
        """Real processes, as `loyalty up` starts them; nobody revives them, so one that ends is told."""
        logs = settings.data_dir / "logs"
        names = [f"{role.name}-{number}" for number, role in enumerate(wanted)]
        environment = settings.environment()
        processes = [
            RoleProcess(role, log=logs / f"{name}.log", environment=environment)
            for name, role in zip(names, wanted, strict=True)
        ]
        try:
            for process in processes:
                process.start()
            yield processes
        finally:
            for process in processes:
                _tell_if_dead(process)
                process.stop()

    @contextmanager
    def pipeline(self, *wanted: Role, settings: Settings | None = None, patience: float = 300) -> Iterator[Pipeline]:
        """Roles at work, intake, relay and projector where none are named, once all that is recorded is folded."""
        settings = settings or self.settings
        with (
            self.roles(*wanted or (INTAKE, RELAY, PROJECTOR), settings=settings) as roles,
            connect(settings.database_url) as database,
        ):
            pipeline = Pipeline(database, roles)
            pipeline.wait_for(0, patience=patience)
            yield pipeline

    def publish(self, baskets: Sequence[Basket], topic: str = PURCHASES) -> None:
        """As tills do, and wait for every acknowledgement."""
        with producer(self.settings, **TUNING) as sender:
            publish(
                baskets,
                producer=sender,
                topic=topic,
                total=len(baskets),
                claimed=lambda _: set(),
                progress=lambda _, __: None,
            )

    def make_topic(self) -> str:
        """A topic that nobody reads, with as many partitions as ours."""
        name = f"bench.{uuid4().hex[:8]}"
        with admin(self.settings) as client:
            wanted = {"num_partitions": self.settings.partitions, "replication_factor": 1}
            client.create_topics({name: wanted}, wait_for_metadata=True)
        return name


def _tell_if_dead(process: RoleProcess) -> None:
    if not process.alive():
        print(
            f"{process.name} has ended by itself:", *process.log.read_text().splitlines()[-20:], sep="\n  ", flush=True
        )


@contextmanager
def started() -> Iterator[EmbeddedServices]:
    """Servers in a directory of their own; nothing is left behind."""
    with (
        TemporaryDirectory(prefix="loyalty-bench-") as home,
        EmbeddedServices(Settings(data_dir=Path(home))) as servers,
    ):
        yield servers


@contextmanager
def ground(
    baskets: Sequence[Basket] = (), *, members: bool = True, servers: EmbeddedServices | None = None
) -> Iterator[Ground]:
    """Empty the servers, or start some that end with it, prepare the database, and publish the baskets.

    Without members nobody has joined, and no campaigns are made.
    """
    with nullcontext(servers) if servers else started() as services:
        settings = services.settings.model_copy(update={"read_database_url": services.settings.database_url})
        _empty(services, settings)
        keys = load_key_file(settings, make=True)
        bootstrap(settings)
        if members:
            _prepare(settings, keys)
        here = Ground(services=services, settings=settings, keys=keys)
        if baskets:
            here.publish(baskets)
        yield here


def _empty(services: EmbeddedServices, settings: Settings) -> None:
    """Nothing of the measurement before is left, nor has PostgreSQL to write down anything of it."""
    assert services.postgres is not None, "the servers are ours"
    with connect(services.postgres.url_of("postgres")) as server:
        server.execute("DROP DATABASE loyalty WITH (FORCE)")
        server.execute("CREATE DATABASE loyalty")
        server.execute("CHECKPOINT")
    with admin(settings) as client:
        while left := client.list_topics():
            client.delete_topics(left)


def _prepare(settings: Settings, keys: KeyFile) -> None:
    """The chain's members and campaigns; the connection ends, as a database in use cannot be copied."""
    now, sealing = datetime.now(UTC), PersonalData(settings.database_url, keys)
    joins = [
        join_command(
            MemberBody.model_validate(body), identity=_nobody(), card_ids=keys.card_id, sealing=sealing, answered=False
        )
        for body in complete_journey.members()
    ]
    campaigns = [
        create_command(CampaignBody.model_validate(body), identity=_nobody(), card_ids=keys.card_id, now=now)
        for body in complete_journey.campaigns()
    ]
    with open_ledger(settings) as loyalty:
        for start in range(0, len(joins), AT_ONCE):
            loyalty.execute(joins[start : start + AT_ONCE], recorded_at=now)
        for campaign in campaigns:
            loyalty.execute([campaign], recorded_at=now)
        loyalty.recorder.close()  # type: ignore[attr-defined]  # our recorder's own connection


def _nobody() -> Identity:
    return Identity.of("bench", None)
