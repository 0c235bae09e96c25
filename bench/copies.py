"""A large ledger, made quickly: what the roles wrote of some members is written once more, as of others.

Every id is turned into another one, everywhere alike: in the facts, and in the rows that the roles made of them. So a
copy is a town that nobody can tell from one that bought. Nobody of a copy can buy more, as their cards have no number.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from psycopg import Connection, sql
from psycopg.sql import Composable, Identifier

from infra.database import connect
from infra.settings import Settings

_ID = re.compile(rb"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_RANDOM_BITS = (1 << 128) - 1 - (0xF << 76) - (0xC << 60)
"""All bits of an id but those that say how it was made."""
_OF_MEMBERS = """
SELECT table_schema, table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = ANY(SELECT schema_name FROM projections_live) AND column_name = 'member_id' AND table_type = 'BASE TABLE'
"""
_TOLD = """
UPDATE relay_state SET position = %(last)s, prevs = array_fill(%(last)s::bigint, ARRAY[cardinality(prevs)])
WHERE name = 'facts'
"""
_FOLDED = "UPDATE projection_offsets SET last_position = %(last)s"
_NOTED = "UPDATE clock_state SET position = %(last)s WHERE name = 'agenda'"


class Rows(NamedTuple):
    """What a table holds of the originals: text between ids and the ids, by turns, as COPY tells them."""

    table: Composable
    pieces: list[bytes]

    def renamed(self, others: dict[bytes, bytes]) -> bytes:
        """The same rows with other ids."""
        return b"".join(others.get(piece, piece) for piece in self.pieces)


def copy(settings: Settings, *, after: int, times: int) -> None:
    """Write all members once more, whose facts stand after a position and are told and folded; no role is at work."""
    with connect(settings.database_url) as database:
        database.execute("SET bytea_output = 'escape'")  # a state in clear text, so that ids can be found in it
        database.execute("SET synchronous_commit = off")
        facts, rows = _facts(database, after), list(_read_models(database, after))
        last = int(facts[-1][0].split(b"\t")[0])
        ids = set(chain.from_iterable(fact[1::2] for fact in facts))
        ids.update(*(one.pieces[1::2] for one in rows))
        for number in range(1, times + 1):
            others = _others(ids)
            moved = number * (last - after)
            _write(database, Identifier("facts"), (_fact(fact, moved, others) for fact in facts))
            for one in rows:
                _write(database, one.table, [one.renamed(others)])
        for statement in (_TOLD, _FOLDED, _NOTED):
            database.execute(statement, {"last": last + times * (last - after)})


def settle(settings: Settings) -> None:
    """What a ledger of this size has had done to it long ago; nobody but the owner may."""
    with connect(settings.owner_database_url or settings.database_url) as database:
        database.execute("VACUUM (ANALYZE)")
        database.execute("CHECKPOINT")


def _facts(database: Connection, after: int) -> list[list[bytes]]:
    wanted = sql.SQL("SELECT * FROM facts WHERE position > {} ORDER BY position").format(after)
    return [_ID.split(line) for line in _read(database, wanted).splitlines(keepends=True)]


def _read_models(database: Connection, after: int) -> Iterator[Rows]:
    """Every table that has rows of these members, and the clock's agenda."""
    tables: list[tuple[Composable, str, str]] = [
        (Identifier(schema, name), "member_id", "subject") for schema, name in database.execute(_OF_MEMBERS).fetchall()
    ]
    for table, column, theirs in [*tables, (Identifier("agenda"), "stream_id", "originator_id")]:
        wanted = sql.SQL("SELECT * FROM {} WHERE {} IN (SELECT {} FROM facts WHERE position > {})").format(
            table, Identifier(column), Identifier(theirs), after
        )
        if found := _read(database, wanted):
            yield Rows(table, _ID.split(found))


def _read(database: Connection, wanted: Composable) -> bytes:
    with database.cursor() as cursor, cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(wanted)) as told:
        return b"".join(bytes(part) for part in told)


def _write(database: Connection, table: Composable, rows: Iterable[bytes]) -> None:
    with database.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as taken:
        for part in rows:
            taken.write(part)


def _fact(fact: Sequence[bytes], moved: int, others: dict[bytes, bytes]) -> bytes:
    """The line of a fact begins with its position."""
    position, begun = fact[0].split(b"\t", 1)
    renamed = b"".join(others.get(piece, piece) for piece in fact[1:])
    return b"%d\t%b%b" % (int(position) + moved, begun, renamed)


def _others(ids: Iterable[bytes]) -> dict[bytes, bytes]:
    """Another id for each, as random as it was."""
    turned = secrets.randbits(128) & _RANDOM_BITS
    others = {}
    for one in ids:
        name = b"%032x" % (int(one.replace(b"-", b""), 16) ^ turned)
        others[one] = b"-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))
    return others
