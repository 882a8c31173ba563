"""Quotas and use over HTTP."""

import csv
import io

import falcon.testing
import pytest

from pitrix_core.rest.app import make_app
from pitrix_core.service.services import Services
from pitrix_core.service.usage import COLUMNS

Client = falcon.testing.TestClient


@pytest.fixture
def api(services: Services) -> Client:
    """A client of the whole API, as the admin."""
    return Client(make_app(services), headers={"Authorization": "Bearer the-admin's-token"})


def test_a_quota_is_set_shown_and_removed(api: Client) -> None:
    """By its id, which setting it again does not change."""
    body = {"limits": {"clusters": 3}, "budgets": {"EUR": "99.50"}}
    first = api.simulate_put("/v1/quotas", json=body)
    second = api.simulate_put("/v1/quotas", json={"limits": {"cores": 8}})
    path = f"/v1/quotas/{first.json['id']}"

    shown = api.simulate_get(path).json
    removed = api.simulate_delete(path)

    assert (first.status_code, first.json["budgets"]) == (200, {"EUR": "99.50"})
    assert second.json["id"] == first.json["id"]
    assert (shown["scope"], shown["limits"]["cores"], shown["budgets"]) == ("every_user", 8, {})
    assert shown["used"]["clusters"] == 0
    assert (removed.status_code, api.simulate_get(path).status_code) == (204, 404)


def test_what_a_quota_was_is_in_the_audit(api: Client) -> None:
    """Beside what it is from then on."""
    api.simulate_put("/v1/quotas", json={"limits": {"clusters": 3}})
    api.simulate_put("/v1/quotas", json={"limits": {"clusters": 5}})

    newest = api.simulate_get("/v1/audit").json["items"][0]

    assert newest["action"] == "setQuota"
    assert newest["before"]["limits"]["clusters"] == 3
    assert newest["after"]["limits"]["clusters"] == 5


def test_use_is_exported_as_a_file_of_csv(api: Client) -> None:
    """With its media type, and the columns' names where there is nothing else."""
    answer = api.simulate_get("/v1/usage.csv", params={"by": "owner"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert list(csv.reader(io.StringIO(answer.text))) == [list(COLUMNS)]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"by": "colour"}, id="by-what-there-is-not"),
        pytest.param({"from": "yesterday"}, id="no-time"),
        pytest.param({"from": "2999-01-01"}, id="in-the-future"),
    ],
)
def test_what_cannot_be_added_up_is_refused(api: Client, query: dict[str, str]) -> None:
    """As a problem, whichever form was asked for."""
    answers = [api.simulate_get(path, params=query) for path in ("/v1/usage", "/v1/usage.csv")]

    assert [answer.status_code for answer in answers] == [422, 422]
