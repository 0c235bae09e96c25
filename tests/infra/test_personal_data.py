"""Personal data: sealed under a key of the member, opened again, and gone with the key."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from psycopg import Connection

from infra import personal_data
from infra.database import connect, make_tables
from infra.keys import KeyFile
from infra.personal_data import KeyLost, KeysUnavailable, PersonalData, Sealed
from tests.builders import ANN, BOB, KEYS, SEALING

FIELDS = {"name": "Ann Wang 王安", "phone": "+86 138 0013 8000"}


@pytest.fixture
def database(module_database_url: str) -> Iterator[Connection]:
    with connect(module_database_url) as opened:
        make_tables(opened, personal_data.TABLES)
        opened.execute("TRUNCATE member_keys")
        yield opened


@pytest.fixture
def people(database: Connection, module_database_url: str) -> PersonalData:
    return PersonalData(module_database_url, KEYS)


def keep(database: Connection, sealed: Sealed) -> None:
    assert sealed.new_key is not None
    with database.cursor() as cursor:
        personal_data.keep(cursor, [sealed.new_key])


def destroy(database: Connection, *members: UUID) -> None:
    with database.cursor() as cursor:
        personal_data.destroy(cursor, members)


def told(sealed: Sealed) -> dict[str, tuple[UUID, str]]:
    return {field: (sealed.key_id, text) for field, text in sealed.texts.items()}


def test_what_was_sealed_opens_while_the_key_is_kept(database: Connection, people: PersonalData) -> None:
    first = people.seal_first(ANN, FIELDS)
    keep(database, first)
    later = people.seal(ANN, {"email": "ann@example.cn"})
    assert (later.key_id, later.new_key) == (first.key_id, None)
    opened = people.open(ANN, told(first) | told(later))
    assert opened == (FIELDS | {"email": "ann@example.cn"}, None)


def test_each_member_has_a_key_of_their_own_and_it_is_wrapped(database: Connection, people: PersonalData) -> None:
    for member in (ANN, BOB):
        keep(database, people.seal_first(member, FIELDS))
    (anns, bobs) = (bytes(row[0]) for row in database.execute("SELECT wrapped FROM member_keys").fetchall())
    assert anns != bobs
    assert {len(anns), len(bobs)} == {12 + 32 + 16}
    assert people.seal(ANN, {}).key_id != people.seal(BOB, {}).key_id
    assert people.open(BOB, told(people.seal(BOB, FIELDS))).fields == FIELDS


def test_without_the_key_file_the_database_opens_nothing(database: Connection, people: PersonalData) -> None:
    sealed = people.seal_first(ANN, FIELDS)
    keep(database, sealed)
    others = KeyFile(cards=b"c" * 32, letters=b"l" * 32, members=b"M" * 32, fingerprints=b"f" * 32)
    with pytest.raises(InvalidTag):
        PersonalData(people._url, others).open(ANN, told(sealed))


def test_a_text_opens_for_its_own_member_and_field_alone(database: Connection, people: PersonalData) -> None:
    sealed = people.seal_first(ANN, FIELDS)
    keep(database, sealed)
    with pytest.raises(InvalidTag):
        people.open(ANN, {"name": told(sealed)["phone"]})
    database.execute("INSERT INTO member_keys SELECT %s, key_id, wrapped FROM member_keys", (BOB,))
    with pytest.raises(InvalidTag):
        people.open(BOB, told(sealed))


def test_nothing_opens_once_the_key_was_destroyed(database: Connection, people: PersonalData) -> None:
    anns, bobs = people.seal_first(ANN, FIELDS), people.seal_first(BOB, FIELDS)
    for sealed in (anns, bobs):
        keep(database, sealed)
    destroy(database, ANN)
    opened = people.open(ANN, told(anns))
    assert opened.fields == {}
    assert database.execute(
        "SELECT destroyed_at, wrapped FROM member_keys WHERE member_id = %s", (ANN,)
    ).fetchall() == [(opened.erased_at, None)]
    assert people.open(BOB, told(bobs)).fields == FIELDS
    destroy(database, ANN)
    assert people.open(ANN, told(anns)) == opened, "when they were destroyed does not change"


def test_a_key_that_was_destroyed_is_not_used_again(database: Connection, people: PersonalData) -> None:
    first = people.seal_first(ANN, FIELDS)
    keep(database, first)
    destroy(database, ANN)
    assert people.seal(ANN, FIELDS).key_id != first.key_id


def test_equal_values_have_equal_marks_under_one_key_only(database: Connection, people: PersonalData) -> None:
    first = people.seal_first(ANN, FIELDS)
    keep(database, first)
    again = people.seal(ANN, FIELDS | {"email": FIELDS["name"]})
    assert first.marks == {field: again.marks[field] for field in FIELDS}
    assert len(set(again.marks.values())) == 3, "the same text in another field has another mark"
    assert first.texts["name"] != again.texts["name"]
    assert people.seal_first(ANN, FIELDS).marks["name"] != first.marks["name"]


def test_a_lost_key_is_no_erasure(database: Connection, people: PersonalData) -> None:
    with pytest.raises(KeyLost, match=str(ANN)):
        people.open(ANN, told(SEALING.seal_first(ANN, FIELDS)))


def test_an_outage_is_told_as_one(people: PersonalData) -> None:
    with pytest.raises(KeysUnavailable):
        PersonalData("postgresql://localhost:1/none?connect_timeout=2", KEYS).seal(ANN, FIELDS)
