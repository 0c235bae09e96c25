"""Changes of what is known of a member, read strictly and turned into commands."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.commands.personal_data import ChangeProfile
from domain.member import Consent
from domain.messages.identity import Identity
from domain.messages.members import MemberPatch, change_command, erase_command
from domain.messages.reading import read
from domain.personal_data import Sealed
from domain.refusals import InvalidField, Refusal
from infra.personal_data import PersonalData
from tests.builders import ANN, BOB, KEYS

NOW = datetime(2023, 5, 2, 4, tzinfo=UTC)


class Unasked(PersonalData):
    """Sealing for members without a key: no database is asked."""

    def seal(self, member_id: Any, fields: Any) -> Any:
        return self.seal_first(member_id, fields)


def changing(key: str | None = "k", member: Any = ANN, **body: Any) -> ChangeProfile:
    read_body = read(MemberPatch, json.dumps(body), strictly=True)
    return change_command(
        read_body, member_id=member, identity=Identity.of("staff", key), sealing=Unasked(None, KEYS), now=NOW
    )


def refusal(**body: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        changing(**body)
    return refused.value


def sealed(command: ChangeProfile) -> Sealed:
    assert command.personal is not None
    return command.personal


def test_what_is_left_out_stays_and_null_takes_back() -> None:
    command = changing(name="Ann", phone=None, language=None)
    assert set(sealed(command).texts) == {"name"}
    assert (command.removed, command.language) == (["phone", "language"], None)
    assert (command.member_id, command.occurred_at) == (ANN, NOW)


def test_an_empty_change_asks_for_nothing() -> None:
    command = changing()
    assert (command.personal, command.removed, command.language, command.consents) == (None, [], None, [])


def test_consents_are_asked_for_by_purpose_or_channel_by_channel() -> None:
    command = changing(consents={"mail": True, "ads": {"sms": None, "email": False}, "study": None})
    assert command.consents == [
        Consent("ads", "email", False), Consent("ads", "sms", None), Consent("mail", None, True), Consent("study", None, None),
    ]  # fmt: skip


def test_a_repeat_is_known_by_its_content_though_it_is_sealed_anew() -> None:
    ads = {"email": True, "sms": False}
    one = changing(name="Ann", consents={"ads": ads})
    other = changing(consents={"ads": dict(reversed(ads.items()))}, name="Ann")
    assert (one.id, one.fingerprint) == (other.id, other.fingerprint)
    assert sealed(one).texts != sealed(other).texts
    others = [changing(name="Bob"), changing(name=None), changing(), changing(member=BOB, name="Ann")]
    assert len({one.fingerprint, *(command.fingerprint for command in others)}) == 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "ann"}, "email"), ({"phone": "no"}, "phone"), ({"birth_date": "soon"}, "birth_date"), ({"birth_date": "2023-05-04"}, "birth_date"),
        ({"language": "Chinese"}, "language"), ({"consents": None}, "consents"), ({"consents": {"mail": "maybe"}}, "consents.mail"),
        ({"consents": {"mail": {"sms": "maybe"}}}, "consents.mail.sms"), ({"card": "1001"}, "card"), ({"registered_at": "2023-03-15T10:00:00Z"}, "registered_at"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_changed_so_is_named(body: dict[str, Any], field: str) -> None:
    refused = refusal(**body)
    assert isinstance(refused, InvalidField)
    assert refused.field == field


def test_an_erasure_is_known_by_member_and_reason() -> None:
    identity = Identity.of("staff", "k")
    one, other = (erase_command(ANN, reason=reason, identity=identity, now=NOW) for reason in ("member-request", "law"))
    assert (one.id, one.member_id, one.occurred_at) == (other.id, ANN, NOW)
    assert one.fingerprint != other.fingerprint
