"""What is asked most is answered past FastAPI: its middleware, routing and dependencies take longer than a decision does."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Direct(APIRoute):
    """A route that takes the request and gives the answer by itself. Its path has no parameters."""

    def get_route_handler(self) -> Endpoint:
        """The endpoint, as it is."""
        handler: Endpoint = self.endpoint
        return handler


class Api(FastAPI):
    """An application that finds its direct routes by itself; FastAPI documents them, and has the others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._direct: dict[tuple[str, str], Endpoint] = {}

    def include_router(self, router: APIRouter, **options: Any) -> None:
        """Add the routes of a router."""
        super().include_router(router, **options)
        for route in router.routes:
            if isinstance(route, Direct):
                self._direct |= dict.fromkeys(((method, route.path) for method in route.methods or ()), route.endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        endpoint = self._direct.get((scope.get("method", ""), scope.get("path", "")))
        if endpoint is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except Exception as error:  # noqa: BLE001 - each has a handler, if only that of all
            response = await self._told(request, error)
        await response(scope, receive, send)

    async def _told(self, request: Request, error: Exception) -> Response:
        """The answer that the same error becomes on other routes."""
        handler = next(self.exception_handlers[kind] for kind in type(error).__mro__ if kind in self.exception_handlers)
        answer = handler(request, error)
        return answer if isinstance(answer, Response) else await answer


def answered(kind: type[BaseModel], told: dict[str, Any], status: int) -> Response:
    """An answer as its model says, unset fields by their defaults."""
    content = kind.__pydantic_serializer__.to_json(kind.model_validate(told))
    return Response(content, status, media_type="application/json")


def answered_as_told(told: dict[str, Any], status: int) -> Response:
    """An answer that has all of its fields; its model would look at each of them once more."""
    return Response(to_json(told), status, media_type="application/json")
