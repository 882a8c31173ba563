"""Retrying a failed job: finished tasks are kept, and nothing that may exist is forgotten."""

from collections.abc import Callable

import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.errors import ConflictError
from pitrix_core.jobs.effects import end_job
from pitrix_core.jobs.outcome import Failed
from pitrix_core.jobs.worker import TIMEOUT_CODE
from pitrix_core.model import Task
from pitrix_core.model.job import CANCELLED_CODE
from pitrix_core.store import tables
from pitrix_core.testing.fake_provider import FakeEffect

#: How far a start comes before its runner dies, whatever the cloud.
BOUNDARIES = (
    "start, claimed",
    *(f"start again, {how}" for how in ("claimed", "answered", "written")),
)


def machine_with_disk() -> tuple[Task, Task]:
    """A volume, and the machine it is attached to."""
    attached = machine("vm", after=("disk",), node_id="cln-1")
    attached.input["volumes"] = [{"volume_id": {"$ref": "disk#/id"}}]
    return volume("disk"), attached


def test_finished_tasks_are_not_done_again(engine: Engine) -> None:
    """A retry goes on from where the job failed, with the outputs that are there."""
    job = engine.submit(volume("a"), volume("b", after=("a",)), volume("c", after=("a", "b")))
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)
    engine.run(job)
    outputs = engine.task(job, "a").outputs

    engine.retry(job)
    states = engine.states(job)
    ended = engine.run(job)

    assert states == {"a": "succeeded", "b": "ready", "c": "waiting"}
    assert ended.state == "succeeded"
    assert ended.error is None
    assert engine.task(job, "a").outputs == outputs
    assert len(engine.in_cloud()) == 3


def test_a_skipped_task_that_waits_for_nothing_is_ready(engine: Engine) -> None:
    """What was skipped though all before it was done is started at once."""
    job = engine.submit(volume("a"), volume("b"))
    first, second = engine.claim()
    engine.write(second, engine.step(second))
    engine.write(first, Failed(error="no", error_code="provider", operation=None, creates=True))

    engine.retry(job)

    assert sorted(engine.states(job).values()) == ["ready", "succeeded"]


@pytest.mark.parametrize("state", ["running", "succeeded"])
def test_only_failed_jobs_are_retried(engine: Engine, state: str) -> None:
    """A job that has not failed is left as it is."""
    job = engine.submit(volume())
    if state == "succeeded":
        engine.run(job)

    with pytest.raises(ConflictError, match="has not failed"):
        engine.retry(job)

    assert engine.job(job).state == state


def test_a_refused_request_is_sent_again_under_a_new_key(engine: Engine) -> None:
    """Nothing was made under the old one."""
    job = engine.submit(volume())
    engine.fault("volume.create", FakeEffect.QUOTA)
    engine.run(job)
    before = engine.task(job, "volume.create/1")

    engine.retry(job)
    [claim] = engine.claim()

    assert before.sent_at is None
    assert not claim.maybe_sent
    assert claim.task.request_key not in (None, before.request_key)
    assert claim.task.attempts == 1


def test_what_a_failed_operation_made_is_removed_first(engine: Engine) -> None:
    """The new request makes another one once it is gone."""
    job = engine.submit(volume("a"))
    engine.fault("volume.create", FakeEffect.FAILED)
    engine.run(job)
    broken = engine.in_cloud()

    engine.retry(job)
    states = engine.states(job)
    ended = engine.run(job)

    assert states == {"a": "waiting", "remove/2": "ready"}
    assert engine.task(job, "remove/2").title == "Remove what failed: Make a"
    assert engine.task(job, "a").after == ("remove/2",)
    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert not engine.in_cloud() & broken
    assert engine.recorded(job) == engine.in_cloud()


def test_a_machine_that_failed_lets_go_of_its_volume(engine: Engine) -> None:
    """The cloud refuses to attach a volume to a second machine; its node is there all the while."""
    job = engine.submit(*machine_with_disk(), nodes=("cln-1",))
    engine.fault("compute.create", FakeEffect.FAILED, count=2)
    engine.run(job)

    engine.retry(job)
    failed_again = engine.run(job)
    with engine.store.read() as tx:
        [node] = tx.clusters.nodes(job.cluster_id)
    engine.retry(job)
    ended = engine.run(job)

    assert failed_again.error_code == "provider"
    assert node.state == "planned"
    assert ended.state == "succeeded"
    assert engine.states(job) == dict.fromkeys(("disk", "vm", "remove/3", "remove/4"), "succeeded")
    assert engine.recorded(job) == engine.in_cloud()
    assert len(engine.in_cloud()) == 2


def test_what_cannot_be_removed_keeps_the_task_from_being_started(engine: Engine) -> None:
    """The job fails, and says what could not be removed; the next retry removes it."""
    job = engine.submit(*machine_with_disk())
    engine.fault("compute.create", FakeEffect.FAILED)
    engine.run(job)
    engine.fault("compute.delete", FakeEffect.PERMANENT)

    engine.retry(job)
    failed = engine.run(job)
    states = engine.states(job)
    engine.retry(job)
    ended = engine.run(job)

    assert str(failed.error).startswith("Remove what failed: Make vm: compute.delete")
    assert states == {"disk": "succeeded", "vm": "skipped", "remove/3": "failed"}
    assert ended.state == "succeeded"
    assert engine.recorded(job) == engine.in_cloud()


def test_what_failed_is_removed_once_though_the_retry_was_stopped(engine: Engine) -> None:
    """Stopped before it removed anything, the job begins with that when it is retried again."""
    job = engine.submit(volume("a"))
    engine.fault("volume.create", FakeEffect.FAILED)
    engine.run(job)
    engine.retry(job)
    with engine.store.begin() as tx:
        tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        end_job(tx, job.id)

    engine.retry(job)
    states = engine.states(job)
    ended = engine.run(job)

    assert states == {"a": "waiting", "remove/2": "ready"}
    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1


def test_what_is_made_anew_under_the_same_id_is_removed_again(engine: Engine) -> None:
    """Some clouds call things by the names they are given."""
    job = engine.submit(volume("a"))
    engine.fault("volume.create", FakeEffect.FAILED, count=2)
    engine.run(job)
    engine.retry(job)
    engine.run(job)
    removal, [made] = engine.task(job, "remove/2"), engine.in_cloud()
    with engine.store.engine.begin() as connection:
        statement = tables.tasks.update().where(tables.tasks.c.id == removal.id)
        connection.execute(statement.values(input={**removal.input, "id": made}))

    engine.retry(job)

    assert engine.states(job) == {"a": "waiting", "remove/2": "succeeded", "remove/3": "ready"}


def test_what_is_only_named_by_its_task_removes_nothing_yet(engine: Engine) -> None:
    """A task may remove what another one of the job makes, whose id nobody knows by then."""
    by_name = {"id": {"$ref": "a#/id"}}
    removal = Task(key="rm", kind="volume.delete", title="Remove", after=("a",), input=by_name)
    job = engine.submit(volume("a"), removal)
    engine.fault("volume.create", FakeEffect.FAILED)
    engine.run(job)

    engine.retry(job)

    assert engine.states(job) == {"a": "waiting", "rm": "waiting", "remove/3": "ready"}


def test_what_is_shared_is_not_removed(engine: Engine) -> None:
    """A network that was ensured may be another cluster's."""
    ensure = Task(key="net", kind="network.ensure", title="Have a network", input={"name": "n"})
    job = engine.submit(ensure)
    engine.fault("network.ensure", FakeEffect.FAILED)
    engine.run(job)

    engine.retry(job)

    assert engine.states(job) == {"net": "ready"}


@pytest.mark.parametrize(
    "make_engine", ["make_engine_of", "make_engine_on_postgresql"], ids=["sqlite", "postgresql"]
)
@pytest.mark.parametrize("honours_keys", [True, False], ids=["keys-kept", "keys-forgotten"])
def test_runners_may_die_at_every_boundary_of_a_retry(
    request: pytest.FixtureRequest, make_engine: str, honours_keys: bool
) -> None:
    """Each step's runner dies once when it has claimed, once when the cloud has answered, and once
    when the outcome is written: what failed is removed, and one of each is there.
    """
    cloud = {"honours_keys": honours_keys, "delay_polls": 1, "stages": 2, "request_s": 5.0}
    engine: Engine = request.getfixturevalue(make_engine)(**cloud)
    job = engine.submit(*machine_with_disk())
    engine.fault("compute.create", FakeEffect.FAILED)
    engine.run(job)
    broken = {*engine.in_cloud()} - {engine.task(job, "disk").outputs["id"]}

    engine.retry(job)
    deaths = engine.run_among_deaths(job)

    assert deaths >= {f"{task}: {far}" for task in ("remove/3", "vm") for far in BOUNDARIES}
    assert engine.job(job).state == "succeeded"
    assert engine.in_cloud() == engine.recorded(job)
    assert len(engine.in_cloud()) == 2
    assert not engine.in_cloud() & broken


def test_an_operation_that_took_too_long_is_polled_on(
    make_engine_of: Callable[..., Engine],
) -> None:
    """A retry gives it its time again, and starts nothing."""
    engine = make_engine_of(delay_s=1000.0, retry_after_s=10.0)
    job = engine.submit(volume(timeout_s=600.0))
    ended = engine.run(job)
    failed = engine.task(job, "volume.create/1")

    engine.retry(job)
    retried = engine.run(job)

    assert ended.error == "Make volume.create/1: Not done within 600 s"
    assert failed.error_code == TIMEOUT_CODE
    assert retried.state == "succeeded"
    assert len(engine.in_cloud()) == 1


def test_polls_that_fail_for_ever_end_with_the_tasks_time(
    make_engine_of: Callable[..., Engine],
) -> None:
    """A cloud that does not answer polls fails the task when its time is up, not before."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume(timeout_s=600.0, max_attempts=2))
    engine.fault("volume.poll", FakeEffect.TEMPORARY, count=1000)
    started_at = engine.clock()

    ended = engine.run(job)

    assert ended.state == "failed"
    assert "Not done within 600 s: volume.poll: Fake.temporary" in str(ended.error)
    assert ended.finished_at is not None
    assert 600 <= (ended.finished_at - started_at).total_seconds() < 700
    assert engine.recorded(job) == engine.in_cloud()


@pytest.mark.parametrize("effect", [FakeEffect.AUTH, FakeEffect.PERMANENT])
def test_an_operation_that_could_not_be_looked_at_is_polled_on(
    make_engine_of: Callable[..., Engine], effect: FakeEffect
) -> None:
    """The cloud refused to tell; that says nothing about what it is making."""
    engine = make_engine_of(delay_polls=1)
    job = engine.submit(volume())
    engine.fault("volume.poll", effect)
    failed = engine.run(job)

    engine.retry(job)
    retried = engine.run(job)

    assert failed.state == "failed"
    assert retried.state == "succeeded"
    assert len(engine.in_cloud()) == 1


def test_a_resource_that_vanished_is_made_anew(engine: Engine) -> None:
    """An operation the cloud knows nothing of is not polled on."""
    job = engine.submit(volume())
    [claim] = engine.claim()
    operation = engine.pending(claim)
    failed = Failed(
        error="gone", error_code="provider_not_found", operation=operation, creates=True
    )
    engine.write(claim, failed)

    engine.retry(job)
    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert engine.task(job, "volume.create/1").request_key != claim.task.request_key


def test_a_refused_stage_is_begun_again(make_engine_of: Callable[..., Engine]) -> None:
    """What the stages before have made is used."""
    engine = make_engine_of(stages=3)
    job = engine.submit(machine())
    engine.fault("compute.advance", FakeEffect.QUOTA, skip=1)
    failed = engine.run(job)

    engine.retry(job)
    ended = engine.run(job)

    assert failed.state == "failed"
    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1
    assert engine.recorded(job) == engine.in_cloud()
