"""A ledger of the test's own."""

from collections.abc import Iterator

import pytest

from tests.projections.proofs.ledger import Ledger


@pytest.fixture
def ledger(emptied_database_url: str) -> Iterator[Ledger]:
    made = Ledger(emptied_database_url)
    yield made
    made.close()
