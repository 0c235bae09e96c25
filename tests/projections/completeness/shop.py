"""A shop whose tills sell, take back, and count, on a real ledger."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.messages.tills import ClosingData, closing_command
from infra.settings import Settings
from projections.completeness.run import Completeness, Question, TillDay, completeness
from tests.builders import line, purchase
from tests.ledger import Ledger, all_recorded, execute

DAY = datetime(2023, 6, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
TILL, OTHER = "/stores/1/tills/4", "/stores/2/tills/1"


def at(hour: int, *, day: int = 0) -> datetime:
    return DAY + timedelta(days=day, hours=hour)


class Shop:
    """Each receipt is of 10.00; the programme's days are those of Shanghai."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.writer = ledger.writer()
        self.settings = Settings(database_url=ledger.url, programme="member_experience")

    def sells(self, *numbers: int, hour: int = 12, day: int = 0, till: str = TILL) -> "Shop":
        """Receipts under their numbers, one after the other within the hour."""
        for place, number in enumerate(numbers):
            sold = purchase(
                line(1_000), at=at(hour, day=day) + timedelta(minutes=place), id=f"R-{number}", source=till, card=None,
                store=till.split("/")[2],
            )  # fmt: skip
            assert all_recorded(execute(self.writer, sold))
        return self

    def closes(
        self, receipts: int, paid_minor: int | None = None, *, hour: int = 23, day: int = 0, of: int | None = None,
        till: str = TILL, store: str | None = None,
    ) -> "Shop":  # fmt: skip
        """`of`: the day that is closed, if it is another than that on which it is told."""
        business_day = (DAY + timedelta(days=day if of is None else of)).date()
        paid_minor = 1_000 * receipts if paid_minor is None else paid_minor
        told = {"business_day": str(business_day), "receipts": receipts, "paid_minor": paid_minor, "store": store}
        data = ClosingData.model_validate(told)
        name = f"Z-{day}-{hour}-{receipts}-{paid_minor}"
        command = closing_command(data, source=till, external_id=name, time=at(hour, day=day), answered=False)
        assert all_recorded(execute(self.writer, command))
        return self

    def asked(self, *, days: int = 1, store: str | None = None, till: str | None = None) -> Completeness:
        ends = (DAY + timedelta(days=days - 1)).date()
        return completeness(self.settings, Question(DAY.date(), ends, store, till))

    def the_day(self) -> TillDay:
        """The only one that there is."""
        (one,) = self.asked().items
        return one
