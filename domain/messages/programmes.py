"""Programmes as they are published, from YAML or over HTTP, and the command that they become."""

from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from domain.commands.programmes import PublishProgramme
from domain.document import Document, keys_of, read_yaml
from domain.lint import lint, lint_document
from domain.lint.shape import shape_errors
from domain.messages.identity import Identity
from domain.messages.reading import Message, canonical, fingerprint
from domain.programme import SHIPPED, Policy
from domain.refusals import InvalidField, PolicyRefused


class PolicyBody(Message):
    """The body of `POST /programmes/{name}/versions`."""

    policy: Policy = Field(description="All rules of the version.")
    forced_reason: str | None = Field(
        default=None, min_length=10, max_length=1_000, description="Why a version with linter errors is published."
    )


class LintBody(Message):
    """The body of `POST /programmes/lint`: a policy, or a draft with gaps, as JSON or as the text of a YAML file."""

    policy: dict[str, Any] | None = Field(default=None, description="The policy as JSON, or else `yaml`.")
    yaml: str | None = Field(
        default=None, max_length=200_000, description="The text of a YAML file; findings then tell their lines."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.policy is None) == (self.yaml is None):
            raise ValueError("give either `policy` or `yaml`")
        return self

    def document(self) -> Document:
        return Document(self.policy, "") if self.yaml is None else read_yaml(self.yaml, file="yaml")


def read_policy(document: Document) -> Policy:
    """The policy that a file holds. All that is wrong with it is told, each with its place, line and column."""
    wrong = shape_errors(document.data)
    if wrong:
        raise PolicyRefused(findings=tuple(f"{_at(document, one.place)}: {one.message}" for one in wrong))
    return Policy.model_validate(document.data)


def policy_from_yaml(text: str, *, file: str = "") -> Policy:
    """A policy from the text of a file."""
    return read_policy(read_yaml(text, file=file))


def shipped_file(name: str) -> Path:
    """The file of a programme that comes with the ledger."""
    path = SHIPPED / f"{name}.yaml"
    if not path.exists():
        raise InvalidField(
            field="programme", problem=f"shipped are {', '.join(sorted(p.stem for p in SHIPPED.glob('*.yaml')))}"
        )
    return path


def shipped(name: str) -> Policy:
    """A programme that comes with the ledger."""
    path = shipped_file(name)
    return policy_from_yaml(path.read_text(encoding="utf-8"), file=path.name)


def _at(document: Document | None, place: str) -> str:
    spot = document.spot(keys_of(place)) if document is not None else None
    return f"{document.file}:{spot.line}:{spot.column}: {place or 'the whole'}" if document and spot else place


def publish_command(
    policy: Policy,
    *,
    identity: Identity,
    now: datetime,
    forced_reason: str | None = None,
    document: Document | None = None,
) -> PublishProgramme:
    """The command of a version. One with linter errors is refused, unless somebody says why it must be.

    `document`: the file that it was read from, so that errors are told with their lines.
    """
    findings = lint(policy) if document is None else lint_document(document)
    errors = tuple(f"{_at(document, one.place)}: {one.message}" for one in findings if one.level == "error")
    if errors and forced_reason is None:
        raise PolicyRefused(findings=errors)
    return PublishProgramme(
        **identity.fields(),
        occurred_at=now,
        fingerprint=fingerprint(canonical(policy), (forced_reason or "").encode()),
        policy=policy,
        forced_reason=forced_reason if errors else None,
    )
