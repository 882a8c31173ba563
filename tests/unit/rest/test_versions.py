"""Versions over HTTP: uploaded, released, and read by others as from any repo."""

import base64
import sys
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

import core_world  # found by the line above

from pitrix_core.package import read_index
from pitrix_core.rest.app import make_app
from pitrix_core.service.services import Services
from pitrix_core.store import Store

Client = falcon.testing.TestClient
#: Of the fixture `store`.
TOKEN = "the-admin's-token"


@pytest.fixture
def services(store: Store, tmp_path: Path) -> Services:
    """A process whose app type reads notes."""
    made: Services = core_world.make_services(store, tmp_path, core_world.registry_of())
    return made


@pytest.fixture
def api(services: Services) -> Client:
    """A client of the whole API, as the admin."""
    return Client(make_app(services), headers={"Authorization": f"Bearer {TOKEN}"})


def upload(api: Client, content: bytes | None = None, **headers: str) -> Any:
    """Upload a note."""
    body = core_world.note() if content is None else content
    octets = {"Content-Type": "application/octet-stream", **headers}
    return api.simulate_post("/v1/apps", body=body, headers=octets)


def test_an_upload_is_answered_with_the_version(api: Client) -> None:
    """And where it is."""
    answer = upload(api)

    assert answer.status_code == 201
    assert answer.json["state"] == "draft"
    assert answer.headers["Location"] == f"/v1/app_versions/{answer.json['id']}"
    assert api.simulate_get(answer.headers["Location"]).json["digest"] == answer.json["digest"]


def test_another_version_is_uploaded_to_its_app(api: Client) -> None:
    """By the app's name as well as by its id."""
    first = upload(api).json

    second = api.simulate_post("/v1/apps/app/versions", body=core_world.note(version="2.0.0"))

    assert (second.status_code, second.json["app_id"]) == (201, first["app_id"])


def test_an_upload_sent_again_with_its_key_is_answered_as_before(api: Client) -> None:
    """As every change."""
    answers = [upload(api, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].json == answers[1].json


def test_findings_are_answered_at_once(api: Client) -> None:
    """With everything that was found."""
    answer = upload(api, core_world.note(findings=["error", "warning"]))

    assert answer.status_code == 422
    assert [finding["message"] for finding in answer.json["findings"]] == ["a error", "a warning"]


def test_an_archive_may_be_larger_than_json(api: Client) -> None:
    """It is refused for what it is, not for its size."""
    answer = upload(api, bytes(5 * 1024 * 1024))

    assert (answer.status_code, answer.json["code"]) == (422, "package_archive")


def test_an_upload_has_a_limit(api: Client) -> None:
    """The package reader's: nothing beyond it is read."""
    answer = api.simulate_post(
        "/v1/apps", body=b"x", headers={"Content-Length": str(33 * 1024 * 1024)}
    )

    assert answer.status_code == 413


def test_a_version_goes_through_its_life(api: Client) -> None:
    """Each answer says what can be done next."""
    version = upload(api).json["id"]

    lives = [api.simulate_post(f"/v1/app_versions/{version}/{m}") for m in ("submit", "release")]

    assert [(life.json["state"], life.json["allowed"]) for life in lives] == [
        ("passed", ["withdraw", "release", "delete"]),
        ("active", ["suspend"]),
    ]
    path = f"/v1/app_versions/{version}/transitions"
    assert [one["move"] for one in api.simulate_get(path).json["items"]] == [
        "revise",
        "submit",
        "release",
    ]
    assert api.simulate_get(f"/v1/app_versions/{version}").json == lives[-1].json


def test_a_move_that_is_not_possible_is_a_conflict(api: Client) -> None:
    """The problem says what is."""
    version = upload(api).json["id"]

    answer = api.simulate_post(f"/v1/app_versions/{version}/release")

    assert (answer.status_code, answer.json["code"]) == (409, "conflict")
    assert "submit" in answer.json["next_step"]


def test_helm_reads_uploads_with_a_token_for_a_password(api: Client) -> None:
    """It knows Basic authentication alone; addresses are below the index."""
    version = upload(api).json["id"]
    for move in ("submit", "release"):
        api.simulate_post(f"/v1/app_versions/{version}/{move}")
    repo = api.simulate_get("/v1/apps/app").json["repo_id"]
    shown = base64.b64encode(f"helm:{TOKEN}".encode()).decode()
    helm = Client(api.app, headers={"Authorization": f"Basic {shown}"})

    answer = helm.simulate_get(f"/v1/repos/{repo}/index.yaml")

    [entry] = read_index(answer.text).entries
    archive = helm.simulate_get(f"/v1/repos/{repo}/{entry.urls[0]}")
    assert answer.headers["Content-Type"] == "application/yaml"
    assert archive.content == core_world.note()
    assert helm.simulate_post(f"/v1/app_versions/{version}/suspend").status_code == 401


@pytest.mark.parametrize("shown", ["?", "", "YTpi", "w6k="], ids=["odd", "empty", "wrong", "none"])
def test_a_password_that_is_no_token_is_refused(api: Client, shown: str) -> None:
    """As any wrong token."""
    stranger = Client(api.app, headers={"Authorization": f"Basic {shown}"})

    assert stranger.simulate_get("/v1/repos").status_code == 401


def test_runtimes_are_compared(api: Client) -> None:
    """With what a client needs to show them."""
    version = upload(api).json["id"]
    settings = {"price_per_machine": "7.50"}
    api.simulate_post(
        "/v1/runtimes", json={"name": "here", "provider": "fake", "settings": settings}
    )

    answer = api.simulate_post(f"/v1/app_versions/{version}/matches", json={})

    [one] = answer.json["runtimes"]
    assert answer.status_code == 200
    assert one["price"] == {
        "amount_per_month": "7.50",
        "currency": "EUR",
        "source": "price sheet of the fake cloud, 2026-01-01",
    }
    assert one["price_parts"] == [
        {"kind": "compute.create", "count": 1, "amount_per_month": "7.50"}
    ]
