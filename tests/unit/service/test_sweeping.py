"""Admins have removed what belongs to nobody, by a job that they can watch."""

import time
from collections.abc import Callable
from typing import Any

import core_world
import pytest

from pitrix_core.errors import ConflictError, ForbiddenError, NotFoundError
from pitrix_core.jobs.orphan_tasks import OrphanDelete
from pitrix_core.jobs.orphans import ORPHAN_AGE
from pitrix_core.jobs.worker import Worker
from pitrix_core.jobs.writing import Finished, write_all
from pitrix_core.model import ClusterState, Job, JobState, Runtime, Tags
from pitrix_core.service import clusters, events, jobs, runtimes, sweeping
from pitrix_core.service.inputs import SweepInput
from pitrix_core.service.services import Services
from pitrix_core.testing.fake_provider import FakeEffect, FakeFault, FakeProvider

ADMIN, USER = core_world.ADMIN, core_world.USER
EVERYTHING = SweepInput()


@pytest.fixture
def runtime(register: Callable[..., Runtime]) -> Runtime:
    """A runtime of the fake provider."""
    return register()


@pytest.fixture
def provider(services: Services, runtime: Runtime) -> FakeProvider:
    """What stands behind the runtime."""
    found: Any = services.gates.of(runtime.id).provider
    return found


@pytest.fixture
def orphan(provider: FakeProvider) -> Callable[[], str]:
    """Put a volume into the account that nobody knows of; return its id."""

    def put() -> str:
        tags = Tags(
            installation_id=provider.context.installation_id,
            cluster_id="cl-gone",
            request_key="t-gone-1",
        )
        made_at = time.time() - 2 * ORPHAN_AGE.total_seconds()
        facts = {"kind": "volume.create", "stage": 1, "stages": {}, "attached_to": ""}
        with provider.cloud.rows() as rows:
            return rows.add("volume", prefix="v", tags=tags, made_at=made_at, facts=facts).id

    return put


def in_cloud(provider: FakeProvider) -> list[str]:
    with provider.cloud.rows() as rows:
        return [thing.id for thing in rows.of(provider.context.installation_id)]


class Kinds:
    """Nothing but ``orphan.delete``."""

    def __init__(self, services: Services) -> None:
        self.handler = OrphanDelete(store=services.store, gate=services.gates.of)

    def handler_of(self, kind: str) -> Any:
        return self.handler


def run(services: Services, job: Job) -> Job:
    """Take every step of a job that is due."""
    worker = Worker(services.store, Kinds(services))
    for _ in range(10):
        with services.store.begin() as tx:
            claims = tx.queue.claim("run-1", limit=10)
        done = [Finished(claim, worker.step(claim)) for claim in claims]
        with services.store.begin() as tx:
            write_all(tx, done)
    return jobs.get(services, ADMIN, job.id)


def begun(services: Services, runtime: Runtime, data: SweepInput = EVERYTHING) -> Job:
    job = sweeping.sweep(services, ADMIN, runtime.name, data)
    assert job is not None
    return job


def test_a_look_changes_nothing(
    services: Services, runtime: Runtime, provider: FakeProvider, orphan: Callable[[], str]
) -> None:
    """It reports only."""
    found = orphan()

    report = sweeping.report(services, ADMIN, runtime.name)

    assert [each.id for each in report.orphans] == [found]
    assert in_cloud(provider) == [found]
    assert jobs.search(services, ADMIN) == []


def test_a_sweep_is_a_job(
    services: Services, runtime: Runtime, provider: FakeProvider, orphan: Callable[[], str]
) -> None:
    """What it removes is written down before, under a hidden cluster that goes with it."""
    found = orphan()

    job = begun(services, runtime)

    recorded = clusters.get(services, ADMIN, job.cluster_id).resources
    assert [each.resource_id for each in recorded] == [found]
    [event] = events.after(services, ADMIN, 0, subjects=frozenset({runtime.id}))[-1:]
    assert (event.kind, event.data["orphans"]) == ("runtime.sweep", [found])
    assert run(services, job).state is JobState.SUCCEEDED
    assert in_cloud(provider) == []
    assert clusters.search(services, ADMIN, hidden=True) == []


def test_orphans_can_be_chosen(
    services: Services, runtime: Runtime, provider: FakeProvider, orphan: Callable[[], str]
) -> None:
    """So that nothing goes that was not shown."""
    first, second = orphan(), orphan()

    run(services, begun(services, runtime, SweepInput(orphans=(second,))))

    assert in_cloud(provider) == [first]


def test_what_is_no_orphan_is_refused(services: Services, runtime: Runtime) -> None:
    """By its name."""
    with pytest.raises(ConflictError, match=r"No orphan \(any more\): v-1\."):
        sweeping.sweep(services, ADMIN, runtime.name, SweepInput(orphans=("v-1",)))


def test_without_orphans_there_is_no_job(services: Services, runtime: Runtime) -> None:
    """And no hidden cluster."""
    assert sweeping.sweep(services, ADMIN, runtime.name, EVERYTHING) is None
    assert clusters.search(services, ADMIN, hidden=True) == []


def test_one_sweep_at_a_time(
    services: Services, runtime: Runtime, orphan: Callable[[], str]
) -> None:
    """The one at work is named."""
    orphan()
    job = begun(services, runtime)

    with pytest.raises(ConflictError, match=job.id):
        sweeping.sweep(services, ADMIN, runtime.name, EVERYTHING)


def test_what_a_failed_sweep_left_is_found_again(
    services: Services, runtime: Runtime, provider: FakeProvider, orphan: Callable[[], str]
) -> None:
    """The next one takes its place."""
    found = orphan()
    provider.inject(FakeFault(operation="volume.delete", effect=FakeEffect.PERMANENT))
    failed = run(services, begun(services, runtime))

    again = begun(services, runtime)

    assert failed.state is JobState.FAILED
    assert [task.input["id"] for task in jobs.tasks(services, ADMIN, again.id)] == [found]
    assert run(services, again).state is JobState.SUCCEEDED
    before = clusters.get(services, ADMIN, failed.cluster_id)
    assert (before.cluster.state, before.resources) == (ClusterState.DELETED, ())


def test_a_failed_sweep_can_be_retried(
    services: Services, runtime: Runtime, provider: FakeProvider, orphan: Callable[[], str]
) -> None:
    """Like every job."""
    orphan()
    provider.inject(FakeFault(operation="volume.delete", effect=FakeEffect.PERMANENT))
    failed = run(services, begun(services, runtime))

    again = jobs.retry(services, ADMIN, failed.id)

    assert run(services, again).state is JobState.SUCCEEDED
    assert in_cloud(provider) == []


def test_a_runtime_goes_with_its_sweep(
    services: Services, runtime: Runtime, orphan: Callable[[], str]
) -> None:
    """It waits for the sweep that is at work."""
    orphan()
    sweep = begun(services, runtime)

    [waited_for] = runtimes.delete(services, ADMIN, runtime.id)

    assert waited_for.id == sweep.id
    run(services, sweep)
    with pytest.raises(NotFoundError):
        runtimes.get(services, ADMIN, runtime.id)


@pytest.mark.parametrize("verb", ["report", "sweep"])
def test_only_admins_look_and_sweep(services: Services, runtime: Runtime, verb: str) -> None:
    """An account holds what is of all users."""
    more = (EVERYTHING,) if verb == "sweep" else ()

    with pytest.raises(ForbiddenError, match="orphans"):
        getattr(sweeping, verb)(services, USER, runtime.id, *more)


def test_a_failed_sweep_keeps_no_runtime(
    services: Services, runtime: Runtime, provider: FakeProvider, orphan: Callable[[], str]
) -> None:
    """What it did not remove is left behind."""
    orphan()
    provider.inject(FakeFault(operation="volume.delete", effect=FakeEffect.PERMANENT))
    run(services, begun(services, runtime))

    [job] = runtimes.delete(services, ADMIN, runtime.id)

    assert jobs.get(services, ADMIN, job.id).state is JobState.SUCCEEDED
    assert runtimes.search(services, ADMIN) == []
