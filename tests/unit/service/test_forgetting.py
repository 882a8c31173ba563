"""A cluster whose runtime does not answer any more can be given up, honestly."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import core_world
import pytest

from pitrix_core.errors import ConflictError, InvalidInputError, NotFoundError
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Action, Cluster, ClusterState, Job, JobState, Runtime
from pitrix_core.model.usage import Size, UsageBy
from pitrix_core.pilot.hidden import SYSTEM_OWNER
from pitrix_core.planner.frontgate import NO_APP_VERSION
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.service import clusters, events, jobs, plans, runtimes
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.services import Services
from pitrix_core.store.usage import Period

ADMIN = core_world.ADMIN
REFUSED = {"api_key": "refused"}


@pytest.fixture
def runtime(register: Callable[..., Runtime]) -> Runtime:
    """A runtime whose cloud does not accept its credential any more."""
    return register(credential=REFUSED)


@pytest.fixture
def cluster(services: Services, runtime: Runtime, release: Callable[..., str]) -> str:
    """The id of a cluster that has a machine there, and failed with another one undecided."""
    given = {"cluster": {"count": 2}}
    made = plans.create(services, ADMIN, PlanInput(app_version_id=release(), config=given))
    job = clusters.apply(services, ADMIN, ApplyInput(plan_id=made.id))
    with services.store.begin() as tx:
        first, second = tx.queue.claim("run-1", limit=2)
        tx.clusters.put_resource(
            core_world.machine_of(made.cluster_id), owner="admin", runtime_id=runtime.id
        )
        tx.queue.fail(first.task, None, error="no", error_code="provider")
        tx.queue.give_up(second.task, error="no answer", error_code="provider")
        end_job(tx, job.id)
    return made.cluster_id


def forgetting(services: Services, cluster_id: str, **given: Any) -> Any:
    """Plan that a cluster is given up."""
    data = PlanInput(action=Action.DELETE, cluster_id=cluster_id, forget=True, **given)
    return plans.create(services, ADMIN, data)


def forget(services: Services, cluster_id: str) -> Job:
    """Give a cluster up."""
    plan = forgetting(services, cluster_id)
    return clusters.apply(services, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=cluster_id)


def test_the_plan_says_what_is_left_behind(services: Services, cluster: str) -> None:
    """Why, every resource by its id, and every request of which nobody knows what it made."""
    plan = forgetting(services, cluster)

    why, machine, undecided = [finding.message for finding in plan.findings]
    assert "does not accept the api key" in why
    assert machine == "May still exist, and cost money: compute i-1."
    assert "'Create machine " in undecided
    assert plan.tasks == ()
    assert plan.totals.machines == 0  # nothing is freed


def test_the_cluster_is_deleted_here_only(services: Services, cluster: str) -> None:
    """What may still exist stays on record."""
    job = forget(services, cluster)

    found = clusters.get(services, ADMIN, cluster)
    assert jobs.get(services, ADMIN, job.id).state is JobState.SUCCEEDED
    assert found.cluster.state is ClusterState.DELETED
    assert found.cluster.forgotten_at is not None
    assert found.nodes == ()
    assert [resource.resource_id for resource in found.resources] == ["i-1"]


def test_it_is_an_event(services: Services, cluster: str) -> None:
    """With what the plan found."""
    forget(services, cluster)

    happened = events.after(services, ADMIN, 0, subjects=frozenset({cluster}))
    [event] = [event for event in happened if event.kind == "cluster.forgotten"]
    assert any("i-1" in message for message in event.data["findings"])


def test_it_is_metered_no_more(services: Services, cluster: str, runtime: Runtime) -> None:
    """What may still be there is nobody's use any more."""
    machine = core_world.machine_of(cluster)
    whose = {"owner": "admin", "runtime_id": runtime.id}
    with services.store.begin() as tx:
        tx.metering.begin(machine, **whose, size=Size(cpu=1), price=None)
    forget(services, cluster)

    with services.store.read() as tx:
        forgotten_at = tx.clusters.get(cluster).forgotten_at
        later = Period(began_at=forgotten_at, ended_at=forgotten_at + dt.timedelta(days=1))
        assert tx.usage.used(UsageBy.CLUSTER, later) == []


def test_its_failed_job_cannot_go_on(services: Services, cluster: str) -> None:
    """It would bring the cluster back."""
    [failed] = jobs.search(services, ADMIN, cluster_id=cluster)
    forget(services, cluster)

    with pytest.raises(ConflictError, match="came after"):
        jobs.retry(services, ADMIN, failed.id)


def test_the_runtime_can_go_then(services: Services, cluster: str, runtime: Runtime) -> None:
    """Nothing is on it any more."""
    forget(services, cluster)

    assert runtimes.delete(services, ADMIN, runtime.id) == []


def test_a_cluster_goes_whose_provider_is_not_installed_any_more(
    services: Services, cluster: str, tmp_path: Path
) -> None:
    """Nothing of the plugin is needed."""
    without = core_world.make_services(services.store, tmp_path, PluginRegistry(entry_points=[]))

    plan = forgetting(without, cluster)

    assert "cannot be asked" in plan.findings[0].message
    assert "i-1" in plan.findings[1].message


@pytest.fixture
def sound(services: Services, register: Callable[..., Runtime], release: Any) -> str:
    """The id of a cluster whose runtime answers."""
    register()
    made = plans.create(services, ADMIN, PlanInput(app_version_id=release(empty=True)))
    clusters.apply(services, ADMIN, ApplyInput(plan_id=made.id))
    return made.cluster_id


def test_what_can_be_asked_is_asked(services: Services, sound: str) -> None:
    """A cluster whose runtime answers is deleted properly."""
    with pytest.raises(ConflictError, match="answers") as caught:
        forgetting(services, sound)

    assert "`force`" in (caught.value.next_step or "")


def test_users_may_insist(services: Services, sound: str) -> None:
    """The plan says so."""
    plan = forgetting(services, sound, force=True)

    assert "was not asked" in plan.findings[0].message


@pytest.mark.parametrize("word", ["force", "forget"])
def test_only_deletions_are_forced_and_forgotten(services: Services, word: str) -> None:
    """The words mean nothing elsewhere."""
    with pytest.raises(InvalidInputError, match="for deletions"):
        plans.create(services, ADMIN, PlanInput(app_version_id="appv-1", **{word: True}))


# -- runtimes --------------------------------------------------------------------------------------


@pytest.fixture
def frontgate(services: Services, runtime: Runtime) -> str:
    """The id of a hidden cluster on the runtime."""
    with services.store.begin() as tx:
        tx.clusters.add(
            Cluster(
                id="cl-fg",
                name="fg",
                owner=SYSTEM_OWNER,
                state=ClusterState.ACTIVE,
                runtime_id=runtime.id,
                app_version_id=NO_APP_VERSION,
                config={},
                revision=1,
                hidden=True,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
        machine = core_world.machine_of("cl-fg")
        tx.clusters.put_resource(machine, owner=SYSTEM_OWNER, runtime_id=runtime.id)
    return "cl-fg"


def test_a_runtime_is_forgotten_with_its_frontgates(
    services: Services, runtime: Runtime, frontgate: str
) -> None:
    """What they leave behind stays on record."""
    runtimes.forget(services, ADMIN, runtime.id)

    with pytest.raises(NotFoundError):
        runtimes.get(services, ADMIN, runtime.id)
    found = clusters.get(services, ADMIN, frontgate)
    assert found.cluster.state is ClusterState.DELETED
    assert [resource.resource_id for resource in found.resources] == ["i-1"]


def test_a_runtime_without_anything_is_forgotten(services: Services, runtime: Runtime) -> None:
    """Its name is free again."""
    runtimes.forget(services, ADMIN, runtime.id)

    assert runtimes.search(services, ADMIN) == []


def test_a_runtime_that_answers_is_not_forgotten(
    services: Services, register: Callable[..., Runtime]
) -> None:
    """What is on it can be removed."""
    answering = register()

    with pytest.raises(ConflictError, match="answers"):
        runtimes.forget(services, ADMIN, answering.id)


def test_a_runtime_with_clusters_is_not_forgotten(
    services: Services, runtime: Runtime, cluster: str
) -> None:
    """Each of them is given up by itself."""
    with pytest.raises(ConflictError, match="Clusters are on runtime"):
        runtimes.forget(services, ADMIN, runtime.id)


def test_a_runtime_that_a_job_works_on_is_not_forgotten(
    services: Services, runtime: Runtime, frontgate: str
) -> None:
    """The job is named."""
    [job] = runtimes.delete(services, ADMIN, runtime.id)

    with pytest.raises(ConflictError, match=job.id):
        runtimes.forget(services, ADMIN, runtime.id)
