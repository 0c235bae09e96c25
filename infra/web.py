"""What both HTTP doors share: problems as RFC 9457 tells them, and bearer keys with scopes."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from infra.keys import Principal

log = logging.getLogger(__name__)

BEARER: dict[str, Any] = {"security": [{"HTTPBearer": []}]}
"""What OpenAPI says of a route that asks for the key by itself."""
_bearer = HTTPBearer(auto_error=False, description="A key made by `loyalty keys create`.")


class Problem(Exception):
    """Something that a client is told: a stable name, a status, what to do, and fields."""

    def __init__(
        self, name: str, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> None:
        super().__init__(name)
        self.name = name
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.fields = fields

    def response(self) -> JSONResponse:
        """The problem as `application/problem+json`."""
        told = {
            **self.fields,
            "type": f"urn:loyalty:{self.name}",
            "title": self.name.replace("-", " "),
            "status": self.status,
            "detail": self.detail,
        }
        return JSONResponse(
            jsonable_encoder(told), self.status, headers=self.headers, media_type="application/problem+json"
        )


def tell_problems(app: FastAPI) -> None:
    """Let every error of an application leave it as a problem."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = [".".join(map(str, one["loc"])) for one in error.errors()]  # never the values: they may be personal
        problems = [str(one["msg"]) for one in error.errors()]
        return Problem(
            "invalid-request", 422, "Correct the fields that are named.", fields=fields, problems=problems
        ).response()

    @app.exception_handler(404)
    async def nowhere(request: Request, _: HTTPException) -> JSONResponse:
        return _unknown_route(app, request).response()

    @app.exception_handler(405)
    async def otherwise(request: Request, _: HTTPException) -> JSONResponse:
        return _method_not_allowed(app, request).response()

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return Problem("http-error", error.status_code, str(error.detail), headers=error.headers).response()

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", exc_info=error)
        return Problem("internal-error", 500, "Repeat the request; if it fails again, ask the operator.").response()


def _unknown_route(app: FastAPI, request: Request) -> Problem:
    method, path = request.method, request.scope["path"]
    bare = path.rstrip("/")
    slash = f" Leave out the slash at its end: {bare}." if bare != path and _methods(app, request, bare) else ""
    detail = f"There is no route {method} {path}.{slash} The routes are listed at /docs and /openapi.json."
    return Problem("unknown-route", 404, detail, method=method, path=path)


def _method_not_allowed(app: FastAPI, request: Request) -> Problem:
    method, path = request.method, request.scope["path"]
    allowed = _methods(app, request, path) or ["GET", "HEAD"]  # parts of the documentation
    detail = f"{path} does not take {method}. It takes {' and '.join(allowed)}."
    return Problem(
        "method-not-allowed", 405, detail, headers={"Allow": ", ".join(allowed)}, method=method, path=path, allowed=allowed
    )  # fmt: skip


def _methods(app: FastAPI, request: Request, path: str) -> list[str]:
    """Those that a path takes, of all the routes that it fits; Starlette names those of the first."""
    root = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    asked = {"type": "http", "path": path, "root_path": root, "headers": []}
    return [
        method for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in app.routes if not isinstance(route, Mount))
    ]  # fmt: skip


def find_routes(app: FastAPI) -> None:
    """Have FastAPI work out the routes now: else each router's first request waits for it, some 50 ms in all.

    It silences warnings meanwhile, which is a matter of the whole process: where applications in threads of their own do so
    at once, some get through.
    """
    nowhere = {"type": "http", "method": "GET", "path": "", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


def requires(*scopes: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency that lets in keys of these scopes, and of `admin` always."""

    async def let_in(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Principal:
        return await admitted(request, *scopes)

    return let_in


async def admitted(request: Request, *scopes: str) -> Principal:
    """The holder of the request's key, if its scope opens this."""
    keyring = request.app.state.keyring
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    principal: Principal | None = None
    if scheme.lower() == "bearer":
        principal = keyring.known(key) or await run_in_threadpool(keyring.principal, key)
    if principal is None:
        raise Problem(
            "unauthorized",
            401,
            "Send `Authorization: Bearer <key>` with a key made by `loyalty keys create`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if principal.scope not in {*scopes, "admin"}:
        raise Problem("forbidden", 403, "The key's scope does not open this.", scopes=sorted({*scopes, "admin"}))
    return principal
