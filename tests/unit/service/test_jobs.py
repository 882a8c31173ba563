"""What callers can do about jobs, and what jobs say of themselves."""

from collections.abc import Callable
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.errors import ConflictError, InvalidInputError, NotFoundError, ProviderQuotaError
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import (
    Action,
    ClusterState,
    Job,
    JobAction,
    JobState,
    MadeResource,
    Operation,
    OperationState,
    OwnedResource,
    Plan,
    Runtime,
    TaskRecord,
)
from pitrix_core.model.job import CANCELLED_CODE
from pitrix_core.service import clusters, events, jobs, plans
from pitrix_core.service.inputs import (
    AfterCancel,
    ApplyInput,
    CancelInput,
    CancelMode,
    PlanInput,
)
from pitrix_core.service.services import Services
from pitrix_core.store import tables

ADMIN, OTHER = core_world.ADMIN, core_world.OTHER


@pytest.fixture
def job(services: Services, release: Callable[..., str], register: Callable[..., Runtime]) -> Job:
    """A job that makes a cluster of two machines."""
    register()
    data = PlanInput(app_version_id=release(), config={"cluster": {"count": 2}})
    plan = plans.create(services, ADMIN, data)
    return clusters.apply(services, ADMIN, ApplyInput(plan_id=plan.id))


def claim_one(services: Services) -> TaskRecord:
    """Take one task into a runner's hands."""
    with services.store.begin() as tx:
        [claim] = tx.queue.claim("run-1", limit=1)
    return claim.task


def fail(services: Services, job: Job, operation: Operation | None = None) -> TaskRecord:
    """Let one task of a job fail, and the job with it."""
    task = claim_one(services)
    with services.store.begin() as tx:
        facts = {"vendor_code": "Limit", "vendor_request_id": "req-1"}
        tx.queue.fail(task, operation, error="no", error_code=ProviderQuotaError.code, **facts)
        end_job(tx, job.id)
    return task


def kinds(services: Services, job: Job) -> list[str]:
    """Return the kinds of a cluster's events about jobs."""
    found = events.after(services, ADMIN, 0, subjects=frozenset({job.cluster_id}))
    return [event.kind for event in found if event.kind.startswith("job.")]


def test_a_failed_job_says_what_failed_and_what_can_be_done(services: Services, job: Job) -> None:
    """With the vendor's own code and request id."""
    task = fail(services, job)

    report = jobs.report(services, ADMIN, job.id)

    [failure] = report.failures
    assert (failure.key, failure.error) == (task.key, "no")
    assert (failure.error_code, failure.vendor_code) == ("provider_quota", "Limit")
    assert failure.vendor_request_id == "req-1"
    assert report.error_code == "provider_quota"
    assert report.actions == (JobAction.RETRY, JobAction.ROLL_BACK, JobAction.DELETE)


def test_a_job_says_what_it_made_and_what_is_undecided(services: Services, job: Job) -> None:
    """An operation that had not ended is among what is undecided, with its key."""
    pending = Operation(
        request_key="k", kind="compute.create", state=OperationState.PENDING, resource_id="i-2"
    )
    task = fail(services, job, pending)
    made = OwnedResource(
        cluster_id=job.cluster_id,
        kind="compute.create",
        resource_id="i-1",
        node_id=None,
        request_key="k-1",
    )
    with services.store.begin() as tx:
        tx.clusters.put_resource(made, owner="admin", runtime_id="rt", task_id=task.id)

    report = jobs.report(services, ADMIN, job.id)

    assert report.made == (
        MadeResource(task=task.key, kind="compute.create", resource_id="i-1", node_id=None),
    )
    [undecided] = report.undecided
    assert (undecided.key, undecided.resource_id) == (task.key, "i-2")
    assert undecided.request_key == task.request_key


def test_a_running_job_can_be_paused_and_resumed(services: Services, job: Job) -> None:
    """Doing either twice changes nothing more."""
    jobs.pause(services, ADMIN, job.id)
    paused = jobs.pause(services, ADMIN, job.id)
    while_paused = jobs.report(services, ADMIN, job.id).actions
    jobs.resume(services, ADMIN, job.id)
    resumed = jobs.resume(services, ADMIN, job.id)

    assert (paused.state, resumed.state) == (JobState.PAUSED, JobState.RUNNING)
    assert while_paused == (JobAction.RESUME, JobAction.CANCEL)
    assert kinds(services, job) == ["job.submitted", "job.paused", "job.resumed"]


@pytest.mark.parametrize("act", [jobs.pause, jobs.resume], ids=["pause", "resume"])
def test_a_job_that_has_ended_is_neither_paused_nor_resumed(
    services: Services, job: Job, act: Callable[..., Job]
) -> None:
    """The refusal says what it is."""
    fail(services, job)

    with pytest.raises(ConflictError, match="has failed; only a"):
        act(services, ADMIN, job.id)


def test_a_cancelled_job_can_go_on_or_be_undone(services: Services, job: Job) -> None:
    """Nothing was under way: it ends at once."""
    ended = jobs.cancel(services, ADMIN, job.id, CancelInput())

    assert (ended.state, ended.error) == (JobState.CANCELLED, "Cancelled by admin.")
    assert jobs.report(services, ADMIN, job.id).actions[0] is JobAction.RETRY
    state = clusters.get(services, ADMIN, job.cluster_id).cluster.state
    assert state is ClusterState.CANCELLED
    assert kinds(services, job) == ["job.submitted", "job.stopping", "job.cancelled"]


def test_a_job_that_has_ended_cannot_be_cancelled(services: Services, job: Job) -> None:
    """It is not stopped a second time."""
    fail(services, job)

    with pytest.raises(ConflictError, match="it has ended"):
        jobs.cancel(services, ADMIN, job.id, CancelInput())


def test_a_cancel_may_ask_for_a_roll_back(services: Services, job: Job) -> None:
    """Which waits for what is under way, and says for what it waits."""
    claim_one(services)

    stopping = jobs.cancel(services, ADMIN, job.id, CancelInput(then=AfterCancel.ROLL_BACK))

    undone_by = jobs.report(services, ADMIN, job.id).undone_by
    assert stopping.state is JobState.STOPPING
    assert undone_by is not None
    waiting = jobs.report(services, ADMIN, undone_by)
    assert (waiting.state, waiting.waits_for) == (JobState.QUEUED, job.id)
    assert (waiting.action, waiting.undoes) == (Action.ROLL_BACK, job.id)


def test_a_roll_back_that_waits_can_be_cancelled(services: Services, job: Job) -> None:
    """It has changed nothing, so that another one can be asked for."""
    claim_one(services)
    jobs.cancel(services, ADMIN, job.id, CancelInput(then=AfterCancel.ROLL_BACK))
    undoing = jobs.report(services, ADMIN, job.id).undone_by or ""

    dropped = jobs.cancel(services, ADMIN, undoing, CancelInput())

    assert dropped.state is JobState.CANCELLED
    assert jobs.report(services, ADMIN, undoing).actions == ()
    assert jobs.report(services, ADMIN, job.id).undone_by is None


def test_a_forced_cancel_gives_up_what_is_under_way(services: Services, job: Job) -> None:
    """Then rolling back settles it first."""
    claim_one(services)

    ended = jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))
    undecided = jobs.report(services, ADMIN, job.id).undecided
    undoing = jobs.roll_back(services, ADMIN, job.id)

    assert ended.state is JobState.CANCELLED
    assert len(undecided) == 1
    assert undoing.state is JobState.QUEUED
    assert jobs.get(services, ADMIN, job.id).state is JobState.STOPPING
    state = clusters.get(services, ADMIN, job.cluster_id).cluster.state
    assert state is ClusterState.ROLLING_BACK


def test_what_makes_something_is_waited_for_where_it_is_to_be_undone(
    services: Services, job: Job
) -> None:
    """Even by force: what is not known cannot be undone."""
    claim_one(services)

    data = CancelInput(mode=CancelMode.FORCED, then=AfterCancel.ROLL_BACK)
    stopping = jobs.cancel(services, ADMIN, job.id, data)

    assert stopping.state is JobState.STOPPING
    assert jobs.report(services, ADMIN, job.id).undecided == ()


def test_a_stopping_job_can_be_cancelled_by_force(services: Services, job: Job) -> None:
    """Whoever does not want to wait any longer need not."""
    claim_one(services)
    jobs.cancel(services, ADMIN, job.id, CancelInput())

    ended = jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))

    assert ended.state is JobState.CANCELLED


def test_a_roll_back_is_asked_for_once(services: Services, job: Job) -> None:
    """Asking again answers the one that is there."""
    claim_one(services)
    jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))

    first = jobs.roll_back(services, ADMIN, job.id)
    second = jobs.roll_back(services, ADMIN, job.id)

    assert first.id == second.id


def test_a_job_at_work_is_not_rolled_back(services: Services, job: Job) -> None:
    """It has to be cancelled first."""
    with pytest.raises(ConflictError, match="only a job that failed or was cancelled"):
        jobs.roll_back(services, ADMIN, job.id)


def test_a_deletion_cannot_be_undone(services: Services, job: Job) -> None:
    """It can only go on."""
    fail(services, job)
    data = PlanInput(action=Action.DELETE, cluster_id=job.cluster_id)
    plan = plans.create(services, ADMIN, data)
    deletion = clusters.apply(
        services, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=job.cluster_id
    )

    with pytest.raises(ConflictError, match="cannot be undone"):
        jobs.roll_back(services, ADMIN, deletion.id)


def test_only_the_job_that_made_a_cluster_is_undone(services: Services, job: Job) -> None:
    """One that came later, such as that of a Frontgate's new machine, leaves a cluster behind."""
    fail(services, job)
    with services.store.begin() as tx:
        later = tx.jobs.add(tx.plans.get(job.plan_id))
        tx.courses.stop(later.id, error="Cancelled.", error_code=CANCELLED_CODE)
        end_job(tx, later.id)

    with pytest.raises(ConflictError, match="cannot be undone"):
        jobs.roll_back(services, ADMIN, later.id)

    assert jobs.report(services, ADMIN, later.id).actions == (JobAction.RETRY, JobAction.DELETE)


def test_what_pitrix_made_for_itself_is_not_offered_for_deletion(
    services: Services, job: Job
) -> None:
    """It goes with its runtime, and the deletion would be refused."""
    fail(services, job)
    with services.store.engine.begin() as connection:
        of_job = tables.clusters.c.id == job.cluster_id
        connection.execute(tables.clusters.update().where(of_job).values(hidden=True))

    report = jobs.report(services, ADMIN, job.id)

    assert report.actions == (JobAction.RETRY, JobAction.ROLL_BACK)


def test_a_rolled_back_job_cannot_go_on(services: Services, job: Job) -> None:
    """Its roll back came after it."""
    fail(services, job)
    jobs.roll_back(services, ADMIN, job.id)

    with pytest.raises(ConflictError, match="came after"):
        jobs.retry(services, ADMIN, job.id)

    assert jobs.report(services, ADMIN, job.id).actions == ()


def test_a_plan_from_before_a_retry_is_out_of_date(services: Services, job: Job) -> None:
    """What the retry makes is not in it."""
    fail(services, job)
    data = PlanInput(action=Action.DELETE, cluster_id=job.cluster_id)
    plan = plans.create(services, ADMIN, data)
    jobs.retry(services, ADMIN, job.id)
    jobs.cancel(services, ADMIN, job.id, CancelInput())

    with pytest.raises(ConflictError, match="changed since the plan was made"):
        clusters.apply(services, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=job.cluster_id)


def removal(services: Services, job: Job, **values: Any) -> Plan:
    """Plan the deletion of a job's cluster."""
    data = PlanInput(action=Action.DELETE, cluster_id=job.cluster_id, **values)
    return plans.create(services, ADMIN, data)


def test_a_deletion_says_what_it_will_find_out(services: Services, job: Job) -> None:
    """What came of a request is not known; its key is named."""
    task = claim_one(services)
    jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))

    plan = removal(services, job)

    [finding] = plan.findings
    assert finding.code == "deletion.undecided"
    assert str(task.request_key) in finding.message


@pytest.mark.parametrize("force", [False, True], ids=["plain", "forced"])
def test_a_deletion_waits_for_what_is_found_out(services: Services, job: Job, force: bool) -> None:
    """The job before it settles what it left open, also where the deletion is forced."""
    claim_one(services)
    jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))
    plan = removal(services, job, force=force)

    deletion = clusters.apply(
        services, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=job.cluster_id
    )

    report = jobs.report(services, ADMIN, deletion.id)
    assert (report.state, report.waits_for) == (JobState.QUEUED, job.id)
    assert jobs.get(services, ADMIN, job.id).state is JobState.STOPPING
    state = clusters.get(services, ADMIN, job.cluster_id).cluster.state
    assert state is ClusterState.DELETING


def test_a_deletion_that_waits_can_be_cancelled(services: Services, job: Job) -> None:
    """None of it is left to be done; the job before it goes on to its end."""
    claim_one(services)
    with services.store.begin() as tx:
        runtime_id = tx.clusters.get(job.cluster_id).runtime_id
        machine = core_world.machine_of(job.cluster_id)
        tx.clusters.put_resource(machine, owner="admin", runtime_id=runtime_id)
    jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))
    data = ApplyInput(plan_id=removal(services, job).id)
    deletion = clusters.apply(services, ADMIN, data, cluster_id=job.cluster_id)

    dropped = jobs.cancel(services, ADMIN, deletion.id, CancelInput())

    assert dropped.state is JobState.CANCELLED
    assert dropped.progress == {"skipped": 1}
    assert jobs.get(services, ADMIN, job.id).state is JobState.STOPPING


def test_a_cluster_is_given_up_without_finding_anything_out(services: Services, job: Job) -> None:
    """Its cloud is asked for nothing any more."""
    claim_one(services)
    jobs.cancel(services, ADMIN, job.id, CancelInput(mode=CancelMode.FORCED))
    plan = removal(services, job, forget=True, force=True)

    given_up = clusters.apply(
        services, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=job.cluster_id
    )

    assert jobs.get(services, ADMIN, given_up.id).state is JobState.SUCCEEDED
    assert jobs.get(services, ADMIN, job.id).state is JobState.CANCELLED


def test_a_roll_back_is_not_planned(services: Services, job: Job) -> None:
    """The refusal says how it is asked for."""
    with pytest.raises(InvalidInputError) as caught:
        plans.create(services, ADMIN, PlanInput(action=Action.ROLL_BACK, cluster_id=job.cluster_id))

    assert caught.value.next_step == "pitrix job roll-back JOB"


@pytest.mark.parametrize(
    ("own", "kept"),
    [pytest.param(60.0, 60.0, id="its-own"), pytest.param(None, 600.0, id="the-installations")],
)
def test_a_job_has_a_deadline(
    services: Services,
    release: Callable[..., str],
    register: Callable[..., Runtime],
    own: float | None,
    kept: float,
) -> None:
    """Its own, or what the installation sets for all."""
    register()
    limited = attrs.evolve(services, job_deadline_s=600.0)
    plan = plans.create(services, ADMIN, PlanInput(app_version_id=release()))

    job = clusters.apply(limited, ADMIN, ApplyInput(plan_id=plan.id, deadline_s=own))

    assert job.deadline_s == kept
    assert job.deadline_at is not None
    assert (job.deadline_at - job.created_at).total_seconds() == kept


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, 1e12], ids=["none", "past", "for-ever"])
def test_a_deadline_that_is_none_is_refused(
    services: Services, job: Job, deadline_s: float
) -> None:
    """The refusal names the member."""
    data: Any = ApplyInput(plan_id=job.plan_id, deadline_s=deadline_s)

    with pytest.raises(InvalidInputError) as caught:
        clusters.apply(services, ADMIN, data)

    assert caught.value.pointer == "/deadline_s"


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(jobs.pause, id="pause"),
        pytest.param(jobs.resume, id="resume"),
        pytest.param(jobs.roll_back, id="roll-back"),
        pytest.param(lambda s, a, j: jobs.cancel(s, a, j, CancelInput()), id="cancel"),
    ],
)
def test_another_owners_job_is_not_there(
    services: Services, job: Job, act: Callable[..., Job]
) -> None:
    """Whatever one wants to do about it."""
    with pytest.raises(NotFoundError):
        act(services, OTHER, job.id)
