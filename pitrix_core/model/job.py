"""Jobs and tasks: a plan being carried out, its states, and which transitions they allow."""

import datetime as dt
import enum
from collections.abc import Mapping

import attrs

from pitrix_core.model.json import JsonObject
from pitrix_core.model.operation import Operation
from pitrix_core.model.plan import Action


class JobState(enum.StrEnum):
    """What became of a job."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  #: a task failed and nothing of it runs any more; it can be retried


class TaskState(enum.StrEnum):
    """What became of a task."""

    WAITING = "waiting"  #: tasks it comes after are not done
    READY = "ready"  #: to be started or polled by any runner once ``run_at`` has come
    CLAIMED = "claimed"  #: a runner works on it
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"  #: a task it comes after failed


#: Which state may follow which; the store writes no other.
TASK_TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.WAITING: frozenset({TaskState.READY, TaskState.SKIPPED}),
    TaskState.READY: frozenset({TaskState.CLAIMED, TaskState.SKIPPED}),
    TaskState.CLAIMED: frozenset({TaskState.READY, TaskState.SUCCEEDED, TaskState.FAILED}),
    TaskState.SUCCEEDED: frozenset(),
    TaskState.FAILED: frozenset({TaskState.READY}),  # retry of the job
    TaskState.SKIPPED: frozenset({TaskState.WAITING}),  # retry of the job
}

#: Nothing more happens to a task in one of these unless its job is retried.
TASK_FINAL_STATES = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED})


@attrs.frozen(kw_only=True)
class Job:
    """A plan being carried out."""

    id: str
    action: Action
    plan_id: str
    cluster_id: str
    owner: str
    state: JobState
    #: Why it failed: the first failed task's error.
    error: str | None = None
    created_at: dt.datetime
    finished_at: dt.datetime | None = None
    #: Task state → number of tasks in it.
    progress: Mapping[str, int] = attrs.field(factory=dict)
    #: Seconds it is likely to take yet, going by past tasks of the same kinds on its runtime; None
    #: where too little is known, where it is not at work, and in lists of jobs.
    remaining_s: float | None = None


@attrs.frozen(kw_only=True)
class TaskRecord:
    """A task as the database keeps it."""

    id: str
    job_id: str
    owner: str
    cluster_id: str
    runtime_id: str
    key: str
    kind: str
    title: str
    input: JsonObject
    after: tuple[str, ...]
    node_id: str | None
    timeout_s: float
    max_attempts: int
    state: TaskState
    #: Starts so far, retries included.
    attempts: int
    #: Number of the claim; a write under an older one is refused.
    fence: int
    #: Written before the request is sent. A new one is made only once the last request is known to
    #: have made nothing.
    request_key: str | None
    #: When the request was about to be sent; with no ``operation`` beside it, the answer was lost.
    sent_at: dt.datetime | None
    operation: Operation | None
    outputs: JsonObject
    #: What went wrong last; while its operation is under way, what it waits for, if known.
    error: str | None
    error_code: str | None
    run_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
