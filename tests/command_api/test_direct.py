"""What is answered past FastAPI looks to its clients like all the rest."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter, Request, Response

from command_api.direct import Api, Direct
from infra.web import Problem, tell_problems
from tests.builders import join
from tests.command_api.till import Till, problem, till_of
from tests.domain.story import JOINED_AT
from tests.serving import served

DIRECT = ("/purchases", "/purchases/batch", "/quotes")


@pytest.fixture(scope="module")
def till(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    with till_of(module_database_url, tmp_path_factory.mktemp("home"), join(at=JOINED_AT)) as opened:
        yield opened


@pytest.mark.parametrize("path", DIRECT)
class TestDirectRoutes:
    @pytest.mark.parametrize("key", ["", "Bearer", "Bearer ll_till_a_b", "Basic dGlsbDp0aWxs"])
    def test_ask_for_a_key(self, till: Till, path: str, key: str) -> None:
        answer = till.client.post(path, json={}, headers={"Authorization": key} if key else {})
        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_ask_for_its_scope_before_they_read(self, till: Till, path: str) -> None:
        found = problem(till.post(path, {}, scope="analyst"), 403, "forbidden")
        assert found["scopes"] == ["admin", "staff", "till"]

    def test_refuse_what_is_no_json(self, till: Till, path: str) -> None:
        key = {"Authorization": f"bearer {till.keys['till']}"}
        for content, where in (
            (b'{"a": 1,\n}', "line 2 column 1"),
            (b"", "line 1 column 0"),
            (b'{"a": "b', "line 1 column 8"),
        ):
            found = problem(till.client.post(path, content=content, headers=key), 400, "malformed-message")
            assert found["problem"].startswith("not valid JSON: ")
            assert found["problem"].endswith(where)

    def test_have_one_method(self, till: Till, path: str) -> None:
        problem(till.client.get(path), 405, "method-not-allowed")

    def test_are_documented_with_body_answer_and_key(self, till: Till, path: str) -> None:
        document = till.client.get("/openapi.json").json()
        told = document["paths"][path]["post"]
        assert told["security"] == [{"HTTPBearer": []}]
        schemas = document["components"]["schemas"]
        content = [told["requestBody"]["content"]]
        content += [answer["content"] for status, answer in told["responses"].items() if status.startswith("2")]
        assert len(content) >= 2
        for one in content:
            assert one["application/json"]["schema"]["$ref"].rpartition("/")[2] in schemas


def test_an_error_becomes_the_answer_that_it_becomes_elsewhere() -> None:
    app = Api()
    tell_problems(app)
    direct, other = APIRouter(prefix="/direct", route_class=Direct), APIRouter(prefix="/other")

    async def fail(request: Request) -> Response:
        raise Problem("too-busy", 503, "Wait.", headers={"Retry-After": "1"}) if request.query_params else OSError

    for router in (direct, other):
        router.get("")(fail)
        app.include_router(router)

    def told(answer: httpx.Response) -> tuple[int, object, str | None]:
        return answer.status_code, answer.json(), answer.headers.get("Retry-After")

    with served(app) as client:
        for query, status in (("?busy=1", 503), ("", 500)):
            found, expected = (told(client.get(f"/{path}{query}")) for path in ("direct", "other"))
            assert found == expected
            assert found[0] == status
