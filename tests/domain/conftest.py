"""A ledger for tests of the write path; properties are tried on the same examples in every run."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.ledger import Ledger

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("repeatable")


@pytest.fixture
def ledger(module_database_url: str) -> Iterator[Ledger]:
    """An empty log with one programme in force; tests of a module share its database, one after the other."""
    with Ledger(module_database_url) as opened:
        yield opened
