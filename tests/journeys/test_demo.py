"""The demo on its first baskets: its figures equal the data files', and a second run doubles nothing."""

from pathlib import Path

from tests.journeys.ledger import Ledger


def test_a_second_run_finds_the_first_5000_baskets_and_they_equal_the_data_files(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first = ledger.loyalty("demo", "--baskets", "5000", "--exit")
    assert "5,000 purchases published (0 were there already)" in first
    second = ledger.loyalty("demo", "--baskets", "5000", "--exit", "--verify")
    assert "all 5,000 purchases were there already: nothing was published" in second
    for proven in (
        "verified against the data files: 2,469 households, 5,000 purchases, 27 campaigns: 0 differences",
        "liability: 26 months roll forward",
        "0 in the end: 0 differences from the facts and the read model",
        "what-if: 2,469 members replayed by the rules in force: 0 differences",
    ):
        assert proven in second
    assert _tables(first) == _tables(second)


def test_commands_without_anything_running_say_what_to_do(tmp_path: Path) -> None:
    told = Ledger(tmp_path).loyalty("status", check=False)
    assert told.startswith("NothingRuns: nothing runs in ")
    assert "Traceback" not in told
    assert "loyalty up" in told


def _tables(output: str) -> str:
    """What stands between the heading and the notes."""
    return output[output.index("As of ") : output.index("That targeted households")]
