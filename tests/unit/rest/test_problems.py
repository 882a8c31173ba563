"""Tests what errors become."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import falcon.testing
import pytest

from pitrix_core import errors
from pitrix_core.findings import Finding, Level
from pitrix_core.rest import problems, refusals
from pitrix_core.store import DATABASE_TROUBLE, UNFIT_FOR_DATABASE

Client = falcon.testing.TestClient
Fail = Callable[[Exception], None]


def _leaves(cls: type[errors.PitrixError]) -> Iterator[type[errors.PitrixError]]:
    below = [sub for sub in cls.__subclasses__() if sub.__module__.startswith("pitrix_core.")]
    for sub in below:
        yield from _leaves(sub)
    if not below:
        yield cls


@pytest.mark.parametrize(
    "error", [pytest.param(leaf, id=leaf.code) for leaf in _leaves(errors.PitrixError)]
)
def test_every_error_has_a_status_of_its_kind(error: type[errors.PitrixError]) -> None:
    """No error falls back on 500 for want of a line in the table."""
    known = [cls for cls in error.__mro__ if cls in problems.STATUSES]

    assert known[0] is not errors.PitrixError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(errors.ConfigInvalidError("no"), 422, id="configuration"),
        pytest.param(errors.RevisionConflictError(), 409, id="an-older-revision"),
        pytest.param(errors.ForbiddenError(), 403, id="forbidden"),
        pytest.param(errors.PackageDigestError(), 422, id="package"),
        pytest.param(errors.PackageSignatureError(), 422, id="signature"),
        pytest.param(errors.PluginNotFoundError(), 404, id="no-plugin"),
        pytest.param(errors.PluginLoadError(), 422, id="broken-plugin"),
        pytest.param(errors.ProviderQuotaError(), 502, id="cloud-refuses"),
        pytest.param(errors.UnsupportedOperationError(), 422, id="not-offered"),
        pytest.param(refusals.PreconditionError(), 412, id="precondition"),
        pytest.param(errors.PitrixError("The key file is gone."), 500, id="ours-without-a-kind"),
    ],
)
def test_an_error_is_answered_with_its_status(
    client: Client, failing: Fail, error: errors.PitrixError, status: int
) -> None:
    """The answer is the error's status, code and message."""
    failing(error)

    answer = client.simulate_get("/v1/things")

    assert answer.status_code == status == answer.json["status"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] == error.code
    assert answer.json["detail"] == error.message
    assert answer.json["type"] == "about:blank"


def test_a_problem_carries_every_fact_of_its_error(client: Client, failing: Fail) -> None:
    """Pointer, next step and findings are members of the problem."""
    finding = Finding(level=Level.ERROR, code="config.minimum", message="too small", pointer="/a")
    error = errors.InvalidInputError(
        "no", findings=[finding], pointer="/a", next_step="Make it larger."
    )
    failing(error)

    answer: dict[str, Any] = client.simulate_get("/v1/things").json

    assert answer["pointer"] == "/a"
    assert answer["next_step"] == "Make it larger."
    assert answer["findings"][0]["code"] == "config.minimum"


def test_a_choice_of_runtimes_can_be_made_by_a_program(client: Client, failing: Fail) -> None:
    """The candidates are in the problem."""
    candidates = [{"id": "rt-1", "name": "here"}, {"id": "rt-2", "name": "there"}]
    failing(errors.RuntimeChoiceError("Several match.", candidates=candidates))

    answer = client.simulate_get("/v1/things")

    assert answer.status_code == 409
    assert answer.json["candidates"] == candidates


def test_what_may_pass_says_when_to_come_back(client: Client, failing: Fail) -> None:
    """A temporary failure is 503 with the cloud's own delay."""
    failing(errors.ProviderThrottledError("compute.create: slow down", retry_after_s=12.4))

    answer = client.simulate_get("/v1/things")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "12"


def test_a_database_that_is_away_is_asked_again(client: Client, failing: Fail) -> None:
    """The answer is 503 with a delay, and says nothing of the database."""
    failing(DATABASE_TROUBLE[0]("SELECT hunter2", {}, OSError("10.0.0.7 refused")))

    answer = client.simulate_get("/v1/things")

    assert answer.status_code == 503
    assert answer.json["code"] == "database"
    assert int(answer.headers["retry-after"]) > 0
    assert "hunter2" not in answer.text
    assert "10.0.0.7" not in answer.text


def test_what_a_database_cannot_keep_is_refused(
    client: Client, failing: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is 422; neither it nor the log quotes the value."""
    caplog.set_level("DEBUG")
    failing(UNFIT_FOR_DATABASE[0]("INSERT", {"a": "hunter2"}, ValueError("NUL")))

    answer = client.simulate_get("/v1/things")

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert "hunter2" not in answer.text + caplog.text


def test_a_failure_nobody_foresaw_is_logged_and_not_shown(
    client: Client, failing: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer names the request id by which the log's traceback is found, and nothing else."""
    failing(RuntimeError("hunter2 at line 3"))

    answer = client.simulate_get("/v1/things", headers={"X-Request-Id": "id-1"})

    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"] == "id-1"
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.__dict__["request_id"] == "id-1"


def test_a_caller_s_mistake_is_no_warning(
    client: Client, failing: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    """The log is quiet about what only the caller can mend."""
    failing(errors.NotFoundError())

    client.simulate_get("/v1/things")

    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
