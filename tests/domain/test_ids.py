"""Ids that are made of names."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as some

from domain.ids import named


@given(some.uuids(), some.text(some.characters(codec="utf-8")))
def test_an_id_is_the_uuid_of_version_5_of_its_name(space: UUID, name: str) -> None:
    """Given any name in any space, when its id is made, then everybody who follows RFC 9562 makes the same."""
    made, same = named(space, name), uuid5(space, name)
    assert (made, str(made), hash(made), made.is_safe) == (same, str(same), hash(same), same.is_safe)
