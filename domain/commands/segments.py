"""Defining a segment, or the next version of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.campaign import CATALOGUE_ID, Catalogue
from domain.command import Decision, History, KeyedCommand, Repeat, Streams, Wanted
from domain.criteria import Definition
from domain.fact import Fact
from domain.receipt import Receipt
from domain.refusals import UnknownTier
from domain.segment import Segment, SegmentDefined, segment_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineSegment(KeyedCommand):
    """Define a version of a segment; the first enters the segment in the catalogue."""

    scope = "segment"

    segment_id: str
    title: str
    effective_from: datetime
    definition: Definition

    def wants(self, streams: Streams) -> Wanted:  # noqa: ARG002 - nothing depends on what is in memory
        if self.keyed:
            yield Receipt, self.id
        yield Segment, segment_stream(self.segment_id)
        yield Catalogue, CATALOGUE_ID

    def decide(self, streams: Streams) -> Decision | Repeat:
        """Repeat by key, by content; then the tiers that are named, and the effective date."""
        repeat = self.repeat(streams)
        if repeat:
            return repeat
        segment = streams.get(Segment, segment_stream(self.segment_id))
        for version in segment.versions:
            if version.fingerprint == self.fingerprint:
                return Repeat(segment.id, version.version)
        self._refuse_unknown_tiers(streams)
        defined = segment.define(
            segment_id=self.segment_id,
            title=self.title,
            effective_from=self.effective_from,
            definition=self.definition,
            fingerprint=self.fingerprint,
        )
        catalogue = streams.get(Catalogue, CATALOGUE_ID)
        listed = [] if segment.versions else catalogue.enter_segment(self.segment_id)
        return Decision([*self.claim(streams, target=self.segment_id), *defined, *listed])

    def _refuse_unknown_tiers(self, streams: Streams) -> None:
        """A tier of any version will do: when the definition is asked, another may be in force than now."""
        known = {level.name for policy in streams.programme.versions for level in policy.tiers.levels}
        for tier in sorted(self.definition.tiers - known):
            raise UnknownTier(tier=tier)

    @staticmethod
    def answer(facts: Sequence[Fact], history: History) -> dict[str, Any]:  # noqa: ARG004
        """The segment and the number of the version."""
        defined = next(fact for fact in facts if isinstance(fact, SegmentDefined))
        return {"segment_id": defined.segment_id, "version": defined.version}
