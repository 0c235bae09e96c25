"""Questions about everybody follow one another over HTTP; who would wait for long is sent away with `too-busy`."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from projections.past import Past
from tests.builders import ANN
from tests.query_api.conftest import Door
from tests.read_spec import JANUARY, joins

KNOWN = {"known_at": JANUARY.isoformat()}


def test_who_would_wait_for_long_is_sent_away_and_others_go_on(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [one.model_copy(update={"recorded_at": JANUARY}) for one in joins(ANN, card="1")]
    door.recorded(*facts)
    under_way, go_on, as_known = Event(), Event(), Past.as_known

    def slow(past: Past, *asked: Any) -> Any:
        if not asked[1]:
            under_way.set()
            assert go_on.wait(20)
        return as_known(past, *asked)

    monkeypatch.setattr(Past, "as_known", slow)
    with ThreadPoolExecutor(1) as others:
        first = others.submit(door.ask, "/balances", **KNOWN)
        assert under_way.wait(20)
        monkeypatch.setattr("query_api.turns.PATIENCE_SECONDS", 0.05)
        refused = door.ask("/balances", **KNOWN)
        about_ann = door.ask(f"/members/{ANN}/balance", **KNOWN)
        go_on.set()
        told = first.result()
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:loyalty:too-busy")
    assert refused.headers["Retry-After"] == "10"
    assert about_ann.json()["issued"] == 0, "who asks about one member does not wait for who asks about all"
    assert told.status_code == 200
    assert door.ask("/balances", **KNOWN).json() == told.json(), "a turn that was given up is not lost"
