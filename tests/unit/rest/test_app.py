"""Tests requests and their answers: tokens, bodies, parameters, ETags, request ids."""

import json
from typing import Any

import falcon.testing
import pytest

Client = falcon.testing.TestClient


def test_a_record_is_made_and_can_be_found_where_the_answer_says(client: Client) -> None:
    """A POST answers 201 with the record and its place."""
    made = client.simulate_post("/v1/things", json={"name": "one"})

    assert made.status_code == 201
    assert made.json == {"id": "thing-1", "name": "one"}
    assert client.simulate_get(made.headers["location"]).json == made.json


def test_a_route_wants_a_token(anonymous: Client) -> None:
    """Without a token nothing is done, and the answer says how to send one."""
    refused = anonymous.simulate_post("/v1/things", json={"name": "one"})

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json["code"] == "unauthorized"
    assert "next_step" in refused.json


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Bearer another", id="unknown"),
        pytest.param("Bearer ", id="empty"),
        pytest.param("Basic YTpi", id="another-scheme"),
    ],
)
def test_a_wrong_token_is_refused_and_not_shown(anonymous: Client, header: str) -> None:
    """Whatever is not a token of ours is answered with 401."""
    refused = anonymous.simulate_get("/v1/things", headers={"Authorization": header})

    assert refused.status_code == 401
    assert "another" not in refused.text


def test_an_open_route_wants_none(anonymous: Client) -> None:
    """Agents download their code before they have a token."""
    assert anonymous.simulate_get("/v1/files/drone").content == b"drone"


def test_an_unknown_path_is_a_problem(client: Client) -> None:
    """A path nobody has is answered with problem+json."""
    refused = client.simulate_get("/v1/nothing")

    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json["code"] == "not_found"


def test_a_wrong_method_names_the_right_ones(client: Client) -> None:
    """A method that a path does not have is answered with those it has."""
    refused = client.simulate_put("/v1/things")

    assert refused.status_code == 405
    assert {"GET", "POST"} <= set(refused.headers["allow"].replace(" ", "").split(","))
    assert refused.json["code"] == "method_not_allowed"


def test_head_is_get_without_a_body(client: Client) -> None:
    """What GET answers, HEAD says the headers of; the token is looked at all the same."""
    told = client.simulate_head("/v1/things")
    refused = client.simulate_head("/v1/things", headers={"Authorization": "Bearer wrong"})

    assert (told.status_code, told.text) == (200, "")
    assert told.headers["content-type"] == "application/json"
    assert refused.status_code == 401


# -- bodies ----------------------------------------------------------------------------------------


def _post(client: Client, body: bytes, content_type: str = "application/json") -> Any:
    return client.simulate_post("/v1/things", body=body, content_type=content_type)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        pytest.param(b'{"name":\n "one",}', "line 2, column 8", id="trailing-comma"),
        pytest.param(b"", "line 1, column 1", id="empty"),
        pytest.param(b'{"name": "\xff"}', "UTF-8", id="not-utf-8"),
        pytest.param(b'{"name": "\\ud800"}', "UTF-8", id="half-a-character"),
        pytest.param(b'{"size": NaN}', "number", id="not-a-number"),
        pytest.param(b'{"size": -1e999}', "number", id="infinite"),
        pytest.param(b'{"size": ' + b"9" * 5000 + b"}", "number", id="endless-number"),
        pytest.param(b"[" * 200_000, "deep", id="deep"),
    ],
)
def test_malformed_json_is_answered_with_its_place(client: Client, body: bytes, where: str) -> None:
    """What is not JSON is refused with 400, and the answer says where it stops being it."""
    refused = _post(client, body)

    assert refused.status_code == 400
    assert refused.json["code"] == "malformed_json"
    assert where in refused.json["detail"]


def test_a_body_has_to_say_that_it_is_json(client: Client) -> None:
    """A form is refused with 415."""
    refused = _post(client, b"name=one", "application/x-www-form-urlencoded")

    assert refused.status_code == 415
    assert refused.json["next_step"] == "Send Content-Type: application/json"


def test_a_body_that_is_too_large_is_not_read(client: Client) -> None:
    """More than 4 MiB are refused with 413."""
    refused = _post(client, b'"' + b"x" * (4 * 1024 * 1024) + b'"')

    assert refused.status_code == 413
    assert refused.json["code"] == "body_too_large"


def test_a_body_without_a_length_is_cut_off_too(client: Client) -> None:
    """A chunked body of more than 4 MiB is refused with 413."""
    refused = client.simulate_post(
        "/v1/things",
        body=b"x" * (4 * 1024 * 1024 + 1),
        extras={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )

    assert refused.status_code == 413


def test_every_violation_is_reported_with_its_pointer(client: Client) -> None:
    """All findings come at once."""
    refused = client.simulate_post("/v1/things", json={"name": 1, "size": "big", "colour": "red"})

    assert refused.status_code == 422
    assert refused.json["code"] == "invalid_input"
    assert {f["pointer"] for f in refused.json["findings"]} == {"/colour", "/name", "/size"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"name": "one", "password": ["hunter2"]}, id="of-a-wrong-type"),
        pytest.param(["hunter2"], id="in-a-body-that-is-no-object"),
    ],
)
def test_a_secret_is_never_quoted(
    client: Client, caplog: pytest.LogCaptureFixture, body: object
) -> None:
    """Neither the answer nor the log says what the secret was."""
    refused = client.simulate_post("/v1/things", json=body)

    assert refused.status_code == 422
    assert "hunter2" not in refused.text + caplog.text


# -- parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("limit=0", id="too-small"),
        pytest.param("limit=201", id="too-large"),
        pytest.param("limit=many", id="no-number"),
        pytest.param("limit=", id="empty"),
        pytest.param("limit=1&limit=2", id="twice"),
        pytest.param("limit=²", id="another-digit"),
        pytest.param("colour=red", id="unknown"),
        pytest.param("cursor=bm90aGluZw", id="no-cursor-of-ours"),
        pytest.param("cursor=é", id="no-base64"),
        pytest.param("cursor=Wy0xLG51bGxd", id="a-place-before-the-first"),
        pytest.param("cursor=WzAsICJcdWQ4MDAiXQ", id="half-a-character"),
        pytest.param("cursor=WzAsICJcdTAwMDAiXQ", id="nul-as-an-id"),
        pytest.param("cursor=" + "W1tb" * 900, id="nested-too-deeply"),
        pytest.param("odd=yes", id="neither-true-nor-false"),
    ],
)
def test_a_bad_query_is_refused(client: Client, query: str) -> None:
    """A parameter that is unknown or has a bad value is answered with 422."""
    refused = client.simulate_get("/v1/things", query_string=query)

    assert refused.status_code == 422
    assert refused.json["code"] == "parameter_invalid"
    assert query.partition("=")[0] in refused.json["detail"]


@pytest.mark.parametrize(
    ("target", "status"),
    [("/v1/things/a%00b", 404), ("/v1/things?limit=1%00", 422)],
    ids=["path", "query"],
)
def test_nul_is_looked_for_nowhere(client: Client, target: str, status: int) -> None:
    """PostgreSQL cannot even compare it."""
    refused = client.simulate_get(target)

    assert refused.status_code == status


def test_a_parameter_can_be_true_or_false(client: Client) -> None:
    """Switches are words of JSON."""
    for name in ("one", "two"):
        client.simulate_post("/v1/things", json={"name": name})

    def names(odd: str) -> list[str]:
        items = client.simulate_get("/v1/things", query_string=f"odd={odd}").json["items"]
        return [item["name"] for item in items]

    assert (names("true"), names("false")) == (["one"], ["one", "two"])


# -- ETags -----------------------------------------------------------------------------------------


def test_a_copy_that_is_still_good_is_not_sent_again(client: Client) -> None:
    """If-None-Match with the ETag of the copy is answered with 304."""
    client.simulate_post("/v1/things", json={"name": "one"})
    tag = client.simulate_get("/v1/things/thing-1").headers["etag"]

    again = client.simulate_get("/v1/things/thing-1", headers={"If-None-Match": f'"x", W/{tag}'})

    assert again.status_code == 304
    assert again.headers["etag"] == tag
    assert again.content == b""


def test_a_copy_that_is_old_is_replaced(client: Client) -> None:
    """If-None-Match with another ETag changes nothing."""
    client.simulate_post("/v1/things", json={"name": "one"})

    again = client.simulate_get("/v1/things/thing-1", headers={"If-None-Match": '"old"'})

    assert again.status_code == 200


# -- request ids -----------------------------------------------------------------------------------


def test_a_request_keeps_the_id_it_came_with(client: Client) -> None:
    """An id of the caller's is shown again."""
    answer = client.simulate_get("/v1/things", headers={"X-Request-Id": "mine-1"})

    assert answer.headers["x-request-id"] == "mine-1"


def test_an_id_that_does_not_fit_a_log_is_replaced(client: Client) -> None:
    """Something else than an id gets a new one."""
    answer = client.simulate_get("/v1/things", headers={"X-Request-Id": "a b"})

    assert len(answer.headers["x-request-id"]) == 32


def test_a_change_is_a_line_in_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what was asked and answered, without query and body."""
    with caplog.at_level("INFO", logger="pitrix_core.rest"):
        client.simulate_post("/v1/things", body=json.dumps({"name": "one", "password": "hunter2"}))

    assert "POST /v1/things" in caplog.text
    assert "hunter2" not in caplog.text


def test_what_is_deleted_leaves_nothing_to_tell(client: Client) -> None:
    """A use that returns nothing is answered with 204."""
    client.simulate_post("/v1/things", json={"name": "one"})

    gone = client.simulate_delete("/v1/things/thing-1")

    assert gone.status_code == 204
    assert client.simulate_get("/v1/things/thing-1").status_code == 404
