"""Deletions of clusters whose earlier job has left requests open: these are found out first."""

from typing import Any

import pytest
from driven_engine import Engine, machine, volume

from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Action, ClusterState, Job, JobState, Task
from pitrix_core.model.job import CANCELLED_CODE
from pitrix_core.store.courses import CourseRepository
from pitrix_core.testing.fake_provider import FakeEffect


def given_up(engine: Engine) -> Job:
    """A job that has made a volume, and was given up while it made the machine that has it."""
    attached = machine("vm", after=("disk",))
    attached.input["volumes"] = [{"volume_id": {"$ref": "disk#/id"}}]
    job = engine.submit(volume("disk"), attached)
    while engine.task(job, "disk").state != "succeeded":
        engine.turn()
        engine.clock.advance(1.0)
    [claim] = engine.claim()
    engine.step(claim)  # nobody hears of it
    with engine.store.begin() as tx:
        tx.courses.stop(job.id, error="Cancelled.", error_code=CANCELLED_CODE)
        tx.courses.give_up(job.id)
        end_job(tx, job.id)
    return job


def delete(engine: Engine, job: Job, **values: Any) -> Job:
    """Begin to delete a job's cluster, by a plan that knows of the volume alone."""
    disk_id = engine.task(job, "disk").outputs["id"]
    remove = Task(key="rm", kind="volume.delete", title="Remove disk", input={"id": disk_id})
    return engine.submit(remove, action=Action.DELETE, cluster_id=job.cluster_id, **values)


def test_a_deletion_removes_what_was_not_known_first(engine: Engine) -> None:
    """A machine that is found holds the volume that the deletion was planned for."""
    job = given_up(engine)

    deletion = delete(engine, job)
    waiting = engine.states(deletion)
    settled = engine.run(job)
    begun = engine.states(deletion)
    ended = engine.run(deletion)

    assert deletion.state is JobState.QUEUED
    assert waiting == {"rm": "waiting"}
    assert settled.state is JobState.SUCCEEDED
    assert begun == {"rm": "waiting", "remove/2": "ready"}
    assert ended.state is JobState.SUCCEEDED
    assert engine.cluster(job).state is ClusterState.DELETED
    assert engine.in_cloud() == engine.recorded(job) == set()


def test_things_of_two_kinds_are_told_apart(engine: Engine) -> None:
    """Some clouds call a machine and its volume by one name: to plan for one is not for both."""
    job = given_up(engine)
    with engine.provider.cloud.rows() as rows:
        [found] = rows.all("compute")
    remove = Task(key="rm", kind="volume.delete", title="Remove disk", input={"id": found.id})

    deletion = engine.submit(remove, action=Action.DELETE, cluster_id=job.cluster_id)
    engine.run(job)

    assert engine.task(deletion, "remove/2").kind == "compute.delete"


def test_nothing_is_added_where_nothing_is_found(engine: Engine) -> None:
    """A request that made nothing is not sent again."""
    job = given_up(engine)
    with engine.provider.cloud.rows() as rows:
        [made] = rows.all("compute")
        rows.set_facts(engine.task(job, "disk").outputs["id"], attached_to="")
        rows.remove(made.id)

    deletion = delete(engine, job)
    settled = engine.run(job)
    ended = engine.run(deletion)

    assert settled.state is JobState.CANCELLED
    assert ended.state is JobState.SUCCEEDED
    assert engine.states(deletion) == {"rm": "succeeded"}
    assert engine.in_cloud() == set()


def test_a_deletion_that_cannot_find_out_removes_nothing(engine: Engine) -> None:
    """It fails before it began, says of what nothing is known, and may be asked for again."""
    job = given_up(engine)
    engine.fault("compute.find", FakeEffect.AUTH, count=1000)
    before = engine.in_cloud()

    deletion = delete(engine, job)
    engine.run(job, turns=2000)

    refused = engine.job(deletion)
    assert (refused.state, refused.error_code) == (JobState.FAILED, "undecided")
    assert "nothing was removed: Make vm." in str(refused.error)
    assert engine.states(deletion) == {"rm": "skipped"}
    assert engine.cluster(job).state is ClusterState.CANCELLED
    assert engine.in_cloud() == before


def test_all_that_wait_are_told_that_they_cannot_begin(engine: Engine) -> None:
    """None is left to wait for what has ended already."""
    job = given_up(engine)
    engine.fault("compute.find", FakeEffect.AUTH, count=1000)
    deletion = delete(engine, job)
    with engine.store.begin() as tx:
        undoing = tx.jobs.add_roll_back(tx.jobs.get(job.id))

    engine.run(job, turns=2000)

    assert engine.job(deletion).state is JobState.FAILED
    assert engine.job(undoing).state is JobState.FAILED


def test_a_deletion_that_is_dropped_at_the_last_moment_does_not_begin(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was found while it waited, and is locked once it was cancelled."""
    job = given_up(engine)
    deletion = delete(engine, job)
    with engine.store.begin() as tx:
        tx.courses.drop(deletion.id, error="Cancelled.")
    found = [deletion.id]
    monkeypatch.setattr(CourseRepository, "next_on", lambda *_: found.pop() if found else None)

    engine.run(job)

    assert engine.job(deletion).state is JobState.CANCELLED
    assert engine.cluster(job).state is ClusterState.ACTIVE
    assert len(engine.in_cloud()) == 2


def test_a_deletion_that_waits_has_its_time_when_it_begins(engine: Engine) -> None:
    """Finding out is not on its clock."""
    job = given_up(engine)

    deletion = delete(engine, job, deadline_s=1000.0)
    engine.clock.advance(5000.0)
    engine.run(job)
    begun = engine.job(deletion)

    assert deletion.deadline_at is None
    assert begun.started_at is not None
    assert begun.deadline_at is not None
    assert (begun.deadline_at - begun.started_at).total_seconds() == 1000.0


@pytest.mark.parametrize(
    "make_engine", ["make_engine_of", "make_engine_on_postgresql"], ids=["sqlite", "postgresql"]
)
@pytest.mark.parametrize("honours_keys", [True, False], ids=["keys-kept", "keys-forgotten"])
def test_runners_may_die_at_every_boundary_of_what_leads_to_a_deletion(
    request: pytest.FixtureRequest, make_engine: str, honours_keys: bool
) -> None:
    """While it is found out what is there, and while all of it is removed."""
    cloud = {"honours_keys": honours_keys, "delay_polls": 1, "request_s": 5.0}
    engine: Engine = request.getfixturevalue(make_engine)(**cloud)
    job = given_up(engine)

    deletion = delete(engine, job)
    deaths = engine.run_among_deaths(job) | engine.run_among_deaths(deletion)

    assert {"vm: start again, answered", "remove/2: start, claimed"} <= deaths
    assert engine.job(deletion).state is JobState.SUCCEEDED
    assert engine.in_cloud() == engine.recorded(job) == set()
