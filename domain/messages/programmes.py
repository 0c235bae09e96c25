"""Programmes as they are published, from YAML or over HTTP, and the command that they become."""

from datetime import datetime
from typing import Any

import yaml
from pydantic import Field, ValidationError

from domain.commands.programmes import PublishProgramme
from domain.lint import lint
from domain.messages.identity import Identity
from domain.messages.reading import Message, canonical, fingerprint, refusal_of
from domain.programme import SHIPPED, Policy
from domain.refusals import InvalidField, MalformedMessage, PolicyRefused


class PolicyBody(Message):
    """The body of `POST /programmes/{name}/versions` and of `POST /programmes/lint`."""

    policy: Policy
    forced_reason: str | None = Field(
        default=None, min_length=10, max_length=1_000, description="Why a version with linter errors is published."
    )


def policy_from_yaml(text: str) -> Policy:
    """A policy from a file; what is wrong is told with its place."""
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MalformedMessage(problem=f"not valid YAML: {error}") from error
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        raise refusal_of(error) from None


def shipped(name: str) -> Policy:
    """A programme that comes with the ledger."""
    path = SHIPPED / f"{name}.yaml"
    if not path.exists():
        raise InvalidField(
            field="programme", problem=f"shipped are {', '.join(sorted(p.stem for p in SHIPPED.glob('*.yaml')))}"
        )
    return policy_from_yaml(path.read_text(encoding="utf-8"))


def publish_command(
    policy: Policy, *, identity: Identity, now: datetime, forced_reason: str | None = None
) -> PublishProgramme:
    """The command of a version. One with linter errors is refused, unless somebody says why it must be."""
    errors = tuple(f"{found.place}: {found.message}" for found in lint(policy) if found.level == "error")
    if errors and forced_reason is None:
        raise PolicyRefused(findings=errors)
    return PublishProgramme(
        **identity.fields(),
        occurred_at=now,
        fingerprint=fingerprint(canonical(policy), (forced_reason or "").encode()),
        policy=policy,
        forced_reason=forced_reason if errors else None,
    )
