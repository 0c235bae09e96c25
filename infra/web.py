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

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        names = {404: "unknown-route", 405: "method-not-allowed"}
        return Problem(
            names.get(error.status_code, "http-error"), error.status_code, str(error.detail), headers=error.headers
        ).response()

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        log.error("a request failed", exc_info=error)
        return Problem("internal-error", 500, "Repeat the request; if it fails again, ask the operator.").response()


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
