"""Roll backs: what a job made is removed in reverse order, all of it, and nothing else."""

from collections.abc import Callable

import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.jobs.compensation import compensation_tasks, undo_of
from pitrix_core.jobs.effects import begin_waiting, end_job
from pitrix_core.model import ClusterState, Job, JobState, MadeResource, Task
from pitrix_core.model.job import CANCELLED_CODE
from pitrix_core.testing.fake_provider import FakeEffect


def cancel(engine: Engine, job: Job) -> Job:
    """Cancel a job, and have it rolled back."""
    with engine.store.begin() as tx:
        tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        undoing = tx.jobs.add_roll_back(job)
        end_job(tx, job.id)
    return undoing


def roll_back(engine: Engine, job: Job) -> Job:
    """Roll a job back that has ended."""
    with engine.store.begin() as tx:
        undoing = tx.jobs.add_roll_back(job)
        begin_waiting(tx, job.cluster_id)
    return undoing


def test_what_was_made_is_removed_and_the_cluster_is_gone(engine: Engine) -> None:
    """The roll back of a creation is a deletion."""
    job = engine.submit(volume("disk"), machine("vm", after=("disk",)), volume("more"))
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)
    engine.run(job)

    undone = engine.run(roll_back(engine, job))

    assert undone.state is JobState.SUCCEEDED
    assert engine.in_cloud() == set()
    assert engine.recorded(job) == set()
    assert engine.cluster(job).state is ClusterState.DELETED


def test_what_was_built_upon_another_is_removed_first(engine: Engine) -> None:
    """A volume is removed after the machine it is attached to."""
    disk = volume("disk")
    attached = machine("vm", after=("disk",))
    attached.input["volumes"] = [{"volume_id": {"$ref": "disk#/id"}}]
    job = engine.submit(disk, attached, volume("last", after=("vm",)))
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)
    engine.run(job)

    undoing = roll_back(engine, job)

    with engine.store.read() as tx:
        removals = {task.kind: task.after for task in tx.jobs.tasks(undoing.id)}
    assert removals == {"compute.delete": (), "volume.delete": ("compute.delete/2",)}
    assert engine.run(undoing).state is JobState.SUCCEEDED


def test_a_roll_back_waits_until_what_is_under_way_has_ended(
    make_engine_of: Callable[..., Engine],
) -> None:
    """It begins in the transaction that ends the job before it."""
    engine = make_engine_of(delay_polls=2)
    job = engine.submit(volume("a"))
    engine.turn()

    undoing = cancel(engine, job)
    waiting = engine.job(undoing).state
    ended = engine.run(job)
    begun = engine.job(undoing).state
    undone = engine.run(undoing)

    assert (waiting, begun) == (JobState.QUEUED, JobState.RUNNING)
    assert ended.state is JobState.CANCELLED
    assert undone.state is JobState.SUCCEEDED
    assert engine.in_cloud() == set()


def test_a_job_that_made_nothing_is_undone_at_once(engine: Engine) -> None:
    """Nothing is left to do."""
    job = engine.submit(volume("a"))

    undoing = cancel(engine, job)

    assert engine.job(undoing).state is JobState.SUCCEEDED
    assert engine.cluster(job).state is ClusterState.DELETED


def test_what_a_retry_could_not_remove_is_removed(engine: Engine) -> None:
    """What an operation left behind that failed is undone like all the rest."""
    job = engine.submit(volume("a"), volume("b"))
    engine.fault("volume.create", FakeEffect.FAILED)
    engine.run(job)
    engine.fault("volume.delete", FakeEffect.PERMANENT)
    engine.retry(job)
    engine.run(job)
    left = engine.in_cloud()

    undone = engine.run(roll_back(engine, job))

    assert len(left) == 2
    assert undone.state is JobState.SUCCEEDED
    assert engine.in_cloud() == engine.recorded(job) == set()


def test_a_job_whose_requests_are_undecided_is_not_rolled_back(engine: Engine) -> None:
    """What is not known cannot be undone: the roll back fails before it began."""
    job = engine.submit(volume("a"))
    [claim] = engine.claim()
    engine.step(claim)
    with engine.store.begin() as tx:
        tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        tx.courses.give_up(job.id)
        end_job(tx, job.id)

    undoing = roll_back(engine, job)

    refused = engine.job(undoing)
    assert (refused.state, refused.error_code) == (JobState.FAILED, "undecided")
    assert "Make a" in str(refused.error)
    assert refused.started_at is None
    assert engine.cluster(job).state is ClusterState.CANCELLED


def test_undecided_requests_are_settled_and_not_sent_again(engine: Engine) -> None:
    """What one has made is recorded and removed; the other had made nothing, and makes nothing."""
    job = engine.submit(volume("a"), volume("b"))
    first, _second = engine.claim()
    engine.step(first)
    with engine.store.begin() as tx:
        tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        tx.courses.give_up(job.id)
        end_job(tx, job.id)
    with engine.store.begin() as tx:
        ended = tx.jobs.get(job.id)
        undoing = tx.jobs.add_roll_back(ended)
        tx.courses.settle_undecided(ended, [task.id for task in tx.jobs.failed_tasks(job.id)])

    settled = engine.run(job)
    undone = engine.run(undoing)

    assert settled.state is JobState.CANCELLED
    assert undone.state is JobState.SUCCEEDED
    assert engine.in_cloud() == set()
    with engine.provider.cloud.rows() as rows:
        assert rows.calls("volume.create") == 1


def test_a_roll_back_that_failed_can_be_retried(engine: Engine) -> None:
    """It is a job like any other."""
    job = engine.submit(volume("a"), volume("b", after=("a",)))
    engine.turn()
    engine.fault("volume.delete", FakeEffect.PERMANENT)
    undoing = cancel(engine, job)
    failed = engine.run(undoing)
    between = engine.cluster(job).state

    engine.retry(failed)
    ended = engine.run(undoing)

    assert failed.state is JobState.FAILED
    assert between is ClusterState.FAILED
    assert ended.state is JobState.SUCCEEDED
    assert engine.in_cloud() == set()


@pytest.mark.parametrize(
    ("kind", "undo"),
    [
        pytest.param("compute.create", "compute.delete", id="machine"),
        pytest.param("volume.create", "volume.delete", id="volume"),
        pytest.param("network.ensure", None, id="shared-network"),
        pytest.param("service.run", None, id="command"),
    ],
)
def test_kinds_say_how_they_are_undone(kind: str, undo: str | None) -> None:
    """What others share is kept."""
    assert undo_of(kind) == undo


def test_metadata_that_were_sent_are_taken_away(engine: Engine) -> None:
    """Before the machines that they describe."""
    put = Task(key="put", kind="metadata.put", title="Write", after=("vm",))
    job = engine.submit(machine("vm"), put)
    engine.turn()
    engine.claim()
    with engine.store.read() as tx:
        tasks = tx.jobs.tasks(job.id)
    made = MadeResource(task="vm", kind="compute.create", resource_id="i-1", node_id=None)

    undoing = compensation_tasks(tasks, [made])

    assert [(task.key, task.after) for task in undoing] == [
        ("metadata.delete/1", ()),
        ("compute.delete/1", ("metadata.delete/1",)),
    ]


def test_metadata_that_were_sent_twice_are_taken_away(engine: Engine) -> None:
    """A plan may write them once for each of its steps; tasks have keys of their own."""
    first = Task(key="first", kind="metadata.put", title="Write")
    job = engine.submit(first, Task(key="second", kind="metadata.put", title="Write again"))
    engine.claim()
    with engine.store.read() as tx:
        tasks = tx.jobs.tasks(job.id)

    undoing = compensation_tasks(tasks, [])

    assert {task.key for task in undoing} == {"metadata.delete/1", "metadata.delete/2"}
