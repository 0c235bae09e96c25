"""Random histories, late messages among them: what was decided comes out once more, fact by fact, and every kind is explained."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from domain.fact import FACTS, Fact
from domain.points_account import account_id
from infra.stored_facts import FactMapper
from projections.explaining.balance import explain_balance, explain_expiry
from projections.explaining.case import Case
from projections.explaining.fact import EXPLAINED, step_of
from projections.explaining.recorded import NAMES, Matter, Recorded
from projections.explaining.retelling import Retelling
from projections.explaining.speech import Speech
from projections.explaining.tier import explain_tier
from projections.wording import LANGUAGES, Language
from tests.projections.histories import RULES, RULES_OF_TIERS
from tests.projections.whatif.replaying import PROGRAMME, all_facts, life


class InMemory(Matter):
    """All that two members' points follow from, without a database."""

    def __init__(self, facts: Sequence[Fact], member_id: UUID) -> None:
        encode = FactMapper(FACTS).to_stored_event
        self.member_id, self.account, self.programme = member_id, account_id(member_id), PROGRAMME
        self.position = len(facts)
        self.facts = [
            Recorded(position, one.originator_id, one.stored_name, encode(one).state, one)
            for position, one in enumerate(facts, 1)
            if one.stored_name in NAMES
        ]
        self.own = [one for one in self.facts if one.fact.subject == member_id]


class Remembered(Case):
    """A case of it."""

    def __init__(self, facts: Sequence[Fact], member_id: UUID, language: Language) -> None:
        self.matter = InMemory(facts, member_id)
        self.member_id = member_id
        self.retelling = Retelling(self.matter)
        self.speech = Speech(language, self.programme.versions[-1])


@pytest.mark.parametrize("rules", [*RULES, *RULES_OF_TIERS])
@pytest.mark.parametrize("late", [False, True])
def test_every_figure_of_a_random_history_is_explained_and_reproduced(rules: str, late: bool) -> None:
    for number in range(2):
        lived = life(rules, number, late=late)
        facts = all_facts(lived.rules, lived)
        for member_id, language in zip(lived.members, LANGUAGES, strict=True):
            case = Remembered(facts, member_id, language)
            assert case.differences(case.facts) == []
            for one in case.matter.movements:
                step = step_of(case, one)
                assert step.steps or one.name not in EXPLAINED or step.gives is not None
            last = max(one.fact.occurred_at for one in case.matter.movements)
            for at in (last, last + timedelta(days=400)):
                balance = explain_balance(case, at)
                assert balance.reproduced
                assert balance.gives == case.account.available(at)
                assert explain_expiry(case, at).reproduced
                assert explain_tier(case, at).reproduced
