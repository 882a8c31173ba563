"""Jobs, their tasks, and what happened."""

from typing import Final

from pitrix_core.model import Job, JobReport
from pitrix_core.model.access import Action
from pitrix_core.rest import answers
from pitrix_core.rest.operation import Call, Operation, Parameter, Shape
from pitrix_core.rest.pagination import slice_in
from pitrix_core.service import events, jobs
from pitrix_core.service.inputs import CancelInput
from pitrix_core.store.events import Event


def _tasks(call: Call) -> list[answers.JobTask]:
    part = slice_in(call.parameters)
    records = jobs.tasks(call.services, call.actor, call.path["id"], part=part)
    return [answers.task_of(record) for record in records]


def _events(call: Call) -> list[Event]:
    return events.after(
        call.services,
        call.actor,
        call.parameters["after"],
        subjects=frozenset(call.parameters.get("subject", ())),
        limit=call.parameters["limit"],
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        id="listJobs",
        path="/v1/jobs",
        summary="List the jobs, newest first",
        needs=Action.CLUSTERS_READ,
        run=lambda c: jobs.search(
            c.services,
            c.actor,
            cluster_id=c.parameters.get("cluster_id"),
            part=slice_in(c.parameters),
        ),
        shape=Shape.SLICE,
        answer=Job,
        parameters=(Parameter(name="cluster_id", description="Only those of this cluster."),),
    ),
    Operation(
        id="getJob",
        path="/v1/jobs/{id}",
        summary="Show a job: how far it is, what failed, what it made, and what can be done",
        needs=Action.CLUSTERS_READ,
        run=lambda c: jobs.report(c.services, c.actor, c.path["id"]),
        answer=JobReport,
    ),
    Operation(
        id="listTasks",
        path="/v1/jobs/{id}/tasks",
        summary="List a job's tasks in the order of its plan",
        needs=Action.CLUSTERS_READ,
        run=_tasks,
        shape=Shape.SLICE,
        answer=answers.JobTask,
    ),
    Operation(
        id="retryJob",
        method="POST",
        path="/v1/jobs/{id}/retry",
        summary="Let a failed or cancelled job go on from where it ended",
        needs=Action.CLUSTERS_WRITE,
        run=lambda c: jobs.retry(c.services, c.actor, c.path["id"]),
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
    ),
    Operation(
        id="pauseJob",
        method="POST",
        path="/v1/jobs/{id}/pause",
        summary="Let nothing new of a job be started; what is under way goes on",
        needs=Action.CLUSTERS_WRITE,
        run=lambda c: jobs.pause(c.services, c.actor, c.path["id"]),
        answer=Job,
    ),
    Operation(
        id="resumeJob",
        method="POST",
        path="/v1/jobs/{id}/resume",
        summary="Let a paused job go on",
        needs=Action.CLUSTERS_WRITE,
        run=lambda c: jobs.resume(c.services, c.actor, c.path["id"]),
        answer=Job,
    ),
    Operation(
        id="cancelJob",
        method="POST",
        path="/v1/jobs/{id}/cancel",
        summary="Stop a job for good, and have undone what it made if that is wanted",
        needs=Action.CLUSTERS_WRITE,
        run=lambda c: jobs.cancel(c.services, c.actor, c.path["id"], c.body),
        input=CancelInput,
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
    ),
    Operation(
        id="rollBackJob",
        method="POST",
        path="/v1/jobs/{id}/roll_back",
        summary="Undo what a failed or cancelled job did; the answer is the job that undoes it",
        needs=Action.CLUSTERS_WRITE,
        run=lambda c: jobs.roll_back(c.services, c.actor, c.path["id"]),
        answer=Job,
        status=202,
        location="/v1/jobs/{id}",
    ),
    Operation(
        id="listEvents",
        path="/v1/events",
        summary="List what happened, oldest first; or stream it, as server-sent events",
        needs=Action.EVENTS_READ,
        run=_events,
        shape=Shape.EVENTS,
        answer=Event,
        parameters=(
            Parameter(
                name="subject",
                description="Only events about these: ids of clusters, jobs, tasks.",
                schema={"type": "array", "items": {"type": "string", "minLength": 1}},
            ),
            Parameter(
                name="after",
                description="Id of the event after which to begin.",
                schema={"type": "integer", "minimum": 0, "default": 0},
            ),
        ),
    ),
)
