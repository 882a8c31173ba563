"""Jobs and tasks: a plan being carried out, its states, and which transitions they allow."""

import datetime as dt
import enum
from collections.abc import Mapping

import attrs

from pitrix_core.errors import ProviderNotFoundError
from pitrix_core.model.json import JsonObject
from pitrix_core.model.operation import Operation, OperationState
from pitrix_core.model.plan import Action, Price


class JobState(enum.StrEnum):
    """What became of a job."""

    QUEUED = "queued"  #: another job changes its cluster; it begins when that one has ended
    RUNNING = "running"
    PAUSED = "paused"  #: nothing new is started until it is resumed; what is under way goes on
    STOPPING = "stopping"  #: nothing new is started any more; what is under way goes on to its end
    SUCCEEDED = "succeeded"
    FAILED = "failed"  #: a task failed, or its deadline passed; nothing of it runs any more
    CANCELLED = "cancelled"  #: somebody cancelled it; nothing of it runs any more


#: Which state may follow which; the store writes no other.
JOB_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {
            JobState.PAUSED,
            JobState.STOPPING,
            JobState.SUCCEEDED,
            JobState.FAILED,
        }
    ),
    JobState.PAUSED: frozenset(
        {
            JobState.RUNNING,
            JobState.STOPPING,
            JobState.SUCCEEDED,
            JobState.FAILED,
        }
    ),
    JobState.STOPPING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.RUNNING, JobState.STOPPING}),  # retry; before a roll back
    JobState.CANCELLED: frozenset({JobState.RUNNING, JobState.STOPPING}),
}

#: It may still change its cluster; no other job may.
JOB_ACTIVE_STATES = frozenset({JobState.RUNNING, JobState.PAUSED, JobState.STOPPING})
#: Nothing more happens to a job in one of these by itself.
JOB_FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

#: Code of a job, and of its tasks, that somebody cancelled.
CANCELLED_CODE = "cancelled"
#: Code of a job that was not done by its deadline.
DEADLINE_CODE = "deadline"


class JobAction(enum.StrEnum):
    """What can be done about a job."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ROLL_BACK = "roll_back"
    DELETE = "delete"  #: of its cluster, by a plan


class TaskState(enum.StrEnum):
    """What became of a task."""

    WAITING = "waiting"  #: tasks it comes after are not done, or its job is paused
    READY = "ready"  #: to be started or polled by any runner once ``run_at`` has come
    CLAIMED = "claimed"  #: a runner works on it
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"  #: its job failed, or was stopped, before it was started


#: Which state may follow which; the store writes no other.
TASK_TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.WAITING: frozenset({TaskState.READY, TaskState.SKIPPED}),
    TaskState.READY: frozenset(
        {
            TaskState.CLAIMED,
            TaskState.WAITING,  # the job is paused; or what failed is removed first
            TaskState.SKIPPED,
            TaskState.FAILED,  # given up by a forced cancel
        }
    ),
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
    #: Why it failed: the first failed task's error; or why it was stopped.
    error: str | None = None
    error_code: str | None = None
    #: For a roll back: the job whose effects it undoes; its plan is that job's.
    undoes: str | None = None
    #: Seconds it may be at work, pauses left out; None for no limit.
    deadline_s: float | None = None
    deadline_at: dt.datetime | None = None
    created_at: dt.datetime
    #: When it began to change its cluster; None for one that waits, or never did.
    started_at: dt.datetime | None = None
    paused_at: dt.datetime | None = None
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
    #: What that costs which it makes, as it was when it was planned.
    price: Price | None = None
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
    #: The vendor's own code of the error, and the id of the request, as its support asks for them.
    vendor_code: str | None = None
    vendor_request_id: str | None = None
    run_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None

    @property
    def is_undecided(self) -> bool:
        """Says whether it ended with its request still to be heard of: it may have made, or may
        still make, something that is not known.
        """
        if self.state is not TaskState.FAILED or self.sent_at is None:
            return False
        if self.operation is None:
            return True
        is_gone = self.error_code == ProviderNotFoundError.code
        return self.operation.state is not OperationState.FAILED and not is_gone


@attrs.frozen(kw_only=True)
class TaskFailure:
    """A task that failed, and why."""

    key: str
    kind: str
    title: str
    node_id: str | None
    error: str | None
    error_code: str | None
    vendor_code: str | None
    vendor_request_id: str | None


@attrs.frozen(kw_only=True)
class UndecidedTask:
    """A task that was given up before it was known what came of its request."""

    key: str
    kind: str
    title: str
    #: Under which what it made can be found in the cloud.
    request_key: str | None
    #: The cloud's id of what it makes, if known.
    resource_id: str | None


@attrs.frozen(kw_only=True)
class MadeResource:
    """What a job made in the cloud, and is still there."""

    #: Key of the task that made it.
    task: str
    kind: str
    resource_id: str
    node_id: str | None


@attrs.frozen(kw_only=True)
class JobReport(Job):
    """A job with what whoever has to decide about it needs to know."""

    #: Job that has to end before this one begins.
    waits_for: str | None = None
    #: Job that undoes this one.
    undone_by: str | None = None
    failures: tuple[TaskFailure, ...] = ()
    made: tuple[MadeResource, ...] = ()
    undecided: tuple[UndecidedTask, ...] = ()
    #: What can be done now, the likeliest first; leaving everything as it is always can.
    actions: tuple[JobAction, ...] = ()
