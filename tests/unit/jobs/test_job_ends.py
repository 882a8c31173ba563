"""How jobs end: nothing new is started once a task has failed, and what was started goes on."""

import threading
from collections.abc import Callable

import attrs
import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.jobs import effects
from pitrix_core.jobs.outcome import Failed, Retry, Succeeded, Waiting
from pitrix_core.jobs.writing import Finished, write_failure
from pitrix_core.model import Action, ClusterState, JobState, Task
from pitrix_core.testing.fake_provider import FakeEffect

FAILURE = Failed(error="no", error_code="provider", operation=None, creates=True)


def test_tasks_come_after_one_another(engine: Engine) -> None:
    """A task is started once all that it comes after are done, and its reference is resolved."""
    disk = volume("disk")
    attached = machine("vm", after=("disk",))
    attached.input["volumes"] = [{"volume_id": {"$ref": "disk#/id"}}]
    job = engine.submit(disk, attached)

    before = engine.states(job)
    engine.turn()
    between = engine.states(job)
    engine.turn()

    assert before == {"disk": "ready", "vm": "waiting"}
    assert between == {"disk": "succeeded", "vm": "ready"}
    assert engine.job(job).state == "succeeded"
    assert engine.cluster(job).state is ClusterState.ACTIVE
    assert engine.recorded(job) == engine.in_cloud()


def test_what_comes_after_a_failure_is_skipped(engine: Engine) -> None:
    """The job fails with the first failed task's error, and so does its cluster."""
    job = engine.submit(volume("a"), volume("b", after=("a",)), volume("c", after=("b",)))
    engine.fault("volume.create", FakeEffect.QUOTA)

    engine.turn()

    assert engine.states(job) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert engine.job(job).state == "failed"
    error = str(engine.job(job).error)
    assert error.startswith("Make a: volume.create: Fake.quota (request 4711)")
    assert engine.cluster(job).state is ClusterState.FAILED


def test_an_unsent_task_is_skipped_beside_a_failed_one(engine: Engine) -> None:
    """A request that made nothing is not sent again after another task has failed."""
    job = engine.submit(volume("a"), volume("b"), volume("c"))
    first, second, third = engine.claim()
    retry = Retry(after_s=1.0, error="busy", error_code="provider_temporary")

    engine.write(first, FAILURE)
    engine.write(second, retry)
    engine.write(third, engine.step(third))

    assert sorted(engine.states(job).values()) == ["failed", "skipped", "succeeded"]
    assert engine.job(job).state == "failed"


def test_a_retry_that_is_the_last_to_come_back_ends_the_job(engine: Engine) -> None:
    """Nothing else needs to happen for the job to end."""
    job = engine.submit(volume("a"), volume("b"))
    first, second = engine.claim()

    engine.write(first, FAILURE)
    engine.write(second, Retry(after_s=1.0, error="busy", error_code="provider_temporary"))

    assert engine.job(job).state == "failed"


def test_a_request_that_may_have_been_sent_is_settled_beside_a_failed_task(engine: Engine) -> None:
    """It is not skipped; what it made is recorded, and only then does the job end."""
    job = engine.submit(volume("a"), volume("b"))
    engine.fault("volume.create", FakeEffect.LOST)
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)
    engine.turn()
    between = engine.job(job).state

    ended = engine.run(job)

    assert between == "running"
    assert ended.state == "failed"
    assert sorted(engine.states(job).values()) == ["failed", "succeeded"]
    assert engine.recorded(job) == engine.in_cloud()


def test_an_operation_goes_on_beside_a_failed_task(make_engine_of: Callable[..., Engine]) -> None:
    """What the cloud is making is polled to its end."""
    engine = make_engine_of(delay_polls=3)
    job = engine.submit(volume("a"), volume("b"))
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)

    ended = engine.run(job, step_s=1.0)

    assert ended.state == "failed"
    assert sorted(engine.states(job).values()) == ["failed", "succeeded"]
    assert engine.recorded(job) == engine.in_cloud()


def test_a_task_freed_from_a_dead_runner_is_not_skipped(engine: Engine) -> None:
    """Its request may have been sent: it is settled first."""
    job = engine.submit(volume("a"), volume("b"))
    first, second = engine.claim()
    engine.step(second)
    engine.die()
    [again] = [claim for claim in engine.claim() if claim.task.id == first.task.id]

    engine.write(again, FAILURE)
    between = engine.states(job)[second.task.key]
    engine.die()
    ended = engine.run(job)

    assert between == "claimed"
    assert ended.state == "failed"
    assert engine.recorded(job) == engine.in_cloud()


def test_a_plan_without_tasks_ends_by_itself(engine: Engine) -> None:
    """A job of which nothing is left to do is found, whoever forgot to end it."""
    job = engine.submit(action=Action.DELETE)

    with engine.store.begin() as tx:
        idle = tx.courses.idle()
        effects.end_job(tx, job.id)

    assert list(idle) == [job.id]
    assert engine.job(job).state == "succeeded"
    assert engine.cluster(job).state is ClusterState.DELETED


def test_a_job_ends_once(engine: Engine) -> None:
    """Settling a job that has ended changes nothing."""
    job = engine.submit(volume())
    engine.run(job)

    with engine.store.begin() as tx:
        again = tx.courses.settle(job.id)

    assert again is None
    assert engine.job(job).state is JobState.SUCCEEDED


def test_a_waiting_task_keeps_its_job(engine: Engine) -> None:
    """A job with work left is neither ended nor idle."""
    job = engine.submit(volume())

    with engine.store.begin() as tx:
        ended, idle = tx.courses.settle(job.id), tx.courses.idle()

    assert (ended, list(idle)) == (None, [])


# -- what is changed beside the task ---------------------------------------------------------------


def test_a_failed_operation_leaves_its_resource_on_record(engine: Engine) -> None:
    """What the cloud made before it failed is there to be deleted."""
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.FAILED)

    ended = engine.run(job)

    assert ended.state == "failed"
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 1


def test_a_deleted_resource_is_released(engine: Engine) -> None:
    """After its removal it belongs to the cluster no longer."""
    made = engine.submit(volume())
    engine.run(made)
    [volume_id] = engine.in_cloud()
    removal = Task(
        key="rm",
        kind="volume.delete",
        title="Remove",
        input={"id": volume_id, "cluster_id": made.cluster_id},
    )

    with engine.store.begin() as tx:
        cluster_id = made.cluster_id
        gone = tx.clusters.release_resource(cluster_id, interface="compute", resource_id=volume_id)
    before = engine.recorded(made)
    deletion = engine.submit(removal, action=Action.DELETE, cluster_id=made.cluster_id)
    engine.run(deletion)

    assert gone is None
    assert before == {volume_id}
    assert engine.recorded(made) == engine.in_cloud() == set()
    assert engine.cluster(made).state is ClusterState.DELETED


def test_a_machine_becomes_its_nodes_facts_until_it_is_removed(engine: Engine) -> None:
    """The node runs with the machine's address, and is gone with the machine."""
    job = engine.submit(machine(node_id="cln-1"), nodes=("cln-1",))
    engine.run(job)
    with engine.store.read() as tx:
        [node] = tx.clusters.nodes(job.cluster_id)
    removal = Task(key="rm", kind="compute.delete", title="Rm", input={"id": node.facts["id"]})

    deletion = engine.submit(removal, action=Action.DELETE, cluster_id=job.cluster_id)
    engine.run(deletion)

    with engine.store.read() as tx:
        left = tx.clusters.nodes(job.cluster_id)
    assert node.state == "running"
    assert node.facts["ip"].startswith("198.18.")
    assert left == []


def test_a_failed_deletion_keeps_the_resource(engine: Engine) -> None:
    """What could not be removed still belongs to the cluster."""
    made = engine.submit(volume())
    engine.run(made)
    [volume_id] = engine.in_cloud()
    removal = Task(key="rm", kind="volume.delete", title="Rm", input={"id": volume_id})
    engine.fault("volume.delete", FakeEffect.PERMANENT)

    deletion = engine.submit(removal, action=Action.DELETE, cluster_id=made.cluster_id)
    ended = engine.run(deletion)

    assert ended.state == "failed"
    assert engine.recorded(made) == engine.in_cloud() == {volume_id}
    assert engine.cluster(made).state is ClusterState.FAILED


def test_outcomes_are_told_as_events(engine: Engine) -> None:
    """Ends of tasks and of the cluster's transition are written down in their order."""
    job = engine.submit(volume("a"), volume("b"))
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)

    engine.run(job)

    with engine.store.read() as tx:
        events = tx.events.after(0, limit=10)
    assert sorted(event.kind for event in events) == [
        "cluster.failed",
        "job.failed",
        "task.failed",
        "task.succeeded",
    ]
    assert events[-1].kind == "cluster.failed"
    assert {event.subject for event in events} == {job.cluster_id}


@pytest.mark.parametrize("fails", [False, True], ids=["made", "failed"])
def test_the_end_of_a_frontgates_job_wakes_who_waits_for_it(engine: Engine, fails: bool) -> None:
    """Tasks that wait for a Frontgate are polled at once when its hidden cluster is decided."""
    waiter = engine.submit(volume("w"))
    [claim] = engine.claim()
    operation = engine.pending(claim)
    engine.write(claim, Waiting(operation=operation, after_s=500.0, creates=False))
    engine.set_kind(claim, "frontgate.ensure")
    job = engine.submit(volume(), hidden=True)
    if fails:
        engine.fault("volume.create", FakeEffect.QUOTA)

    engine.turn()

    assert engine.job(job).state == ("failed" if fails else "succeeded")
    assert engine.task(waiter, "w").run_at == engine.clock()


def test_the_last_frontgate_takes_its_closed_runtime_with_it(engine: Engine) -> None:
    """A runtime that is being removed is gone with the last cluster on it."""
    job = engine.submit(volume(), hidden=True, action=Action.DELETE)
    with engine.store.begin() as tx:
        tx.runtimes.close("rt-1")

    engine.run(job)

    with engine.store.read() as tx:
        state = tx.runtimes.state("rt-1")
    assert state == "deleted"


def test_a_runtime_with_other_clusters_stays(engine: Engine) -> None:
    """A runtime that is being removed waits for all that is on it."""
    job = engine.submit(volume(), hidden=True, action=Action.DELETE)
    engine.submit(volume(), hidden=True)
    with engine.store.begin() as tx:
        tx.runtimes.close("rt-1")

    engine.run(job)

    with engine.store.read() as tx:
        state = tx.runtimes.state("rt-1")
    assert state == "deleting"


def test_of_the_last_two_frontgates_one_takes_the_runtime_with_it(
    make_engine_on_postgresql: Callable[..., Engine],
) -> None:
    """Their jobs end at the same time: neither leaves it to the other."""
    engine = make_engine_on_postgresql()
    jobs = [engine.submit(hidden=True, action=Action.DELETE) for _ in range(2)]
    with engine.store.begin() as tx:
        tx.runtimes.close("rt-1")

    def end_other() -> None:
        with engine.store.begin() as tx:
            effects.end_job(tx, jobs[1].id)

    other = threading.Thread(target=end_other)
    with engine.store.begin() as tx:
        effects.end_job(tx, jobs[0].id)
        other.start()
        other.join(timeout=0.2)  # it waits for this transaction
    other.join(timeout=20)

    with engine.store.read() as tx:
        state = tx.runtimes.state("rt-1")
    assert state == "deleted"


def test_an_outcome_under_a_lost_claim_is_dropped(engine: Engine) -> None:
    """Who was taken for dead changes nothing: neither the task nor what is beside it."""
    job = engine.submit(volume())
    [old] = engine.claim()
    engine.die()
    engine.claim("run-b")

    engine.write(old, Succeeded(outputs={"id": "x"}, operation=None, creates=True))

    assert engine.states(job) == {"volume.create/1": "claimed"}
    assert engine.recorded(job) == set()


def test_a_failure_to_write_under_a_lost_claim_is_dropped(engine: Engine) -> None:
    """Whoever has the task by now decides."""
    job = engine.submit(volume())
    [old] = engine.claim()
    engine.die()

    with engine.store.begin() as tx:
        write_failure(tx, Finished(old, FAILURE))

    assert engine.states(job) == {"volume.create/1": "ready"}


def test_an_outcome_without_a_resource_can_fail_to_be_written(engine: Engine) -> None:
    """There is nothing to record."""
    job = engine.submit(volume())
    [claim] = engine.claim()

    with engine.store.begin() as tx:
        write_failure(tx, Finished(claim, FAILURE))

    assert engine.job(job).state == "failed"
    assert engine.recorded(job) == set()


def test_what_a_reference_named_is_released(engine: Engine) -> None:
    """A removal of what an earlier task of the plan told is a removal like any other."""
    made = engine.submit(volume())
    engine.run(made)
    [volume_id] = engine.in_cloud()
    removal = Task(key="rm", kind="volume.delete", title="Rm", input={"id": {"$ref": "told#/id"}})
    told = volume("told")

    deletion = engine.submit(told, attrs.evolve(removal, after=("told",)), action=Action.DELETE)
    engine.run(deletion)

    assert engine.job(deletion).state == "succeeded"
    assert engine.recorded(deletion) == set()
    assert engine.in_cloud() == {volume_id}


def test_a_failed_task_keeps_the_vendors_facts(engine: Engine) -> None:
    """Its support asks for them; what is longer than the table takes is cut."""
    job = engine.submit(volume("a"), volume("b"))
    first, second = engine.claim()
    engine.fault("volume.create", FakeEffect.QUOTA)

    engine.write(first, engine.step(first))
    engine.write(second, attrs.evolve(FAILURE, vendor_code="c" * 300))

    failed = engine.task(job, first.task.key)
    assert (failed.vendor_code, failed.vendor_request_id) == ("Fake.quota", "4711")
    assert engine.task(job, second.task.key).vendor_code == "c" * 255


def test_a_failed_operation_keeps_the_vendors_facts(make_engine_of: Callable[..., Engine]) -> None:
    """As its poll told them."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume("a"))
    engine.fault("volume.create", FakeEffect.FAILED)

    engine.run(job)

    assert engine.task(job, "a").vendor_request_id == "4711"
