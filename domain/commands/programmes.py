"""Publishing a version of a programme."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.command import Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.fact import Fact
from domain.programme import Policy, Programme, ProgrammePublished, programme_id
from domain.receipt import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishProgramme(KeyedCommand):
    """Publish the next version of a programme."""

    scope = "programme-version"

    policy: Policy
    forced_reason: str | None = None

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Programme, programme_id(self.policy.name)

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key or by content; then the effective date."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        programme = streams.get(Programme, programme_id(self.policy.name))
        if self.policy in programme.versions:
            return Repeat(programme.id, programme.versions.index(self.policy) + 1)
        drafts = programme.publish(self.policy, forced_reason=self.forced_reason)
        return Decision([*self.claim(streams, target=f"{self.policy.name}:{len(programme.versions) + 1}"), *drafts])

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The programme and the number of the version."""
        published = next(fact for fact in facts if isinstance(fact, ProgrammePublished))
        return {"programme": published.programme, "version": published.version}
