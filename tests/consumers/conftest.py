"""A facts topic of the test's own."""

import pytest

from infra.settings import Settings
from tests.consumers.facts_topic import Topic, topic_of


@pytest.fixture
def topic(settings: Settings, unique: str, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """Projectors and rebuilds of this process follow it."""
    return topic_of(settings, unique, monkeypatch)
