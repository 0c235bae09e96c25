"""Read models in a database without rows."""

from collections.abc import Iterator

import pytest

from tests.read_spec import ReadSide


@pytest.fixture
def read_side(emptied_database_url: str) -> Iterator[ReadSide]:
    made = ReadSide(emptied_database_url)
    yield made
    made.close()
