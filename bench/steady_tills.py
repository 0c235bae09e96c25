"""Tills in a process of their own that publish at a steady pace, each message by itself: TOPIC FILE A_SECOND."""

import sys
import time
from contextlib import closing
from pathlib import Path

from infra.kafka import producer
from infra.process import quiet_gc
from infra.settings import Settings

GATHERED_MS = 5
"""As long a shop gathers what its tills send. Each message by itself took half a core here and a third of one of the broker."""


def main(topic: str, path: Path, a_second: float) -> None:
    """Tell when the first message was due, on the clock that all processes of a machine share; then keep to the pace.

    Who falls behind catches up, and the message counts from when it was due: waiting for us is waiting, too.
    """
    messages = [line.partition(b"\t") for line in path.read_bytes().splitlines()]
    with closing(producer(Settings(), acks="all", linger_ms=GATHERED_MS)) as sender:
        sender.partitions_for(topic)
        quiet_gc()
        started = time.monotonic() + 0.2
        print(started, flush=True)
        futures = []
        for number, (key, _, value) in enumerate(messages):
            early = started + number / a_second - time.monotonic()
            if early > 0:
                time.sleep(early)
            futures.append(sender.send(topic, key=key, value=value))
        for future in futures:
            future.get(timeout=60)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
