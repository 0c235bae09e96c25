"""The page at `/docs` of both doors, none of which comes from elsewhere: a ledger may stand where no other host is reached."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

REFERENCES = "#/components/schemas/{model}"


class ProblemTold(BaseModel):
    """What is in the way, as RFC 9457 has it; beside these it has fields of its own, such as the sums that differ."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:loyalty:<name>`, a name that stays, by which programs tell problems apart.")
    title: str = Field(description="The name in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What it means, and what to do.")


DOCUMENTED: dict[str, Any] = {
    "docs_url": None,  # FastAPI's own pages load their scripts from other hosts
    "redoc_url": None,
    "responses": {
        "default": {
            "description": "A problem: what is in the way, and what to do.",
            "content": {"application/problem+json": {"schema": {"$ref": REFERENCES.format(model="ProblemTold")}}},
        }
    },
}
"""Options of an application whose documentation is served here."""
_PAGE, _PARTS = "/docs", "/docs/parts"
_ONLY_OURS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
"""What a browser lets the page ask for, whatever its script may think of. The page's own few lines stand in its text."""


def serve_documentation(app: FastAPI, kinds: Sequence[type[BaseModel]] = ()) -> None:
    """Add the page, and the script and style that it is made of; and to the document what routes read by themselves."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            read: list[type[BaseModel]] = [ProblemTold, *kinds]
            _, ours = models_json_schema([(one, "validation") for one in read], ref_template=REFERENCES)
            document.setdefault("components", {}).setdefault("schemas", {}).update(ours["$defs"])
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents
    app.mount(_PARTS, StaticFiles(packages=[("fastapi_offline", "static")]), name="documentation")

    @app.get(_PAGE, include_in_schema=False)
    async def documentation(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        parts = root + _PARTS
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{parts}/swagger-ui-bundle.js",
            swagger_css_url=f"{parts}/swagger-ui.css",
            swagger_favicon_url=f"{parts}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},  # or the document is sent to a validator elsewhere
        )
        page.headers["Content-Security-Policy"] = _ONLY_OURS
        return page
