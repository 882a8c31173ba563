"""Tests what is shown of the model's records."""

import datetime as dt

from pitrix_core.model import Operation, OperationState, TaskRecord, TaskState
from pitrix_core.rest import answers

NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)


def test_an_operation_is_shown_without_the_provider_s_notes() -> None:
    """The handle is nobody's business but the provider's."""
    record = TaskRecord(
        id="t-1",
        job_id="job-1",
        owner="admin",
        cluster_id="cl-1",
        runtime_id="rt-1",
        key="a",
        kind="compute.create",
        title="A",
        input={"password": "hunter2"},
        after=(),
        node_id=None,
        timeout_s=1.0,
        max_attempts=1,
        state=TaskState.READY,
        attempts=1,
        fence=1,
        request_key="key",
        sent_at=NOW,
        operation=Operation(
            request_key="key",
            kind="compute.create",
            state=OperationState.PENDING,
            handle={"note": "own"},
        ),
        outputs={"id": "i-1"},
        error=None,
        error_code=None,
        run_at=NOW,
        started_at=NOW,
        finished_at=None,
    )

    shown = answers.task_of(record)

    assert not hasattr(shown, "input")
    assert not hasattr(shown.operation, "handle")
    assert shown.outputs == {"id": "i-1"}
    assert shown.output_excerpt is None
