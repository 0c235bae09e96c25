"""Random histories in which the clock comes by as it does, told again in memory."""

from itertools import groupby

from domain.commands.clock import RecordTime
from domain.fact import Fact
from domain.points_account import account_id
from domain.programme import Policy
from projections.whatif.history import Difference, History, differences
from projections.whatif.replay import Replay
from tests.builders import published
from tests.domain.world import World
from tests.projections import histories
from tests.projections.histories import RULES, RULES_OF_TIERS

PROGRAMME = "member_experience"


class Life(histories.History):
    """As the random histories are, but that time is recorded by the clock's own command."""

    def goes_on(self, steps: int) -> "Life":
        for _ in range(steps):
            self.member, self.other = self.members if self.chance.random() < 0.7 else reversed(self.members)
            step = self.chance.choice(histories.STEPS)
            if step is histories.History.time_passes:
                self.agreed(RecordTime.of(account_id(self.member), now=self.when()))
            else:
                step(self)
        return self


def life(rules: str, number: int, *, late: bool) -> Life:
    return Life(f"{rules}{late}{number}", {**RULES, **RULES_OF_TIERS}[rules], late=late).goes_on(40)


def transactions(facts: list[Fact]) -> list[list[Fact]]:
    return [list(some) for _, some in groupby(facts, key=lambda fact: fact.correlation_id)]


def in_force(facts: list[Fact]) -> tuple[Replay, list[Difference]]:
    """The replay of facts by their own rules, and in what it differs from them."""
    history, replay = History(PROGRAMME, lambda *_: None), Replay(PROGRAMME, lambda *_: None)
    for one in transactions(facts):
        history.tell(one)
        replay.tell(one)
    return replay, list(differences(history.world, replay.world))


def all_facts(rules: Policy, life: World) -> list[Fact]:
    return [published(rules), *life.log.batch.facts]


def under(rules: Policy, facts: list[Fact]) -> Replay:
    """The replay of facts by other rules, in force from the beginning."""
    replay = Replay(PROGRAMME, lambda *_: None, proposal=rules)
    for one in transactions(facts):
        replay.tell(one)
    return replay
