"""The chain of `prev`: repeats, gaps, watermarks."""

import pytest

from projections.chain import AnotherEpoch, Cursor, follow
from tests.read_spec import Message

WANTED = {b"loyalty.PointsEarned.v1": "PointsEarned.v1"}


def record(offset: int, position: int, prev: int, *, epoch: str = "e", kind: str = "PointsEarned.v1") -> Message:
    chain = f"{epoch}/{position}/{prev}".encode()
    return Message(offset, b"ann", b"{}", [("ce_type", f"loyalty.{kind}".encode()), ("ce_chain", chain)])


def positions(cursor: Cursor, *records: Message) -> tuple[list[int], Cursor]:
    told, after = follow(cursor, records, WANTED)
    return [one.position for one in told], after


def test_facts_apply_in_their_turn_although_positions_of_other_partitions_lie_between() -> None:
    assert positions(Cursor(), record(0, 3, 0), record(1, 9, 3)) == ([3, 9], Cursor("e", 2, 9))


def test_a_fact_that_nobody_wants_is_passed_over_and_moves_the_position() -> None:
    assert positions(Cursor(), record(0, 3, 0, kind="TierMoved.v1")) == ([], Cursor("e", 1, 3))


def test_a_repeat_is_dropped() -> None:
    cursor = Cursor("e", 2, 9)
    assert positions(cursor, record(2, 3, 0), record(3, 9, 3), record(4, 12, 9)) == ([12], Cursor("e", 5, 12))


def test_what_follows_a_gap_is_dropped_and_the_offset_moves_on() -> None:
    cursor = Cursor("e", 1, 3)
    assert positions(cursor, record(1, 12, 9), record(2, 15, 12)) == ([], Cursor("e", 3, 3, gap_until=15))


def test_the_relays_repeat_closes_a_gap() -> None:
    cursor = Cursor("e", 3, 3, gap_until=15)
    told, half = positions(cursor, record(3, 9, 3))
    assert (told, half) == ([9], Cursor("e", 4, 9, gap_until=15))
    assert positions(half, record(4, 12, 9), record(5, 15, 12)) == ([12, 15], Cursor("e", 6, 15))


def test_a_watermark_moves_the_position_and_the_next_fact_chains_on_the_last_fact() -> None:
    mark = record(1, 20, 3, kind="watermark.v1")
    assert positions(Cursor("e", 1, 3), mark, record(2, 25, 3)) == ([25], Cursor("e", 3, 25))


def test_a_stale_watermark_is_harmless() -> None:
    stale = record(5, 8, 3, kind="watermark.v1")
    assert positions(Cursor("e", 5, 20), stale, record(6, 25, 12)) == ([25], Cursor("e", 7, 25))


def test_a_watermark_does_not_hide_a_fact_that_was_lost() -> None:
    mark = record(1, 20, 12, kind="watermark.v1")
    assert positions(Cursor("e", 1, 3), mark) == ([], Cursor("e", 2, 3, gap_until=20))


def test_records_before_the_stored_offset_are_not_looked_at() -> None:
    assert positions(Cursor("e", 2, 9), record(0, 3, 0, epoch="another"), record(2, 12, 9)) == (
        [12],
        Cursor("e", 3, 12),
    )


def test_another_log_stops_the_reader() -> None:
    with pytest.raises(AnotherEpoch):
        follow(Cursor("e", 2, 9), [record(2, 12, 9, epoch="restored")], WANTED)


@pytest.mark.parametrize("headers", [[], [("ce_type", b"x")], [("ce_chain", b"1/2"), ("ce_type", b"x")]])
def test_a_record_that_is_not_the_relays_is_passed_over(headers: list[tuple[str, bytes]]) -> None:
    assert positions(Cursor("e", 1, 3), Message(1, None, b"", headers)) == ([], Cursor("e", 2, 3))
