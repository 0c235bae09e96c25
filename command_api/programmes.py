"""Programmes: publishing a version, and linting one before."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from command_api.answers import FindingTold, VersionPublishedAnswer, told
from command_api.bodies import IdempotencyKey, body_of, documented
from command_api.door import TheDoor
from domain.lint import lint_document
from domain.messages.identity import Identity
from domain.messages.programmes import LintBody, PolicyBody, publish_command
from domain.refusals import InvalidField
from infra.keys import Principal
from infra.web import requires

router = APIRouter(prefix="/programmes", tags=["programmes"])

Body = Annotated[PolicyBody, Depends(body_of(PolicyBody))]
Name = Annotated[str, Path(description="The programme's name, the same as in the policy.")]
Admin = Annotated[Principal, Depends(requires("admin"))]


@router.post("/lint", response_model=list[FindingTold], openapi_extra=documented(LintBody))
def lint_programme(
    _: Annotated[Principal, Depends(requires("staff", "analyst"))],
    body: Annotated[LintBody, Depends(body_of(LintBody))],
) -> list[dict[str, Any]]:
    """What the linter finds in a policy, or in a draft of one; nothing is published."""
    return [finding._asdict() for finding in lint_document(body.document())]


@router.post(
    "/{name}/versions", status_code=201, response_model=VersionPublishedAnswer, openapi_extra=documented(PolicyBody)
)
async def publish_version(
    admin: Admin, name: Name, body: Body, the_door: TheDoor, idempotency_key: IdempotencyKey = None
) -> dict[str, Any]:
    """Publish the next version; it is immutable from then on."""
    if body.policy.name != name:
        raise InvalidField(field="policy.name", problem="differs from the name in the path")
    identity = Identity.of(admin.owner, idempotency_key)
    command = publish_command(body.policy, identity=identity, now=datetime.now(UTC), forced_reason=body.forced_reason)
    return told(await the_door.one(command))
