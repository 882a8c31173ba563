"""Tests that a request with an Idempotency-Key is carried out once."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import falcon.testing
import pytest

from pitrix_core.errors import ConflictError
from pitrix_core.rest import idempotency, refusals
from pitrix_core.rest.replies import Answer
from pitrix_core.store import Store

Client = falcon.testing.TestClient
KEY = {"Idempotency-Key": "key-1"}

#: Runs a test on both kinds of database.
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def _add(client: Client, name: str = "one", **headers: str) -> Any:
    return client.simulate_post("/v1/things", json={"name": name}, headers={**KEY, **headers})


def test_the_same_request_is_answered_as_the_first_time(client: Client, things: Any) -> None:
    """The second answer is the first one, and says so; nothing is done again."""
    first = _add(client)
    second = _add(client)

    assert len(things.made) == 1
    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


def test_an_answer_is_kept_encrypted(client: Client, store: Store) -> None:
    """It may hold a secret that is shown once."""
    first = _add(client, "hunter2")

    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM idempotency_keys").all()

    assert "hunter2" in first.text
    assert "hunter2" not in str(rows)


def test_an_answer_that_was_kept_before_this_version_is_given(client: Client, store: Store) -> None:
    """It is in the clear, and goes within a day."""
    first = _add(client)
    with store.begin() as tx:
        headers = {"Content-Type": "application/json"}
        body = '{"id": "thing-1", "name": "kept"}'
        tx.identity.keep_answer("key-1", owner="admin", status="201", headers=headers, body=body)

    second = _add(client)

    assert (first.json["name"], second.json["name"]) == ("one", "kept")


def test_another_request_with_the_key_is_refused(client: Client, things: Any) -> None:
    """One key stands for one request."""
    _add(client)

    refused = _add(client, "two")

    assert refused.status_code == 409
    assert refused.json["code"] == "idempotency_mismatch"
    assert len(things.made) == 1


def test_the_same_key_on_another_path_is_another_request(client: Client) -> None:
    """Path and method belong to the request."""
    _add(client)

    refused = client.simulate_delete("/v1/things/thing-1", headers=KEY)

    assert refused.json["code"] == "idempotency_mismatch"


def test_an_empty_answer_is_kept_too(client: Client) -> None:
    """A deletion can be sent again."""
    client.simulate_post("/v1/things", json={"name": "one"})
    first = client.simulate_delete("/v1/things/thing-1", headers=KEY)
    second = client.simulate_delete("/v1/things/thing-1", headers=KEY)

    assert first.status_code == second.status_code == 204


def test_a_request_that_failed_can_be_sent_again(
    client: Client, things: Any, failing: Callable[[Exception | None], None]
) -> None:
    """What did nothing leaves the key free."""
    failing(ConflictError())
    refused = _add(client)
    failing(None)

    again = _add(client)

    assert (refused.status_code, again.status_code) == (409, 201)
    assert len(things.made) == 1


def test_a_failure_is_reported_though_its_key_cannot_be_freed(
    client: Client, things: Any, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """What the caller can mend comes first; the rest is in the log."""

    def lose_the_keys() -> None:
        with store.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE idempotency_keys")
        raise ConflictError

    things.before = lose_the_keys

    assert _add(client).status_code == 409
    assert "could not be released" in caplog.text


def test_a_request_that_is_invalid_takes_no_key(client: Client) -> None:
    """After a refusal the mended request may have the same key."""
    client.simulate_post("/v1/things", json={}, headers=KEY)

    assert _add(client).status_code == 201


@BOTH
def test_a_request_at_work_is_not_begun_again(client: Client, things: Any) -> None:
    """Whoever is impatient gets 409, and the first request goes on."""
    begun, go_on = threading.Event(), threading.Event()
    answers: list[Any] = []

    def wait() -> None:
        begun.set()
        assert go_on.wait(10)

    things.before = wait
    first = threading.Thread(target=lambda: answers.append(_add(client)))
    first.start()
    try:
        assert begun.wait(10)
        impatient = _add(client)
    finally:
        go_on.set()
        first.join(10)

    assert impatient.status_code == 409
    assert impatient.json["code"] == "idempotency_in_flight"
    assert answers[0].status_code == 201


def test_a_request_that_was_cut_off_is_not_guessed_at(store: Store) -> None:
    """A key that a dead process left reserved says what to look for."""
    request = idempotency.KeyedRequest(key="key-1", owner="admin", digest="d")
    with store.begin() as tx:
        tx.identity.reserve_key("key-1", owner="admin", request_digest="d")

    with pytest.raises(refusals.IdempotencyInFlightError) as caught:
        idempotency.answer_once(
            store, request, lambda: Answer(status=201), abandoned_after=dt.timedelta(0)
        )

    assert "took effect" in str(caught.value.next_step)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="empty"),
        pytest.param("a b", id="with-a-space"),
        pytest.param("x" * 256, id="too-long"),
    ],
)
def test_a_key_has_to_be_one(client: Client, key: str) -> None:
    """A header that is no key is refused with 400."""
    refused = _add(client, **{"Idempotency-Key": key})

    assert refused.status_code == 400
    assert refused.json["code"] == "header_invalid"
