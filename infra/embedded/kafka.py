"""Apache Kafka as one broker and controller in one process (KRaft), run as a child process of ours."""

import base64
import signal
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from infra.embedded.jars import class_path
from infra.embedded.java import java
from infra.embedded.service import EmbeddedService, ServiceFailed

# Paths are relative to the broker's directory, because this format knows neither commas nor letters beyond Latin-1.
_PROPERTIES = """\
node.id=1
process.roles=broker,controller
listeners=CLIENTS://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{clients}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs=data
# topics are made on purpose, with the right number of partitions
auto.create.topics.enable=false
# one broker: there is nobody to copy to, and no other member to wait for
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# a killed broker is let in again only when the session of its former life has ended
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
# of a heap of 512 MB the cleaner would take 128
log.cleaner.dedupe.buffer.size=16777216
"""

# A broker beside six other processes on a few cores: the optimizing compiler would take more than it gives for minutes.
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dlog4j2.configurationFile=log4j2.properties")

_LOGGING = """\
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
"""


class EmbeddedKafka(EmbeddedService):
    """A broker for loopback only."""

    name: ClassVar[str] = "kafka"
    port_count: ClassVar[int] = 2
    stop_signals: ClassVar[Sequence[tuple[signal.Signals, float]]] = ((signal.SIGTERM, 30),)

    def __init__(self, directory: Path, *, cache: Path, heap_megabytes: int = 512) -> None:
        super().__init__(directory)
        self._cache = cache.resolve()
        self._heap = heap_megabytes
        self._formatted = self.directory / "formatted"
        self._jvm: tuple[str, ...] = ()

    @property
    def bootstrap_servers(self) -> str:
        """Where clients begin."""
        return f"127.0.0.1:{self.ports[0]}"

    def _prepare(self) -> None:
        self._jvm = (str(java()), f"-Xmx{self._heap}m", *_JVM, "-cp", class_path(self._cache))
        (self.directory / "log4j2.properties").write_text(_LOGGING)
        if not self._formatted.exists():
            self._format()

    def _format(self) -> None:
        """The cluster's id is kept before and the mark set after, so that an interrupted formatting is finished."""
        cluster = self.directory / "cluster"
        if not cluster.exists():
            cluster.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        self._configure(clients=9092, controller=9093)
        tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted", f"--cluster-id={cluster.read_text()}")
        command = (*self._jvm, *tool, "-c", "server.properties")
        done = subprocess.run(command, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise ServiceFailed(f"Kafka's storage could not be made:\n{done.stderr.decode(errors='replace')}")
        self._formatted.touch()

    def _configure(self, *, clients: int, controller: int) -> None:
        text = _PROPERTIES.format(clients=clients, controller=controller)
        (self.directory / "server.properties").write_text(text)

    def _command(self) -> Sequence[str]:
        clients, controller = self.ports
        self._configure(clients=clients, controller=controller)
        return (*self._jvm, "kafka.Kafka", "server.properties")

    def _ready(self) -> bool:
        try:
            client = KafkaAdminClient(bootstrap_servers=[self.bootstrap_servers], bootstrap_timeout_ms=1_000)
        except KafkaError:
            return False
        try:
            return any(not broker["is_fenced"] for broker in client.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            client.close()
