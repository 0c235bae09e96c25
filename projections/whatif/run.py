"""Running a what-if: the log told again by as many processes as there are processors, and what all of them came to."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.programme import Policy
from domain.refusals import UnknownSegment
from infra.database import connect
from infra.log_tables import last_position
from infra.settings import Settings
from infra.workers import workers
from projections.whatif import log
from projections.whatif.figures import Figures
from projections.whatif.history import Difference
from projections.whatif.processes import side_by_side, tell_part
from projections.whatif.telling import Found, Question, Told

MOST_PROCESSES = 16

Progress = Callable[[int, int], None]
"""Told (positions read, positions in all). Each process passes all of them, for its own members: so it is their mean."""


class NothingToReplay(RuntimeError):
    """Nothing that the question is about is recorded."""


@dataclass(slots=True)
class Answer:
    """What history and the proposals came to."""

    question: Question
    published: Sequence[Policy]
    position: int
    begins: datetime
    """From when on the proposals were in force."""
    as_of: datetime
    purchases: int
    history: Figures = field(default_factory=Figures)
    proposals: list[Figures] = field(default_factory=list)
    members: int = 0
    differing: int = 0
    """Fields of accounts that a replay under their own rules brought to something else, where that was asked."""
    differences: list[Difference] = field(default_factory=list)
    """The first of them."""

    def add(self, found: Found) -> None:
        self.history.add(found.history)
        for mine, theirs in zip(self.proposals, found.proposals, strict=True):
            mine.add(theirs)
        self.members += found.members
        self.differing += found.differing
        self.differences += found.differences


def what_if(
    settings: Settings, question: Question, *, processes: int | None = None, progress: Progress = lambda _, __: None
) -> Answer:
    """Answer a question from the log; nothing is written."""
    most = processes or min(os.cpu_count() or 1, MOST_PROCESSES)
    with workers(tell_part, most if most > 1 else 0, inheriting=True) as waiting:  # they start up while we look
        told = _parted(settings, question, parts=most)
        position = told[0].part.position
        as_of, purchases, found = side_by_side(
            told, waiting, progress=lambda read: progress(read // len(told), position)
        )
    first = told[0]
    answer = Answer(question, first.published, first.part.position, first.begins, as_of, purchases)
    answer.proposals = [Figures() for _ in question.proposals]
    for one in found:
        answer.add(one)
    return answer


def _parted(settings: Settings, question: Question, *, parts: int) -> list[Told]:
    """What each process is to tell; all of it one, where campaigns have budgets."""
    url = settings.database_url or ""
    with connect(url) as facts:
        facts.read_only = True
        position = last_position(facts)
        published = log.published(facts, question.programme, position=position)
        if not published:
            raise NothingToReplay(f"no version of the programme {question.programme} is published: there is no history")
        first = published[0].begins
        begins = question.begins or first
        if begins < first:
            raise NothingToReplay(
                f"the programme began at {first:%FT%TZ}, and nothing happened before: choose --from after that"
            )
        known = log.look(facts, position=position)
        missing = set(question.segments) - known.segments
        if missing:
            raise UnknownSegment(segment_id=min(missing))
        ranges = log.cut(facts, 1 if known.has_budgets else parts, position=position)
    return [
        Told(log.Part(url, position, number, bytes_, known.together, known.told_of_again), question, published, begins)
        for number, bytes_ in enumerate(ranges)
    ]
