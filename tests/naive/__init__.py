"""A second ledger, written from the rules alone: slow, obvious, and knowing nothing of the first one.

It exists to disagree. It imports nothing of the rooms, walks through time where they compute, and tells what a member
has as plain numbers, so that a test can tell both the same story and compare.
"""

from tests.naive.books import Answer, Id
from tests.naive.earning import Line
from tests.naive.ledger import Ledger
from tests.naive.rules import Bonus, Claw, Multiplier, Rules

__all__ = ["Answer", "Bonus", "Claw", "Id", "Ledger", "Line", "Multiplier", "Rules"]
