"""The page at `/docs` of both doors, none of which comes from elsewhere: a ledger may stand where no other host is reached."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

NO_PAGES: dict[str, Any] = {"docs_url": None, "redoc_url": None}
"""Options of an application that leave out FastAPI's own pages, which load their scripts from other hosts."""
_PAGE, _PARTS = "/docs", "/docs/parts"
_ONLY_OURS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
"""What a browser lets the page ask for, whatever its script may think of. The page's own few lines stand in its text."""


def serve_documentation(app: FastAPI) -> None:
    """Add the page, and the script and style that it is made of."""
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
