"""Facts as Kafka tells them: the record, and those parts of their JSON that the read models need."""

from typing import Any, NotRequired, Protocol

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from projections.told_of_points import POINTS
from projections.told_of_rewards import REWARDS


class Record(Protocol):
    """What we use of a record of the facts topic."""

    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes]]: ...


# Ids and times stay text: they were checked when they were recorded, and PostgreSQL reads them again.


class Joined(TypedDict):
    """Of `MemberJoined`."""

    member_id: str
    registered_at: str
    originator_version: int
    occurred_at: str
    language: NotRequired[str]
    consents: NotRequired[dict[str, bool]]


class Profiled(TypedDict):
    """Of `ProfileChanged`."""

    member_id: str
    originator_version: int
    key_id: NotRequired[str]
    sealed: NotRequired[dict[str, str]]
    language: NotRequired[str]
    removed: NotRequired[list[str]]


class Consented(TypedDict):
    """Of `ConsentChanged`."""

    member_id: str
    originator_version: int
    occurred_at: str
    purpose: str
    channel: NotRequired[str]
    granted: bool


class Erased(TypedDict):
    """Of `PersonalDataErased`."""

    member_id: str
    occurred_at: str


class Merged(TypedDict):
    """Of `MemberMerged` and `MemberParted`: the cards that the member holds no longer."""

    member_id: str
    card_ids: list[str]


class MergedInto(Merged):
    """Of `MemberMerged` and `MemberUnmerged`."""

    originator_version: int
    survivor_id: str


class Assigned(TypedDict):
    """Of `CardAssigned` and `CardUnlinked`; their stream is the card."""

    originator_id: str
    member_id: str


class Created(TypedDict):
    """Of `CampaignCreated`."""

    campaign_id: str
    title: str
    starts_at: str
    ends_at: str
    everyone: bool
    conditions: dict[str, Any]
    effect: dict[str, Any]
    priority: int
    tiers: NotRequired[list[str]]
    segment: NotRequired[str]
    budget: NotRequired[dict[str, Any]]
    limits: NotRequired[dict[str, Any]]


class Drawn(TypedDict):
    """Of `BudgetDrawn`."""

    campaign_id: str
    occurred_at: str
    points: int
    amount_minor: int


class Listed(TypedDict):
    """Of `AudienceListed`."""

    campaign_id: str
    card_ids: list[str]
    member_ids: list[str]


class Defined(TypedDict):
    """Of `SegmentDefined`."""

    segment_id: str
    version: int
    title: str
    effective_from: str
    definition: dict[str, Any]


class CodeIssued(TypedDict):
    """Of `ReferralCodeIssued`."""

    member_id: str
    code: str
    occurred_at: str


class Referred(TypedDict):
    """Of `ReferralJoined`."""

    member_id: str
    referrer_id: str
    code: str
    held: bool
    occurred_at: str


class Rewarded(TypedDict):
    """Of one side of `ReferralRewarded`."""

    points: int
    coupon: NotRequired[str]


class OfReferral(TypedDict):
    """Of everything that happens to a referral after the joining."""

    member_id: str
    originator_version: int
    occurred_at: str
    actor: str
    purchase_id: NotRequired[str]
    pays_at: NotRequired[str]
    reason: NotRequired[str]
    referrer: NotRequired[Rewarded]
    referee: NotRequired[Rewarded]


class Published(TypedDict):
    """Of `ProgrammePublished`; the policy's own model reads the rest when it is asked for."""

    programme: str
    version: int
    policy: dict[str, Any]


SHAPES = {
    "MemberJoined.v1": Joined,
    "ProfileChanged.v1": Profiled,
    "ConsentChanged.v1": Consented,
    "PersonalDataErased.v1": Erased,
    "CardAssigned.v1": Assigned,
    "CardUnlinked.v1": Assigned,
    "MemberMerged.v1": MergedInto,
    "MemberUnmerged.v1": MergedInto,
    "MemberParted.v1": Merged,
    "CampaignCreated.v1": Created,
    "AudienceListed.v1": Listed,
    "BudgetDrawn.v1": Drawn,
    "SegmentDefined.v1": Defined,
    "ReferralCodeIssued.v1": CodeIssued,
    "ReferralJoined.v1": Referred,
    "ReferralReviewed.v1": OfReferral,
    "ReferralQualified.v1": OfReferral,
    "ReferralDisqualified.v1": OfReferral,
    "ReferralRewarded.v1": OfReferral,
    "ReferralRewardMoved.v1": OfReferral,
    "ReferralRejected.v1": OfReferral,
    "ReferralReversed.v1": OfReferral,
    "ProgrammePublished.v1": Published,
    **POINTS,
    **REWARDS,
}
"""What is read of each fact. A fact that is not in here is passed over without a look at its JSON."""

_READERS = {name: TypeAdapter[Any](shape).validator for name, shape in SHAPES.items()}


class Told:
    """One fact that came in its turn. Its JSON is read once, for all projections, when the first one asks."""

    __slots__ = ("_body", "key", "name", "position", "value")

    def __init__(self, name: str, position: int, key: bytes, value: bytes) -> None:
        self.name = name
        self.position = position
        self.key = key
        self.value = value
        self._body: Any = None

    @property
    def body(self) -> Any:
        if self._body is None:
            self._body = _READERS[self.name].validate_json(self.value)
        return self._body
