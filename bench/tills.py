"""Tills in a process of their own: ready at once, publishing when a line comes in. TOPIC FILE."""

import sys
from pathlib import Path

from cli.demo.complete_journey import Basket
from cli.demo.publish import TUNING, publish
from infra.kafka import producer
from infra.process import quiet_gc
from infra.settings import Settings


def write(baskets: list[Basket], path: Path) -> None:
    """Messages for the tills, made beforehand: making them is not what is measured."""
    with path.open("wb") as file:
        file.writelines(b"%b\t%b\n" % (basket.key, basket.value) for basket in baskets)


def main(topic: str, path: Path) -> None:
    """Publish all messages, every acknowledgement waited for."""
    parted = [line.partition(b"\t") for line in path.read_bytes().splitlines()]
    baskets = [Basket("", "", key, value) for key, _, value in parted]
    with producer(Settings(), **TUNING) as sender:
        sender.partitions_for(topic)
        quiet_gc()
        print("ready", flush=True)
        sys.stdin.readline()
        publish(
            baskets,
            producer=sender,
            topic=topic,
            total=len(baskets),
            claimed=lambda _: set(),
            progress=lambda _, __: None,
        )
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
