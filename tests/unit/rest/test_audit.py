"""What is changed over the API is in the audit, which can be read, checked and dropped."""

from typing import Any

import falcon.testing
import pytest

from pitrix_core.model.audit import Anchor, check_chain
from pitrix_core.rest.app import make_app
from pitrix_core.service.services import Services

Client = falcon.testing.TestClient


@pytest.fixture
def api(services: Services) -> Client:
    """A client of the whole API, as the admin."""
    return Client(make_app(services), headers={"Authorization": "Bearer the-admin's-token"})


@pytest.fixture
def runtimes(api: Client) -> list[str]:
    """Runtimes that were registered, by their ids."""
    made = []
    for number in range(3):
        body = {"name": f"rt{number}", "provider": "fake", "credential": {"api_key": "hunter2"}}
        answer = api.simulate_post("/v1/runtimes", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json["id"])
    return made


def entries(api: Client, **wanted: Any) -> list[dict[str, Any]]:
    """Return entries."""
    answer = api.simulate_get("/v1/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def test_a_change_says_who_made_it(api: Client) -> None:
    """By which request, from where, and what was asked for; its secrets are left out."""
    body = {"name": "here", "provider": "fake", "credential": {"api_key": "hunter2"}}
    made = api.simulate_post("/v1/runtimes", json=body, headers={"X-Request-Id": "req-7"})

    [entry] = entries(api)

    assert made.status_code == 201
    assert (entry["user"], entry["action"], entry["request_id"]) == ("admin", "addRuntime", "req-7")
    assert (entry["subject"], entry["address"]) == (made.json["id"], "127.0.0.1")
    assert entry["token_id"].startswith("tok-")
    assert entry["after"]["name"] == "here"
    assert "hunter2" not in str(entry)


def test_what_failed_is_no_change(api: Client) -> None:
    """It has left nothing, and so has who was refused."""
    api.simulate_post("/v1/runtimes", json={"name": "here", "provider": "none"})
    api.simulate_post("/v1/runtimes", headers={"Authorization": "Bearer wrong"}, json={})

    assert entries(api) == []


def test_who_was_refused_is_in_the_log(api: Client, caplog: pytest.LogCaptureFixture) -> None:
    """From where, and as whom; the chain does not grow by it."""
    with caplog.at_level("WARNING", logger="pitrix_core.rest.middleware"):
        api.simulate_get("/v1/audit", headers={"Authorization": "Bearer wrong"})

    [record] = caplog.records
    assert (record.status, record.address) == (401, "127.0.0.1")  # type: ignore[attr-defined]  # from extra
    assert "wrong" not in caplog.text


def test_entries_are_found(api: Client, runtimes: list[str]) -> None:
    """By user, action, subject and time; from either end, a page at a time."""
    second = entries(api, subject=runtimes[1])
    newest = api.simulate_get("/v1/audit", params={"limit": 2}).json
    rest = entries(api, limit=2, cursor=newest["next_cursor"])
    oldest = entries(api, order="oldest")

    assert [entry["subject"] for entry in second] == [runtimes[1]]
    assert [entry["subject"] for entry in newest["items"]] == runtimes[:0:-1]
    assert [entry["subject"] for entry in rest] == runtimes[:1]
    assert [entry["subject"] for entry in oldest] == runtimes
    assert len(entries(api, user="admin", action="addRuntime")) == 3
    assert entries(api, user="nobody") == []
    assert entries(api, since="2999-01-01T00:00:00Z") == []
    assert len(entries(api, until="2999-01-01")) == 3


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"since": "yesterday"}, id="no-time"),
        pytest.param({"until": "0001-01-01T00:00:00+14:00"}, id="before-all-time"),
        pytest.param({"cursor": "WzAsICJ4Il0"}, id="cursor-of-another-list"),
        pytest.param({"order": "random"}, id="no-order"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(api: Client, query: dict[str, str]) -> None:
    """With what to write instead."""
    answer = api.simulate_get("/v1/audit", params=query)

    assert answer.status_code == 422, answer.text


def test_the_chain_is_checked_from_end_to_end(api: Client, runtimes: list[str]) -> None:
    """By whoever reads it, with nothing but what is answered."""
    from pitrix_core.convert import from_json  # noqa: PLC0415
    from pitrix_core.model.audit import AuditEntry  # noqa: PLC0415

    ends = api.simulate_get("/v1/audit/ends").json
    found = [from_json(item, AuditEntry) for item in entries(api, order="oldest")]

    report = check_chain(found, start=Anchor(**ends["start"]), anchors=[Anchor(**ends["newest"])])

    assert (report.fault, report.count) == (None, len(runtimes))


def test_what_was_exported_can_be_dropped(api: Client, runtimes: list[str]) -> None:
    """The chain says itself who dropped it; once is enough."""
    second = entries(api, order="oldest")[1]
    anchor = f"{second['id']}:{second['hash']}"

    dropped = api.simulate_post("/v1/audit/prune", json={"anchor": anchor})
    again = api.simulate_post("/v1/audit/prune", json={"anchor": anchor})

    kept = entries(api, order="oldest")
    assert dropped.json["start"] == {"id": second["id"], "hash": second["hash"]}
    assert again.json["start"] == dropped.json["start"]
    assert [entry["action"] for entry in kept] == ["addRuntime", "pruneAudit", "pruneAudit"]
    assert kept[1]["after"]["id"] == second["id"]


@pytest.mark.parametrize(
    ("anchor", "status"),
    [
        pytest.param("2:" + "0" * 64, 409, id="of-another-chain"),
        pytest.param("99999999999999999999999:" + "0" * 64, 422, id="too-large"),
        pytest.param("all", 422, id="none"),
    ],
)
def test_only_what_is_there_can_be_dropped(
    api: Client, runtimes: list[str], anchor: str, status: int
) -> None:
    """Named by its number and its hash."""
    answer = api.simulate_post("/v1/audit/prune", json={"anchor": anchor})

    assert answer.status_code == status, answer.text
    assert len(entries(api)) == len(runtimes)
