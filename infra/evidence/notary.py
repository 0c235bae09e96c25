"""The notary: signs a checkpoint of the log every so many facts or seconds, beside whatever else its process does.

Writers know nothing of it. It reads facts once, when they are new: what is changed afterwards does not get into a checkpoint,
but shows against those that were signed before.
"""

import logging
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import Connection

from infra.beside import Beside
from infra.database import CHECKPOINTS_LOCK, alone, connect
from infra.evidence.files import CheckpointFile
from infra.evidence.notes import Signer
from infra.evidence.tree import Kept, LogBroken, Tree
from infra.log_tables import last_position
from infra.merkle import Frontier
from infra.settings import Settings

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0


class Notary(Beside):
    """One works at a time; others that run take over when it ends."""

    name = "notary"

    def __init__(self, settings: Settings, signer: Signer) -> None:
        super().__init__()
        self._settings = settings
        self._signer = signer
        self._every = settings.checkpoint_facts
        self._at_latest = timedelta(seconds=settings.checkpoint_seconds)
        self._file = CheckpointFile(settings.checkpoints_path)
        self._tree = Frontier()

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
            with alone(database, CHECKPOINTS_LOCK, wait=False) as held:
                if held:
                    self.look(database, datetime.now(UTC))

    def sign_now(self, database: Connection) -> int:
        """Sign what there is, as soon as no other notary works; answers how many checkpoints that took."""
        with alone(database, CHECKPOINTS_LOCK, wait=True):
            return self.look(database, datetime.now(UTC), at_once=True)

    def look(self, database: Connection, now: datetime, *, at_once: bool = False) -> int:
        """Sign what is due: checkpoints of so many facts each, and the rest once its time has come."""
        kept, written = Tree(database), 0
        self._file.follow(kept)  # which first of all tells whether the database holds what was published
        there_are, last = last_position(database), kept.last()
        size, due_at = (last.size, last.at + self._at_latest) if last else (0, now)
        end = there_are if at_once or now >= due_at else max(size, there_are - there_are % self._every)
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
