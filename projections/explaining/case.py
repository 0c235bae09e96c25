"""A member's case: the facts, what the rules make of them, and where everything stands in the log."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.campaign import Campaign, campaign_stream
from domain.movements import AccountOpened
from domain.points_account import PointsAccount
from domain.programme import Policy, Programme, programme_id
from domain.refusals import NoProgrammeInForce
from projections.explaining.holding import Ledger, Row, rows_of
from projections.explaining.recorded import Matter, Recorded
from projections.explaining.retelling import BROKEN, Differs, Retelling
from projections.explaining.speech import Speech
from projections.explaining.step import Difference
from projections.wording import Language


class NothingYet(LookupError):
    """Nothing had happened to the member by then."""

    def __init__(self, first: datetime) -> None:
        super().__init__(f"nothing had happened to the member by then: the first was at {first:%FT%TZ}")
        self.first = first


class Case:
    """What every explanation of a member's figures is made from."""

    def __init__(self, log: Connection, member_id: UUID, *, programme: str, language: Language, position: int) -> None:
        """Raises `NotRecorded` where nobody is a member by that id, and `NoProgrammeInForce` without any version of the programme."""
        self.matter = Matter(log, member_id, programme=programme, position=position)
        self.member_id = member_id
        self.retelling = Retelling(self.matter)
        if not self.programme.versions:
            raise NoProgrammeInForce(programme=programme, occurred_at=self.registered_at)
        self.speech = Speech(language, self.programme.versions[-1])

    @property
    def language(self) -> Language:
        return self.speech.language

    @property
    def account(self) -> PointsAccount:
        return self.retelling.account

    @property
    def programme(self) -> Programme:
        return self.retelling.stream(Programme, programme_id(self.matter.programme))

    def campaign(self, campaign_id: str) -> Campaign:
        return self.retelling.stream(Campaign, campaign_stream(campaign_id))

    def in_force(self, at: datetime) -> tuple[int, Policy]:
        """The version of an instant. Raises `NoProgrammeInForce`."""
        return self.programme.in_force(at)

    @cached_property
    def registered_at(self) -> datetime:
        """When the member joined."""
        opened = next(one.fact for one in self.matter.movements if one.name == AccountOpened.stored_name)
        at: datetime = opened.registered_at
        return at

    @cached_property
    def facts(self) -> dict[int, Recorded]:
        """By position."""
        return {one.position: one for one in self.matter.facts}

    @cached_property
    def rows(self) -> list[Row]:
        return rows_of(self.matter.movements)

    def ledger(self, as_of: datetime, *, upto: int | None = None) -> Ledger:
        """What had happened by an instant, and was recorded up to a position."""
        return Ledger(self.rows, self.member_id, as_of=as_of, upto=self.matter.position if upto is None else upto)

    @cached_property
    def lots(self) -> dict[UUID, int]:
        """The fact that each lot of the member came with."""
        return {UUID(row.values[1]): row.position for row in self.rows if row.table == "lots"}

    @cached_property
    def _places(self) -> dict[tuple[str, Any], int]:
        places: dict[tuple[str, Any], int] = {}
        for one in self.matter.facts:
            places.setdefault((one.name, one.stream_id), one.position)
            if one.name == "ProgrammePublished.v1":
                places[one.name, one.fact.version] = one.position
        return places

    def place(self, name: str, which: object) -> list[int]:
        """Where the first fact of a name stands, of a stream or of a version of the programme."""
        found = self._places.get((name, which))
        return [] if found is None else [found]

    def version_at(self, number: int) -> list[int]:
        return self.place("ProgrammePublished.v1", number)

    def recorded_by(self, as_of: datetime) -> list[Recorded]:
        """The member's movements that had happened by an instant. Raises `NothingYet`, if none had."""
        found = [one for one in self.matter.movements if one.fact.occurred_at <= as_of]
        if not found:
            first = min(one.fact.occurred_at for one in self.matter.movements)
            raise NothingYet(first)
        return found

    def differences(self, positions: Iterable[int]) -> list[Difference]:
        """Where these facts are not what the rules make of those before."""
        return [self._difference(one) for one in self.retelling.differing(positions)]

    def _difference(self, one: Differs) -> Difference:
        name = one.kind.stored_name
        what = "missing" if one.recorded is None else "not-given"
        if one.field is not None:
            what = "broken" if one.field == BROKEN else "differs"
        says = self.speech.says(
            what, position=one.position, fact=name, field=one.field, recorded=one.recorded, gives=one.gives
        )
        return Difference(
            says=says, position=one.position, fact=name, field=one.field, recorded=one.recorded, gives=one.gives
        )
