"""Asking the running product: what is not there is an answer, what goes wrong is not."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from cli.demo.answers import ProductAnswers

ANN = UUID("2f103a17-6638-5234-9a3e-1a98a3d1ca54")


def door(request: httpx.Request) -> httpx.Response:
    """A Query API that knows one card and one campaign."""
    if request.headers.get("authorization") != "Bearer key":
        return httpx.Response(401)
    match request.url.path, request.url.params.get("card"):
        case "/members", "900000001":
            return httpx.Response(200, json={"member_id": str(ANN), "position": 7})
        case "/campaigns/cj-campaign-1/analytics", None:
            window = {"starts_at": "2017-03-03T05:00:00Z", "ends_at": "2017-04-10T00:00:00-04:00"}
            return httpx.Response(200, json={**window, "targeted": 13})
    return httpx.Response(404)


def asking(key: str = "key") -> ProductAnswers:
    http = httpx.Client(
        transport=httpx.MockTransport(door), base_url="http://query", headers={"authorization": f"Bearer {key}"}
    )
    return ProductAnswers(http=http, read_database_url="")


def test_a_card_that_nobody_holds_is_left_out() -> None:
    assert asking().members(["900000001", "900000002"]) == {"900000001": ANN}


def test_times_of_a_campaign_are_instants() -> None:
    assert asking().analytics("cj-campaign-1") == {
        "starts_at": datetime(2017, 3, 3, 5, tzinfo=UTC),
        "ends_at": datetime(2017, 4, 10, 4, tzinfo=UTC),
        "targeted": 13,
    }


def test_an_unknown_campaign_is_none() -> None:
    assert asking().analytics("cj-campaign-99") is None


def test_a_refused_key_is_an_error_not_an_empty_answer() -> None:
    with pytest.raises(httpx.HTTPStatusError):
        asking("wrong").members(["900000001"])
