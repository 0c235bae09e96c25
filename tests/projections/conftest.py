"""Read models in a database of the test's own."""

from collections.abc import Iterator

import pytest

from tests.read_spec import ReadSide


@pytest.fixture
def read_side(database_url: str) -> Iterator[ReadSide]:
    made = ReadSide(database_url)
    yield made
    made.close()
