"""Dead letters: sealed, kept in order, opened again."""

from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidTag
from psycopg import Connection

from infra import letters
from infra.database import connect, make_tables
from infra.letters import Letter, Message
from tests.builders import KEYS

VALUE = b'{"card": "4000 1234"}\xff\x00'


def letter(
    offset: int = 7, *, reason: str = "malformed-message", value: bytes | None = VALUE, key: bytes | None = b"\xfe"
) -> Letter:
    headers = [("ce_id", b"R-1"), ("ce_id", b"\xff"), ("empty", b"")]
    return Letter(
        reason=reason, detail='{"a": 1}', topic="t", partition=3, offset=offset, key=key, value=value, headers=headers
    )


@pytest.fixture
def database(module_database_url: str) -> Iterator[Connection]:
    with connect(module_database_url) as opened:
        make_tables(opened, letters.TABLES)
        opened.execute("TRUNCATE dead_letters RESTART IDENTITY")
        yield opened


def keep(database: Connection, *kept: Letter) -> None:
    with database.cursor() as cursor:
        letters.insert(cursor, [letters.seal(one, KEYS) for one in kept])


@pytest.mark.parametrize(("key", "value"), [(b"k", VALUE), (None, None), (b"", b""), (None, b"x" * 200_000)])
def test_a_message_comes_out_as_it_went_in(database: Connection, key: bytes | None, value: bytes | None) -> None:
    keep(database, letter(key=key, value=value))
    assert letters.message(database, 1, KEYS) == Message(
        key, value, [("ce_id", b"R-1"), ("ce_id", b"\xff"), ("empty", b"")]
    )


def test_nothing_of_the_message_is_readable_in_the_table(database: Connection) -> None:
    keep(database, letter())
    (row,) = database.execute("SELECT sealed, reason, detail FROM dead_letters").fetchall()
    assert b"4000" not in bytes(row[0])
    assert row[1:] == ("malformed-message", '{"a": 1}')


def test_a_letter_opens_at_its_own_place_alone(database: Connection) -> None:
    keep(database, letter(7), letter(8))
    database.execute(
        "UPDATE dead_letters SET sealed = (SELECT sealed FROM dead_letters WHERE letter_id = 1) WHERE letter_id = 2"
    )
    with pytest.raises(InvalidTag):
        letters.message(database, 2, KEYS)


def test_there_is_no_message_where_there_is_no_letter(database: Connection) -> None:
    assert letters.message(database, 1, KEYS) is None


def test_letters_are_listed_in_order_until_they_are_driven_again(database: Connection) -> None:
    keep(database, letter(1), letter(2, reason="wrong-currency"), letter(3))
    letters.mark_redriven(database, 1)

    def listed(**what: bool | str) -> list[int]:
        return [one.offset for one in letters.kept(database, **what)]  # type: ignore[arg-type]

    assert listed() == [2, 3]
    assert listed(open_only=False) == [1, 2, 3]
    assert listed(reason="wrong-currency") == [2]
    assert listed(reason="nothing") == []
    (first, *_) = letters.kept(database, open_only=False)
    assert (first.letter_id, first.topic, first.partition) == (1, "t", 3)
    assert first.redriven_at is not None
