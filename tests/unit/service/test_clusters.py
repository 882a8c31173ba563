"""Plans are carried out once, by whom they belong to, and as they were shown."""

import threading
from collections.abc import Callable
from typing import Any

import core_world
import pytest

from pitrix_core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RevisionConflictError,
)
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Action, Cluster, ClusterState, JobState, Runtime, TaskState
from pitrix_core.model.access import Visibility
from pitrix_core.service import clusters, events, jobs, plans, runtimes
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.services import Services

ADMIN, USER, OTHER = core_world.ADMIN, core_world.USER, core_world.OTHER

#: Runs a test on both kinds of database.
BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def plan(
    services: Services, release: Callable[..., str], register: Callable[..., Runtime]
) -> Callable[..., Any]:
    """Return a function that plans a new cluster on the one runtime."""
    register()
    versions: dict[bool, str] = {}

    def make(actor: Any = ADMIN, *, empty: bool = False, **given: Any) -> Any:
        if empty not in versions:
            name = "empty" if empty else "app"
            versions[empty] = release(name=name, empty=empty)
        data = PlanInput(app_version_id=versions[empty], **given)
        return plans.create(services, actor, data)

    return make


def apply(services: Services, plan: Any, actor: Any = ADMIN, cluster_id: str | None = None) -> Any:
    """Carry a plan out."""
    return clusters.apply(services, actor, ApplyInput(plan_id=plan.id), cluster_id=cluster_id)


def removal(services: Services, cluster_id: str, actor: Any = ADMIN) -> Any:
    """Plan the removal of a cluster."""
    return plans.create(services, actor, PlanInput(action=Action.DELETE, cluster_id=cluster_id))


def fail(services: Services, job_id: str) -> None:
    """Let a job fail at its first task."""
    with services.store.begin() as tx:
        tx.queue.claim("run-1", limit=10)
        tx.queue.fail(tx.jobs.tasks(job_id)[0], None, error="no", error_code="provider")
        end_job(tx, job_id)


@BOTH
def test_cluster_and_job_are_there_together(services: Services, plan: Any) -> None:
    """With nodes, tasks and an event; the nodes' passwords are secrets."""
    made = plan(config={"cluster": {"count": 2}})

    job = apply(services, made)

    found = clusters.get(services, ADMIN, made.cluster_id)
    assert found.cluster.state is ClusterState.CREATING
    assert len(found.nodes) == 2
    assert [task.state for task in jobs.tasks(services, ADMIN, job.id)] == [TaskState.READY] * 2
    assert jobs.get(services, ADMIN, job.id).remaining_s is None  # nothing was ever done here
    assert [e.kind for e in events.after(services, ADMIN, 0, subjects=frozenset({made.cluster_id}))]
    with services.store.read() as tx:
        logins = tx.clusters.node_logins(made.cluster_id).values()
        tokens = {tx.secrets.get(login.secret_id) for login in logins}
    assert len(tokens) == 2


@BOTH
def test_when_one_cannot_be_written_neither_is(services: Services, plan: Any) -> None:
    """A node of the plan is there already: nothing of the rest remains."""
    made = plan()
    with services.store.begin() as tx:
        tx.secrets.add("x", owner="admin", secret_id=f"sec-{made.nodes[0].id}")

    with pytest.raises(Exception, match=r"(?i)unique"):
        apply(services, made)

    assert clusters.search(services, ADMIN) == []
    assert jobs.search(services, ADMIN) == []
    with services.store.read() as tx:
        assert tx.plans.applied_by(made.id) is None


@BOTH
def test_no_cluster_comes_to_a_runtime_that_is_being_taken_away(
    services: Services, plan: Any
) -> None:
    """Whoever is second waits for the first, and sees what it did."""
    made = plan()
    refused: list[Exception] = []

    def apply_it() -> None:
        try:
            apply(services, made)
        except ConflictError as ex:
            refused.append(ex)

    other = threading.Thread(target=apply_it)
    with services.store.begin() as tx:
        tx.runtimes.lock(made.runtime_id)
        other.start()
        other.join(timeout=0.2)  # it waits for this transaction
        tx.runtimes.close(made.runtime_id)
    other.join(timeout=20)

    assert len(refused) == 1
    assert clusters.search(services, ADMIN) == []


@BOTH
def test_a_plan_without_tasks_is_done_at_once(services: Services, plan: Any) -> None:
    """There is nothing to wait for."""
    made = plan(empty=True)

    job = apply(services, made)

    assert jobs.get(services, ADMIN, job.id).state is JobState.SUCCEEDED
    assert clusters.get(services, ADMIN, made.cluster_id).cluster.state is ClusterState.ACTIVE


def test_a_plan_is_applied_once(services: Services, plan: Any) -> None:
    """The error names the job that does it."""
    made = plan()
    job = apply(services, made)

    with pytest.raises(ConflictError, match="applied already") as caught:
        apply(services, made)

    assert job.id in (caught.value.next_step or "")


@BOTH
def test_a_plan_applied_by_several_at_a_time_is_applied_once(services: Services, plan: Any) -> None:
    """All others are refused."""
    made = plan()
    together = threading.Barrier(4, timeout=10)
    outcomes: list[str] = []

    def run() -> None:
        together.wait()
        try:
            outcomes.append(apply(services, made).id)
        except ConflictError:
            outcomes.append("refused")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert outcomes.count("refused") == 3
    assert len(jobs.search(services, ADMIN)) == 1


def test_a_plan_for_an_older_revision_is_refused(services: Services, plan: Any) -> None:
    """The cluster was changed by another plan meanwhile."""
    made = plan()
    fail(services, apply(services, made).id)
    first, second = (removal(services, made.cluster_id) for _ in range(2))
    apply(services, first, cluster_id=made.cluster_id)

    with pytest.raises(RevisionConflictError) as caught:
        apply(services, second, cluster_id=made.cluster_id)

    assert caught.value.pointer == "/plan_id"
    assert caught.value.next_step == "Make a new plan."


def test_a_cluster_that_is_being_changed_is_not_changed(services: Services, plan: Any) -> None:
    """The plan was made just before."""
    made = plan(empty=True)
    apply(services, made)
    first, second = (removal(services, made.cluster_id) for _ in range(2))
    with services.store.begin() as tx:
        job = tx.jobs.add(first)

    with pytest.raises(ConflictError, match=f"Job {job.id} is at work"):
        apply(services, second, cluster_id=made.cluster_id)


def test_a_plan_is_applied_to_the_cluster_it_is_about(services: Services, plan: Any) -> None:
    """Not to a new one, not to another one."""
    one, two = plan(empty=True, name="one"), plan(empty=True, name="two")
    apply(services, one)
    apply(services, two)
    made = removal(services, "one")

    with pytest.raises(InvalidInputError, match="about cluster") as missing:
        apply(services, made)
    with pytest.raises(InvalidInputError, match="another cluster"):
        apply(services, made, cluster_id="two")

    assert f"/v1/clusters/{one.cluster_id}/jobs" in (missing.value.next_step or "")


def test_a_new_cluster_is_not_made_on_a_runtime_that_goes(services: Services, plan: Any) -> None:
    """The plan was made before."""
    made = plan()
    runtimes.delete(services, ADMIN, "here")

    with pytest.raises(ConflictError, match="being taken away"):
        apply(services, made)


# -- whose -----------------------------------------------------------------------------------------


def test_others_things_are_not_there(services: Services, plan: Any) -> None:
    """Told in the very words of things that are really not there; the admin sees them all."""
    made = plan(USER, empty=True, name="mine")
    job = apply(services, made, USER)
    calls: list[tuple[Any, str]] = [
        (lambda actor, it: clusters.get(services, actor, it), made.cluster_id),
        (lambda actor, it: clusters.get(services, actor, it), "mine"),
        (lambda actor, it: removal(services, it, actor), made.cluster_id),
        (lambda actor, it: plans.get(services, actor, it), made.id),
        (lambda actor, it: jobs.get(services, actor, it), job.id),
        (lambda actor, it: jobs.tasks(services, actor, it), job.id),
    ]

    for call, it in calls:
        with pytest.raises(NotFoundError) as hidden:
            call(OTHER, it)
        with pytest.raises(NotFoundError) as gone:
            call(OTHER, "x" + it[1:])
        assert hidden.value.message == gone.value.message.replace("x" + it[1:], it)
        assert hidden.value.next_step == gone.value.next_step
        assert call(USER, it) is not None
        assert call(ADMIN, it) is not None


def test_others_plans_and_jobs_cannot_be_used(services: Services, plan: Any) -> None:
    """Not applied, not retried; nor does one's own plan tell whether another's cluster exists."""
    made = plan(USER)
    with pytest.raises(NotFoundError):
        apply(services, made, OTHER)
    job = apply(services, made, USER)
    own = plan(OTHER, empty=True, name="own")

    with pytest.raises(NotFoundError):
        jobs.retry(services, OTHER, job.id)
    with pytest.raises(NotFoundError):
        apply(services, own, OTHER, cluster_id=made.cluster_id)


@pytest.mark.parametrize("shared", ["runtimes", "apps"])
def test_nothing_is_deployed_that_is_not_shared_any_more(
    services: Services, plan: Any, shared: str
) -> None:
    """A plan that was made before is no way to it."""
    made = plan(USER)
    with services.store.begin() as tx:
        version = tx.catalog.version(made.app_version_id)
        row_id = {"runtimes": made.runtime_id, "apps": version.app_id}[shared]
        tx.access.share(shared, row_id, visibility=Visibility.PRIVATE, groups=())

    with pytest.raises(NotFoundError):
        apply(services, made, USER)

    assert clusters.search(services, USER) == []


def test_lists_show_ones_own(services: Services, plan: Any) -> None:
    """The admin's show everybody's, without hidden clusters."""
    apply(services, plan(USER, name="mine"), USER)
    apply(services, plan(OTHER, name="theirs"), OTHER)

    def names(actor: Any, **where: Any) -> list[str]:
        return [cluster.name for cluster in clusters.search(services, actor, **where)]

    assert names(USER) == ["mine"]
    assert names(ADMIN) == ["mine", "theirs"]
    assert names(ADMIN, runtime_id="rt-none") == []
    assert len(jobs.search(services, USER)) == 1
    assert {event.owner for event in events.after(services, USER, 0)} == {"user"}


def test_of_two_clusters_of_one_name_everybody_finds_the_own(services: Services, plan: Any) -> None:
    """Though another's is newer."""
    mine = plan(USER, name="same")
    apply(services, mine, USER)
    theirs = plan(OTHER, name="same")
    apply(services, theirs, OTHER)

    assert clusters.get(services, USER, "same").cluster.id == mine.cluster_id
    assert clusters.get(services, OTHER, "same").cluster.id == theirs.cluster_id
    assert clusters.get(services, ADMIN, "same").cluster.id == theirs.cluster_id


# -- jobs ------------------------------------------------------------------------------------------


def test_a_failed_job_goes_on(services: Services, plan: Any) -> None:
    """And its cluster with it."""
    made = plan()
    job = apply(services, made)
    fail(services, job.id)
    before = clusters.get(services, ADMIN, made.cluster_id).cluster.state

    again = jobs.retry(services, ADMIN, job.id)

    assert before is ClusterState.FAILED
    assert again.state is JobState.RUNNING
    assert clusters.get(services, ADMIN, made.cluster_id).cluster.state is ClusterState.CREATING


def test_a_job_that_has_not_failed_is_not_retried(services: Services, plan: Any) -> None:
    """It is at work, or done."""
    job = apply(services, plan())

    with pytest.raises(ConflictError, match="has not failed"):
        jobs.retry(services, ADMIN, job.id)


def test_a_job_that_another_came_after_is_not_retried(services: Services, plan: Any) -> None:
    """The cluster is not what it was."""
    made = plan()
    job = apply(services, made)
    fail(services, job.id)
    newer = apply(services, removal(services, made.cluster_id), cluster_id=made.cluster_id)

    with pytest.raises(ConflictError, match=newer.id):
        jobs.retry(services, ADMIN, job.id)


# -- secrets ---------------------------------------------------------------------------------------


def test_no_secret_is_readable_in_the_database(
    services: Services, plan: Any, tmp_path: Any, register: Any
) -> None:
    """Of a configuration, of a credential, of a node; in no file of it."""
    register("other", credential={"api_key": "credential-hunter2"}, labels={"x": "y"})
    made = plan(config={"password": "config-hunter2"}, runtime_id="here")
    apply(services, made)
    with services.store.read() as tx:
        [login] = tx.clusters.node_logins(made.cluster_id).values()
        password = tx.secrets.get(login.secret_id)
        marker = tx.clusters.get(made.cluster_id).config["password"]
        kept = tx.secrets.get(marker["$secret"])

    content = b"".join(path.read_bytes() for path in tmp_path.glob("pitrix.db*"))

    assert kept == "config-hunter2"
    assert made.cluster_id.encode() in content
    for text in ("config-hunter2", "credential-hunter2", password):
        assert text.encode() not in content


def test_a_hidden_cluster_is_not_changed_by_itself(services: Services, register: Any) -> None:
    """A Frontgate goes with its runtime."""
    here = register()
    with services.store.begin() as tx:
        tx.clusters.add(
            Cluster(
                id="cl-fg",
                name="fg",
                owner="system",
                state=ClusterState.ACTIVE,
                runtime_id=here.id,
                app_version_id="frontgate",
                config={},
                revision=1,
                hidden=True,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )

    with pytest.raises(ConflictError, match="goes with its runtime"):
        removal(services, "cl-fg")
    assert clusters.search(services, ADMIN) == []
