"""Birthdays: every local day the clock opens each member's birth date, and gives who has one what the rules say.

No table says who has a birthday when, as it would say it of the erased as well, and to whoever reads a backup.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.birthday import Statement, birthday_due
from domain.calendar_days import local_day
from domain.command import Repeat
from domain.commands.birthdays import CelebrateBirthday
from domain.grants import BirthdayCelebrated
from domain.loyalty import Failed, Loyalty, Recorded, Refused
from infra.personal_data import PersonalData, SealedText
from projections.birth_dates import BirthDates, SealedDate

log = logging.getLogger(__name__)

AT_ONCE = 2_000
"""Members whose birth dates are open in memory together."""
FIELD = "birth_date"


class Birthdays:
    """Looks when a local day has begun, when something new was stated, and when the rules have changed."""

    def __init__(self, loyalty: Loyalty, personal_data: Callable[[], PersonalData]) -> None:
        self._loyalty = loyalty
        self._personal_data = personal_data
        """Reads the key file, which a clock needs only where the rules give something on birthdays."""

    def look(
        self, database: Connection, now: datetime, *, stop: threading.Event | None = None, dry: bool = False
    ) -> Counter[str]:
        """Facts recorded, by name; `dry` tells how many would be celebrated. A look that was broken off begins anew."""
        recorded: Counter[str] = Counter()
        versions = self._loyalty.programme.versions
        rules = next((one for one in reversed(versions) if one.effective_from <= now), None)
        if rules is None or not any(one.birthday for one in versions):
            return recorded
        today, dates = local_day(now, rules.zone), BirthDates(database)
        dates.follow()
        everybody = not dates.looked_at(today, len(versions))
        for page in dates.pages(fresh_only=not everybody, most=AT_ONCE):
            if stop is not None and stop.is_set():
                return recorded
            due = self._due(page, today, rules.zone)
            commands = [CelebrateBirthday.of(member_id, day, now=now) for member_id, day in due.items()]
            recorded += self._rehearsed(commands) if dry else self._recorded(commands)
            if not dry:
                dates.seen(list(page))
        if everybody and not dry:
            dates.looked(today, len(versions))
        return recorded

    def _due(self, page: Mapping[UUID, Sequence[SealedDate]], today: date, zone: ZoneInfo) -> dict[UUID, date]:
        """Who has a birthday to celebrate, and which day it is. What was sealed under a key that is gone, nobody stated."""
        stated = [(member_id, one) for member_id, those in page.items() for one in those]
        opened = self._personal_data().open_each(
            [
                None if one.key_id is None or one.text is None else SealedText(member_id, FIELD, one.key_id, one.text)
                for member_id, one in stated
            ]
        )
        statements: dict[UUID, list[Statement]] = {}
        for (member_id, one), text in zip(stated, opened, strict=True):
            born = None if text is None else date.fromisoformat(text)
            statements.setdefault(member_id, []).append(Statement(one.at, born))
        due = {member_id: birthday_due(those, today=today, zone=zone) for member_id, those in statements.items()}
        return {member_id: day for member_id, day in due.items() if day is not None}

    def _recorded(self, commands: Sequence[CelebrateBirthday]) -> Counter[str]:
        """What cannot be decided is looked at again with the next day, for as long as a birthday is caught up with."""
        facts: Counter[str] = Counter()
        outcomes = self._loyalty.execute(commands, recorded_at=datetime.now(UTC)) if commands else []
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(outcome, Recorded):
                facts.update(outcome.answer)
            elif isinstance(outcome, Failed):
                log.error("what the clock gives %s was not recorded", command.member_id, exc_info=outcome.error)
        return facts

    def _rehearsed(self, commands: Sequence[CelebrateBirthday]) -> Counter[str]:
        decided = self._loyalty.rehearse(commands, recorded_at=datetime.now(UTC)) if commands else []
        given = sum(not isinstance(one, Repeat | Refused | Failed) and one[1] > one[0] for one in decided)
        return Counter({BirthdayCelebrated.stored_name: given} if given else {})
