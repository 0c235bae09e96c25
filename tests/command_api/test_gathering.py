"""Group commit: what the writer of the door does while nobody asks anything."""

import asyncio
import threading
from contextlib import suppress

import pytest

from command_api import gathering
from command_api.gathering import Gathering
from domain.points_account import PointsAccount, account_id
from tests.builders import ANN, BOB, join
from tests.domain.story import JOINED_AT
from tests.ledger import Ledger, execute


def test_an_idle_door_keeps_up_with_what_others_write(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "IDLE_SECONDS", 0.05)
    with Ledger(database_url) as ledger:
        writer = ledger.writer()
        execute(writer, join(ANN, at=JOINED_AT))
        door = Gathering(writer, most_waiting=1)

        async def idle() -> None:
            running = asyncio.create_task(door.run())
            execute(ledger.writer(), join(BOB, at=JOINED_AT, card="1002"))
            follow, followed = writer.follow, threading.Event()

            def follow_and_tell() -> None:
                follow()
                followed.set()

            monkeypatch.setattr(writer, "follow", follow_and_tell)
            await asyncio.to_thread(followed.wait, 20)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

        asyncio.run(asyncio.wait_for(idle(), 30))
        door.close()
        assert writer._position == len(ledger.log())
        assert [one.member_id for one in writer.present(PointsAccount, [account_id(BOB)], at=JOINED_AT)] == [BOB]
