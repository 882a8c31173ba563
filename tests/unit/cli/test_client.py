"""The client of the REST API."""

import socket

import pytest
from stand_in import StandIn

from pitrix_core.cli.client import Api, UnreachableError
from pitrix_core.cli.problems import ApiError


def test_a_list_is_read_page_by_page(api: StandIn) -> None:
    """Every page is fetched, with the cursor of the one before."""
    api.answers("GET", "/v1/apps", {"items": [1], "next_cursor": "abc"}, {"items": [2]})

    with Api(api.url, token="t") as client:
        items = client.items("/v1/apps", search="x", repo=None)

    assert items == [1, 2]
    assert [asked.query for asked in api.requests] == [
        {"search": "x", "limit": "200"},
        {"search": "x", "limit": "200", "cursor": "abc"},
    ]


def test_the_token_is_shown(api: StandIn) -> None:
    """Requests carry the token as a bearer's."""
    api.answers("GET", "/v1/apps/a", {})

    with Api(api.url, token="secret") as client:
        client.get("/v1/apps/a")

    assert api.requests[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_every_change_has_a_key_of_its_own(api: StandIn, method: str) -> None:
    """Two changes have two idempotency keys."""
    api.answers(method, "/v1/repos", {})

    with Api(api.url, token=None) as client:
        send = client.post if method == "POST" else client.delete
        send("/v1/repos")
        send("/v1/repos")

    keys = [asked.headers["Idempotency-Key"] for asked in api.requests]
    assert len(set(keys)) == 2


def test_reading_has_no_key(api: StandIn) -> None:
    """What changes nothing needs no key."""
    api.answers("GET", "/v1/apps/a", {})

    with Api(api.url, token=None) as client:
        client.get("/v1/apps/a")

    assert "Idempotency-Key" not in api.requests[0].headers


def test_an_answer_without_content_is_nothing(api: StandIn) -> None:
    """204 is None."""
    api.answers("DELETE", "/v1/runtimes/r", None, status=204)

    with Api(api.url, token=None) as client:
        assert client.delete("/v1/runtimes/r") is None


def test_a_problem_is_an_error_with_everything_in_it(api: StandIn) -> None:
    """A problem document becomes an error with message, status and next step."""
    problem = {"title": "Conflict", "detail": "It is taken.", "next_step": "Choose another."}
    api.answers("POST", "/v1/repos", problem, status=409)

    with Api(api.url, token=None) as client, pytest.raises(ApiError) as caught:
        client.post("/v1/repos", {})

    assert caught.value.message == "It is taken."
    assert caught.value.next_step == "Choose another."
    assert caught.value.status == 409


def test_an_answer_that_is_no_problem_document_is_told_by_its_status(api: StandIn) -> None:
    """A proxy's own error names the request and the status."""
    api.answers("GET", "/v1/apps/a", "bad gateway", status=502)

    with Api(api.url, token=None) as client, pytest.raises(ApiError, match="GET /v1/apps/a: 502"):
        client.get("/v1/apps/a")


def test_a_server_that_is_not_there_says_how_to_start_one() -> None:
    """A refused connection names the address and the next step."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

    with Api(url, token=None) as client, pytest.raises(UnreachableError) as caught:
        client.get("/v1/apps")

    assert url in caught.value.message
    assert "pitrix serve" in str(caught.value.next_step)


def test_health_is_asked_without_failing(api: StandIn) -> None:
    """A server that answers is healthy; one that has gone is not."""
    api.answers("GET", "/healthz", {"status": "ok"})

    with Api(api.url, token=None) as client:
        assert client.is_healthy()

    with Api("http://127.0.0.1:1", token=None) as client:
        assert not client.is_healthy()
