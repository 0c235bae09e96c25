"""Birthdays: the local day, leap years, edited dates, a clock that stood still; and one gift a year for one person."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.birthday import CATCH_UP_DAYS, Statement, birthday_due, birthday_id, birthday_in
from domain.commands.birthdays import CelebrateBirthday
from domain.coupon import CouponIssued
from domain.grants import BirthdayCelebrated, PointsGranted
from domain.policy.birthday import BirthdayGift
from tests.builders import ANN, BOB, join, policy, publish
from tests.domain.story import JOINED_AT
from tests.domain.test_commands_of_personal_data import erase
from tests.domain.world import DAY, NEVER, World

SHANGHAI, NEW_YORK = policy().zone, policy(time_zone="America/New_York").zone
MAY_2 = date(2023, 5, 2)
MORNING = datetime(2023, 5, 2, 1, tzinfo=UTC)
FIFTY = policy(expiry=NEVER, birthday={"points": 50})


def stated(born: date | None, at: datetime = JOINED_AT) -> Statement:
    return Statement(at, born)


def due(*statements: Statement, today: date, zone: Any = SHANGHAI) -> date | None:
    return birthday_due(statements, today=today, zone=zone)


def celebrate(world: World, member: UUID = ANN, day: date = MAY_2, *, now: datetime = MORNING) -> list[Any]:
    return world.do(CelebrateBirthday.of(member, day, now=now)).facts


class TestTheDay:
    @pytest.mark.parametrize(
        ("year", "day"), [(2023, date(2023, 2, 28)), (2024, date(2024, 2, 29)), (2100, date(2100, 2, 28))]
    )
    def test_who_was_born_on_29_february_has_it_on_the_28th_in_common_years(self, year: int, day: date) -> None:
        assert birthday_in(year, date(2000, 2, 29)) == day
        assert due(stated(date(2000, 2, 29)), today=date(2024, 2, 28)) is None

    def test_it_is_found_on_the_day_itself_and_not_before(self) -> None:
        born = stated(date(1990, 5, 2))
        assert due(born, today=MAY_2 - DAY) is None
        assert due(born, today=MAY_2) == MAY_2

    def test_a_clock_that_stood_still_for_three_days_catches_up_and_after_ten_passes_over(self) -> None:
        born = stated(date(1990, 5, 2))
        assert due(born, today=MAY_2 + 3 * DAY) == MAY_2
        assert due(born, today=MAY_2 + CATCH_UP_DAYS * DAY) == MAY_2
        assert due(born, today=MAY_2 + (CATCH_UP_DAYS + 1) * DAY) is None
        assert due(born, today=MAY_2 + 10 * DAY) is None

    def test_a_new_year_is_no_border_to_catching_up(self) -> None:
        assert due(stated(date(1990, 12, 30)), today=date(2024, 1, 3)) == date(2023, 12, 30)

    def test_the_joining_day_counts_as_does_a_date_first_stated_on_the_day(self) -> None:
        joined = datetime(2023, 5, 2, 15, 59, tzinfo=UTC)
        assert due(stated(date(1990, 5, 2), joined), today=MAY_2) == MAY_2
        a_minute_later = joined + timedelta(minutes=1)
        assert due(stated(date(1990, 5, 2), a_minute_later), today=MAY_2 + DAY) is None, "in Shanghai it is the 3rd"
        assert due(stated(date(1990, 5, 2), a_minute_later), today=MAY_2, zone=NEW_YORK) == MAY_2

    def test_a_date_edited_within_30_days_before_counts_from_the_next_year_on(self) -> None:
        first = stated(date(1990, 1, 1))
        for days, this_year in ((31, True), (30, False), (1, False), (0, False)):
            edited = stated(date(1990, 5, 2), MORNING - days * DAY)
            assert (due(first, edited, today=MAY_2) == MAY_2) is this_year
            assert due(first, edited, today=date(2024, 5, 2)) == date(2024, 5, 2)

    def test_taking_a_date_back_and_stating_it_again_is_an_edit(self) -> None:
        again = [stated(date(1990, 1, 1)), stated(None, MORNING - 2 * DAY), stated(date(1990, 5, 2), MORNING - DAY)]
        assert due(*again, today=MAY_2) is None
        assert due(*again[:2], today=date(2024, 1, 1)) is None

    def test_an_edit_after_the_day_does_not_undo_it(self) -> None:
        edits = stated(date(1990, 5, 2)), stated(date(1990, 7, 1), MORNING + DAY)
        assert due(*edits, today=MAY_2 + 2 * DAY) == MAY_2

    def test_the_day_of_birth_is_no_birthday(self) -> None:
        assert due(stated(MAY_2), today=MAY_2) is None
        assert due(stated(MAY_2), today=date(2024, 5, 2)) == date(2024, 5, 2)

    @for_all(
        st.dates(date(1900, 1, 1), date(2022, 1, 1)), st.dates(date(2023, 1, 1), date(2030, 1, 1)),
        st.lists(st.integers(1, 8), max_size=60),
    )  # fmt: skip
    def test_whatever_the_clocks_pauses_up_to_the_limit_each_birthday_is_found(
        self, born: date, first: date, pauses: list[int]
    ) -> None:
        looks = [first]
        for pause in pauses:
            looks.append(looks[-1] + pause * DAY)
        found = {day for today in looks if (day := due(stated(born), today=today)) is not None}
        there = {birthday_in(year, born) for year in range(2022, 2036)}
        since = first - CATCH_UP_DAYS * DAY
        assert found == {day for day in there if since <= day <= looks[-1] and day > JOINED_AT.date()}


class TestTheGift:
    def test_is_dated_the_birthday_and_given_once_a_calendar_year(self) -> None:
        world = World(FIFTY)
        celebrated, granted = celebrate(world, now=MORNING + 3 * DAY)
        assert isinstance(celebrated, BirthdayCelebrated)
        assert isinstance(granted, PointsGranted)
        assert (granted.grant_id, granted.cause, granted.reference) == (birthday_id(ANN, 2023), "birthday", "2023")
        assert granted.occurred_at == datetime(2023, 5, 1, 16, tzinfo=UTC), "midnight in Shanghai"
        assert celebrate(world) == []
        assert celebrate(world, day=date(2023, 9, 1), now=MORNING + 200 * DAY) == [], "the date was edited"
        assert len(celebrate(world, day=date(2024, 5, 2), now=MORNING + 366 * DAY)) == 2
        assert world.buckets(at=MORNING).available == 50

    @pytest.mark.parametrize(
        ("zone", "day", "begins"),
        [
            ("Africa/Cairo", date(2023, 4, 28), datetime(2023, 4, 27, 22, tzinfo=UTC)),  # midnight is skipped
            ("Atlantic/Azores", date(2023, 10, 29), datetime(2023, 10, 29, 0, tzinfo=UTC)),  # midnight comes twice
            ("Pacific/Kiritimati", date(2023, 5, 2), datetime(2023, 5, 1, 10, tzinfo=UTC)),
            ("Pacific/Pago_Pago", date(2023, 5, 2), datetime(2023, 5, 2, 11, tzinfo=UTC)),
        ],
    )
    def test_is_dated_the_first_instant_of_the_local_day(self, zone: str, day: date, begins: datetime) -> None:
        world = World(policy(expiry=NEVER, birthday={"points": 50}, time_zone=zone))
        _, granted = celebrate(world, day=day, now=begins + timedelta(hours=20))
        assert granted.occurred_at == begins
        world = World(policy(expiry=NEVER, birthday={"points": 50}, time_zone=zone))
        world.log.batch.recorded_at = begins - timedelta(seconds=1)
        assert celebrate(world, day=day, now=begins) == []

    def test_on_the_joining_day_it_is_dated_the_joining(self) -> None:
        world = World(FIFTY)
        day = date(2023, 3, 15)
        assert [one.occurred_at for one in celebrate(world, day=day)] == [JOINED_AT, JOINED_AT]
        assert celebrate(world, BOB, day - DAY) == []

    def test_it_settles_debt(self) -> None:
        world = World(FIFTY)
        world.do(world.redeem(20, at=MORNING - DAY, offline=True))
        celebrate(world)
        assert (world.buckets(at=MORNING).available, world.buckets(at=MORNING).debt) == (30, 0)

    def test_a_coupon_is_good_through_so_many_days_after_it(self) -> None:
        world = World(policy(birthday={"coupon": {"kind": "cake", "valid_days": 7}}))
        _, issued = celebrate(world, now=MORNING + DAY)
        assert isinstance(issued, CouponIssued)
        assert (issued.kind, issued.reference, issued.member_id) == ("cake", "birthday:2023", ANN)
        assert (issued.occurred_at, issued.valid_until) == (
            datetime(2023, 5, 1, 16, tzinfo=UTC), datetime(2023, 5, 9, 16, tzinfo=UTC),
        )  # fmt: skip
        assert celebrate(world) == []

    def test_rules_that_gave_nothing_on_the_day_give_nothing_later(self) -> None:
        world = World(policy(effective_from=JOINED_AT))
        assert celebrate(world) == []
        world.do(publish(policy(birthday={"points": 1}, effective_from=MORNING + DAY), at=MORNING))
        assert celebrate(world, now=MORNING + 2 * DAY) == []
        assert len(celebrate(world, day=MAY_2 + 2 * DAY, now=MORNING + 2 * DAY)) == 2

    def test_nothing_is_given_ahead_of_time(self) -> None:
        world = World(FIFTY)
        world.log.batch.recorded_at = datetime(2023, 5, 1, 15, 59, tzinfo=UTC)
        assert celebrate(world) == []

    def test_who_was_erased_merged_or_closed_or_never_joined_is_passed_over(self) -> None:
        world = World(FIFTY)
        assert celebrate(world, UUID(int=7)) == []
        world.account(BOB).closed_at = MORNING - DAY
        assert celebrate(world, BOB) == []
        world.do(erase())
        assert celebrate(world) == []

    def test_members_that_were_merged_get_one_gift(self) -> None:
        world = World(FIFTY)
        celebrate(world)
        world.do(world.merge(ANN, BOB, at=MORNING + DAY))
        september = date(2023, 9, 1)
        assert celebrate(world, BOB, september, now=MORNING + 200 * DAY) == []
        assert celebrate(world, ANN, september, now=MORNING + 200 * DAY) == []
        third = UUID(int=3, version=4)
        world.do(join(third, at=JOINED_AT, card="1003"))
        world.do(world.merge(BOB, third, at=MORNING + 2 * DAY))
        assert celebrate(world, third, september, now=MORNING + 200 * DAY) == [], "merged twice"
        next_year = celebrate(world, third, date(2024, 9, 1), now=MORNING + 600 * DAY)
        assert [one.member_id for one in next_year] == [third, third]


@pytest.mark.parametrize("gift", [{}, {"points": 0}, {"points": 5, "coupon": {"kind": "cake", "valid_days": 7}}])
def test_a_gift_is_points_or_a_coupon(gift: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BirthdayGift.model_validate(gift)
