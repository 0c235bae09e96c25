"""A log of 50,000 random operations, written in big batches on a real database, and replayed from nothing into another."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice

import pytest
from psycopg import sql

from domain.command import Command
from domain.lots import Buckets
from domain.loyalty import Loyalty
from domain.points_account import PointsAccount, account_id
from infra import event_store
from infra.database import connect, make_tables
from infra.settings import Settings
from projections.proofs.conservation import Conservation, prove
from projections.proofs.slices import add
from tests.builders import FAR_AHEAD, LONG_AGO, publish
from tests.ledger import NOW, Ledger, all_recorded, execute
from tests.projections import histories
from tests.projections.histories import RULES, History
from tests.read_spec import ReadSide

OPERATIONS = 50_000
STORIES = 250
AT_ONCE = 2_500
PAGE = 6_000

_PAGE = "SELECT name, subject, state FROM facts WHERE position > %s AND position <= %s ORDER BY position"


class Plan:
    """Stands in for a log: what is asked of it is written down, to be carried out later."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.batch = self
        self.recorded_at = FAR_AHEAD
        self.refusal = None

    def when(self, command: Command) -> "Plan":
        self.commands.append(replace(command, answered=False))
        return self


def operations(patch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Of many pairs of members, in turns."""
    plan = Plan()
    patch.setattr(histories, "given_log", lambda *_: plan)
    stories = [History(f"long{number}", RULES["pending"], late=number % 2 == 0) for number in range(STORIES)]
    while True:
        yield from plan.commands
        plan.commands.clear()
        for story in stories:
            story.goes_on(1)


class Side:
    """A read model that follows a log of its own database."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(database_url=url)
        self.read_side = ReadSide(url)
        self.log = connect(url)

    def follow(self) -> None:
        """What was recorded since is told and folded, page by page."""
        teller = self.read_side.teller
        while page := self.log.execute(_PAGE, (teller.position, teller.position + PAGE)).fetchall():
            self.read_side.models.take_in(teller.tell_stored(page))

    def digests(self) -> dict[str, str]:
        """Of each table of the read models, whatever the order of its rows."""
        found = {}
        for schema, table in self.read_side.connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables JOIN projections_live ON schema_name = table_schema"
        ).fetchall():
            place = sql.Identifier(schema, table)
            digest = sql.SQL("SELECT md5(string_agg(kept::text, ';' ORDER BY kept::text)) FROM {} AS kept").format(
                place
            )
            ((found[f"{schema}.{table}"],),) = self.read_side.connection.execute(digest).fetchall()
        return found

    def prove(self) -> Conservation:
        return prove(self.settings, as_of=FAR_AHEAD)

    def close(self) -> None:
        self.log.close()
        self.read_side.close()


def test_50_000_random_operations_add_up_and_a_replay_from_nothing_gives_the_same(
    database_url: str, module_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(database_url) as ledger, closing(Side(database_url)) as side:
        ledger.database.execute("TRUNCATE facts")
        writer = ledger.writer()
        assert all_recorded(execute(writer, publish(RULES["pending"], at=NOW)))
        asked, done = operations(monkeypatch), Counter[str]()
        while done.total() < OPERATIONS:
            outcomes = writer.execute(list(islice(asked, AT_ONCE)), recorded_at=FAR_AHEAD)
            done.update(type(outcome).__name__ for outcome in outcomes)
            side.follow()
        assert done.keys() == {"Recorded", "Refused", "Repeated"}, done
        proof = side.prove()
        assert (proof.first_difference, proof.holds) == (None, True)
        assert proof.log == proof.read_model == _as_decided(writer, side)
        with closing(_copied(ledger, module_database_url)) as again:
            again.follow()
            assert again.prove() == proof
            assert again.digests() == side.digests()


def _as_decided(writer: Loyalty, side: Side) -> Buckets:
    """What the write side's own accounts say."""
    members = [member for (member,) in side.read_side.rows("balances", "accounts")]
    sums = Buckets()
    for account in writer.present(PointsAccount, [account_id(member) for member in members], at=LONG_AGO):
        add(sums, account.buckets(FAR_AHEAD))
    return sums


def _copied(ledger: Ledger, url: str) -> Side:
    """The same log in another database, where nothing was folded yet."""
    side = Side(url)
    make_tables(side.read_side.connection, event_store.TABLES)
    with (
        ledger.database.cursor() as source,
        side.read_side.connection.cursor() as target,
        source.copy("COPY facts TO STDOUT (FORMAT BINARY)") as out,
        target.copy("COPY facts FROM STDIN (FORMAT BINARY)") as into,
    ):
        for block in out:
            into.write(block)
    return side
