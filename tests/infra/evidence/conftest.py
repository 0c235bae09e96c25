"""A ledger whose facts are vouched for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.evidence.vouched import Vouched
from tests.ledger import Ledger


@pytest.fixture
def vouched(database_url: str, tmp_path: Path) -> Iterator[Vouched]:
    with Ledger(database_url) as ledger:
        yield Vouched(ledger, tmp_path)
