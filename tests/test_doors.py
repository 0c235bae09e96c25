"""What both doors have in common: what they say of themselves, and how they begin."""

import asyncio
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query

import command_api.app
import query_api.app
from infra.keys import Keyring
from infra.personal_data import PersonalData
from infra.settings import Settings
from infra.web import find_routes
from tests.builders import ANN, KEYS, SEALING, card_id
from tests.command_api.till import problem
from tests.ledger import Ledger
from tests.serving import served

Doors = dict[str, httpx.Client]


@pytest.fixture(scope="module")
def doors(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(database_url=module_database_url, data_dir=home)
    with Ledger(module_database_url) as ledger, ExitStack() as serving:
        keyring = Keyring(settings)
        commands = command_api.app.create_app(
            ledger.writer(), keyring=keyring, card_ids=card_id, personal_data=SEALING, signing=KEYS, most_waiting=1
        )
        queries = query_api.app.create_app(
            settings, keyring=keyring, card_id=card_id, personal_data=PersonalData(module_database_url, KEYS)
        )
        yield {name: serving.enter_context(served(app)) for name, app in (("commands", commands), ("queries", queries))}


@pytest.mark.parametrize("door", ["commands", "queries"])
def test_the_page_and_all_that_it_is_made_of_come_from_the_door_itself(doors: Doors, door: str) -> None:
    page = doors[door].get("/docs")
    assert re.findall(r"(?:https?:)?//[^\s\"'/]+", page.text) == [], "it names no other host"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"], "nor may its script ask one"
    assert '"validatorUrl": null' in page.text
    asked = re.findall(r"(?:src|href|url)[=:] ?[\"']([^\"']+)", page.text)
    assert len(asked) == 4
    kinds = {path: doors[door].get(path).raise_for_status().headers["Content-Type"].split(";")[0] for path in asked}
    assert set(kinds.values()) == {"text/css", "image/png", "text/javascript", "application/json"}


@pytest.mark.parametrize("door", ["commands", "queries"])
def test_there_is_no_other_page_and_nothing_else_of_the_package(doors: Doors, door: str) -> None:
    for path in ("/redoc", "/docs/parts/", "/docs/parts/%2e%2e/core.py", "/docs/oauth2-redirect"):
        assert doors[door].get(path).status_code == 404, path


ASKED = [("commands", "POST", "/purchases"), ("commands", "PATCH", f"/members/{ANN}"), ("queries", "GET", "/members")]


@pytest.mark.parametrize(("door", "method", "path"), ASKED)
def test_a_slash_at_the_end_is_another_route_which_is_said_and_never_redirected(
    doors: Doors, door: str, method: str, path: str
) -> None:
    answer = doors[door].request(method, f"{path}/")
    assert problem(answer, 404, "unknown-route") == {"method": method, "path": f"{path}/"}
    assert answer.json()["detail"] == (
        f"There is no route {method} {path}/. Leave out the slash at its end: {path}."
        " The routes are listed at /docs and /openapi.json."
    )


@pytest.mark.parametrize("door", ["commands", "queries"])
@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/", "/docs/parts/nothing.js", "/docs/parts/nothing.js/", "/"])
def test_what_is_nowhere_is_told_with_the_place_where_the_routes_are(doors: Doors, door: str, path: str) -> None:
    answer = doors[door].get(path)
    problem(answer, 404, "unknown-route")
    assert answer.json()["detail"] == f"There is no route GET {path}. The routes are listed at /docs and /openapi.json."


@pytest.mark.parametrize(
    ("door", "method", "path", "allowed"),
    [
        ("commands", "GET", "/purchases", ["POST"]),
        ("commands", "PUT", f"/members/{ANN}", ["PATCH"]),
        ("commands", "GET", "/members/batch", ["PATCH", "POST"]),  # an id might be anything, as far as the path goes
        ("queries", "POST", "/members", ["GET"]),
        ("queries", "POST", "/openapi.json", ["GET", "HEAD"]),
        ("queries", "POST", "/docs/parts/swagger-ui.css", ["GET", "HEAD"]),
    ],
)
def test_a_method_that_a_path_does_not_take_is_told_with_all_that_it_takes(
    doors: Doors, door: str, method: str, path: str, allowed: list[str]
) -> None:
    answer = doors[door].request(method, path)
    assert problem(answer, 405, "method-not-allowed") == {"method": method, "path": path, "allowed": allowed}
    assert answer.headers["Allow"] == ", ".join(allowed)
    assert answer.json()["detail"] == f"{path} does not take {method}. It takes {' and '.join(allowed)}."


@pytest.mark.parametrize("door", ["commands", "queries"])
def test_every_field_and_every_parameter_is_described(doors: Doors, door: str) -> None:
    document = doors[door].get("/openapi.json").json()
    asked = [(path, verb, route) for path, verbs in document["paths"].items() for verb, route in verbs.items()]
    silent = [f"{verb} {path}" for path, verb, route in asked if "description" not in route]
    silent += [
        f"{verb} {path} {one['name']}"
        for path, verb, route in asked
        for one in route.get("parameters", ())
        if "description" not in one
    ]
    for name, schema in document["components"]["schemas"].items():
        silent += [name] if not schema.get("description") else []
        silent += [
            f"{name}.{field}" for field, told in schema.get("properties", {}).items() if "description" not in told
        ]
    assert silent == []


@pytest.mark.parametrize("door", ["commands", "queries"])
def test_what_is_told_where_something_is_in_the_way_is_documented_as_it_is(doors: Doors, door: str) -> None:
    document = doors[door].get("/openapi.json").json()
    told = document["components"]["schemas"]["ProblemTold"]
    for verbs in document["paths"].values():
        for route in verbs.values():
            content = route["responses"]["default"]["content"]
            assert content["application/problem+json"]["schema"]["$ref"].endswith("/ProblemTold")
            assert "422" not in route["responses"], "FastAPI's own words for it are not used"
    answer = doors[door].get("/nowhere")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(told["required"]) <= set(answer.json())


def test_no_request_waits_for_routes_to_be_found_nor_silences_the_warnings_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, router = FastAPI(), APIRouter()

    @router.get("/told")
    async def told(begins: Annotated[str, Query(alias="from")]) -> str:
        return begins

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door") as client:
            return await client.get("/told?from=here")

    app.include_router(router)
    find_routes(app)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(warnings, "catch_warnings", None)
        answer = asyncio.run(asked())
    assert answer.json() == "here"
