"""Parts of the benchmark that count, wait or read, without a server."""

from pathlib import Path

import pytest

from bench import emmett
from bench.freshness import Place, Seen, waited
from bench.growth import Size


def test_a_balance_is_fresh_once_its_partition_has_passed_the_fact() -> None:
    seen = Seen()
    for partition, position, now in [(0, 5, 1.0), (1, 7, 1.0), (0, 5, 2.0), (0, 9, 3.0)]:
        seen.note(partition, position, now)
    assert [seen.at(Place(0, 4)), seen.at(Place(0, 5)), seen.at(Place(0, 6)), seen.at(Place(1, 7))] == [1, 1, 3, 1]


def test_a_message_waits_from_when_it_was_due_and_the_first_fifth_does_not_count() -> None:
    arrived = [100.0 + 9] + [100.0 + number / 1_000 + 0.020 for number in range(1, 10)]
    found = waited(100.0, arrived)
    assert found.p50_ms == pytest.approx(20)
    assert found.p99_ms == pytest.approx(20)


def test_a_size_is_read_as_facts_and_members() -> None:
    size = Size.read("100000:1000")
    assert size == (100_000, 1_000)
    assert size.purchases == 48_500


@pytest.mark.parametrize("text", ["100000", "100000:x", "100000:10", "100000:50000", "1:2:3"])
def test_a_size_that_cannot_be_filled_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Size.read(text)


def test_without_node_it_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert not emmett.ready()
    assert "there is no node" in capsys.readouterr().out


def test_the_lock_of_emmett_pins_every_package_and_names_no_registry() -> None:
    lock = Path(emmett.HOME, "package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')
    assert "http" not in lock.replace("https://github.com/sponsors/", "")
