"""Records that only the API has: what differs from the model's own when it is shown."""

import datetime as dt
from typing import TypeVar

import attrs

from pitrix_core.findings import Finding
from pitrix_core.model import Job, JsonObject, OperationState, TaskRecord, TaskState
from pitrix_core.model.output import excerpt_of

T = TypeVar("T", bound=attrs.AttrsInstance)


@attrs.frozen(kw_only=True)
class Health:
    """That the API and its database work."""

    status: str = "ok"


@attrs.frozen(kw_only=True)
class Findings:
    """What a check found; nothing to object to where the list is empty."""

    findings: tuple[Finding, ...]


@attrs.frozen(kw_only=True)
class Jobs:
    """Jobs that were begun."""

    jobs: tuple[Job, ...]


@attrs.frozen(kw_only=True)
class CloudOperation:
    """A request to a cloud, without the provider's own notes about it."""

    request_key: str
    kind: str
    state: OperationState
    resource_id: str | None
    stage: str
    outputs: JsonObject
    error: str | None
    error_code: str | None
    vendor_code: str | None
    vendor_request_id: str | None
    retry_after_s: float


@attrs.frozen(kw_only=True)
class JobTask:
    """A task of a job, without its input."""

    id: str
    job_id: str
    owner: str
    cluster_id: str
    runtime_id: str
    key: str
    kind: str
    title: str
    after: tuple[str, ...]
    node_id: str | None
    timeout_s: float
    max_attempts: int
    state: TaskState
    #: Starts so far, retries included.
    attempts: int
    fence: int
    request_key: str | None
    sent_at: dt.datetime | None
    operation: CloudOperation | None
    outputs: JsonObject
    #: The last 2,000 characters of what its command wrote; None for a task that ran none.
    output_excerpt: str | None
    error: str | None
    error_code: str | None
    vendor_code: str | None
    vendor_request_id: str | None
    run_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


def task_of(record: TaskRecord) -> JobTask:
    """Return what is shown of a task."""
    operation = record.operation
    shown = None if operation is None else _copy(operation, CloudOperation)
    excerpt = excerpt_of(record.outputs)
    return _copy(record, JobTask, operation=shown, output_excerpt=excerpt)


def _copy(record: attrs.AttrsInstance, cls: type[T], **changes: object) -> T:
    names = (field.name for field in attrs.fields(cls))
    values = {name: changes[name] if name in changes else getattr(record, name) for name in names}
    return cls(**values)
