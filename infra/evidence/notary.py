"""The notary: signs a checkpoint of the log every so many facts or seconds, beside whatever else its process does.

Writers know nothing of it. It reads facts once, when they are new: what is changed afterwards does not get into a checkpoint,
but shows against those that were signed before.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import Connection

from infra.database import CHECKPOINTS_LOCK, connect
from infra.evidence.files import CheckpointFile
from infra.evidence.notes import Signer
from infra.evidence.tree import Kept, LogBroken, Tree
from infra.merkle import Frontier
from infra.settings import Settings

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0


class Notary:
    """One works at a time; others that run take over when it ends."""

    def __init__(self, settings: Settings, signer: Signer) -> None:
        self._settings = settings
        self._signer = signer
        self._every = settings.checkpoint_facts
        self._at_latest = timedelta(seconds=settings.checkpoint_seconds)
        self._file = CheckpointFile(settings.checkpoints_path)
        self._tree = Frontier()
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """At work beside whatever else this process does; nothing waits for it, and it brings nothing down."""
        thread = threading.Thread(target=self._run, name="notary", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self._settings.database_url) as database:
                    self._follow(database)
            except LogBroken as error:
                log.error("no checkpoint is signed: %s", error)  # noqa: TRY400 - it is told whole
            except (psycopg.Error, OSError) as error:
                log.warning("no checkpoint was written: %s", error)
            self._stop.wait(LOOK_EVERY_SECONDS)

    def _follow(self, database: Connection) -> None:
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            with _alone(database, wait=False) as alone:
                if alone:
                    self.look(database, datetime.now(UTC))

    def sign_now(self, database: Connection) -> int:
        """Sign what there is, as soon as no other notary works; answers how many checkpoints that took."""
        with _alone(database, wait=True):
            return self.look(database, datetime.now(UTC), at_once=True)

    def look(self, database: Connection, now: datetime, *, at_once: bool = False) -> int:
        """Sign what is due: checkpoints of so many facts each, and the rest once its time has come."""
        kept, written = Tree(database), 0
        self._file.follow(kept)  # which first of all tells whether the database holds what was published
        row = database.execute("SELECT coalesce(max(position), 0) FROM facts").fetchone()
        assert row is not None, "an aggregate always has a row"
        last = kept.last()
        size, due_at = (last.size, last.at + self._at_latest) if last else (0, now)
        end = row[0] if at_once or now >= due_at else max(size, row[0] - row[0] % self._every)
        while size < end and not self._stop.is_set():
            size = min(end, (size // self._every + 1) * self._every)
            self._sign(database, kept, last, size)
            last, written = kept.latest(), written + 1
        self._file.follow(kept)
        return written

    def _sign(self, database: Connection, kept: Tree, last: Kept | None, size: int) -> None:
        with database.transaction():
            tree = self._grown(kept, last)
            kept.grow(tree, size)
            at = datetime.now(UTC)
            note = self._signer.signed(size=size, root=tree.root(), at=at)
            database.execute("INSERT INTO checkpoints VALUES (%s, %s, %s)", (size, at, note))
        self._tree = tree

    def _grown(self, kept: Tree, last: Kept | None) -> Frontier:
        """The tree up to the last checkpoint: ours, or as it is kept, if that is what was signed."""
        if last is None:
            return Frontier()
        if self._tree.size == last.size:
            return self._tree.copy()
        tree = kept.frontier(last.size)
        if tree.root() != self._signer.public.opened(last.note).root:
            raise LogBroken(
                f"the kept hashes do not give the root that was signed over {last.size} facts: see `loyalty audit verify`"
            )
        return tree


@contextmanager
def _alone(database: Connection, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of the notaries, if nobody does or once nobody does any more."""
    take = "SELECT pg_advisory_lock(%s), true" if wait else "SELECT NULL, pg_try_advisory_lock(%s)"
    row = database.execute(take, (CHECKPOINTS_LOCK,)).fetchone()
    alone = bool(row and row[1])
    try:
        yield alone
    finally:
        if alone and not database.closed:
            database.execute("SELECT pg_advisory_unlock(%s)", (CHECKPOINTS_LOCK,))
