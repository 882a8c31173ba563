"""What belongs to nobody is told from everything else, and is all that is deleted."""

import pytest
from account import OLD_S, look, put, swept
from driven_engine import RUNTIME, Engine, machine, volume

from pitrix_core.jobs.orphans import ORPHAN_AGE
from pitrix_core.model import (
    ClusterState,
    Job,
    Lost,
    Orphan,
    OwnedResource,
    Task,
)
from pitrix_core.store.agents import Frontgate
from pitrix_core.store.queue import Claim
from pitrix_core.testing.fake_provider import FakeEffect


def orphans(engine: Engine) -> list[str]:
    return [orphan.id for orphan in look(engine).orphans]


def made(engine: Engine, *tasks: Task) -> Job:
    """Carry a job out, and let what it made grow old."""
    job = engine.run(engine.submit(*tasks))
    engine.clock.advance(OLD_S)
    return job


def set_state(engine: Engine, job: Job, state: ClusterState) -> None:
    with engine.store.begin() as tx:
        tx.clusters.set_state(job.cluster_id, state)


def leave_undecided(engine: Engine, claim: Claim) -> None:
    """Let a task fail of whose request nobody knows what it made."""
    with engine.store.begin() as tx:
        tx.queue.give_up(claim.task, error="no answer", error_code="provider")


# -- orphans ---------------------------------------------------------------------------------------


def test_what_nobody_knows_of_is_an_orphan(engine: Engine) -> None:
    """With its tags, and how old it is."""
    found = put(engine, "volume")

    [orphan] = look(engine).orphans

    assert orphan == Orphan(
        interface="volume", id=found, cluster_id="cl-gone", request_key="t-gone-1", age_s=OLD_S
    )


def test_what_a_deleted_cluster_has_left_is_an_orphan(engine: Engine) -> None:
    """Such as one that was deleted without asking its cloud."""
    job = made(engine, volume())
    set_state(engine, job, ClusterState.DELETED)

    assert orphans(engine) == sorted(engine.in_cloud())


def test_one_of_two_of_a_deleted_cluster_is_an_orphan_like_the_other(engine: Engine) -> None:
    """A request that made two: the second is known under the key of the first only."""
    job = made(engine, volume())
    [key] = [engine.task(job, "volume.create/1").request_key]
    put(engine, "volume", key=str(key), cluster_id=job.cluster_id)
    set_state(engine, job, ClusterState.DELETED)

    assert orphans(engine) == sorted(engine.in_cloud())


def test_what_was_undecided_of_a_cluster_that_is_gone_is_an_orphan(engine: Engine) -> None:
    """Nobody can go on with its job any more."""
    job = engine.submit(volume())
    [claim] = engine.claim()
    leave_undecided(engine, claim)
    put(engine, "volume", key=str(claim.task.request_key), cluster_id=job.cluster_id)
    set_state(engine, job, ClusterState.DELETED)

    assert len(orphans(engine)) == 1


# -- what is left alone ----------------------------------------------------------------------------


def test_what_is_recorded_for_a_cluster_is_none(engine: Engine) -> None:
    """Nothing to report at all."""
    made(engine, volume())

    assert look(engine).agrees


def test_what_is_of_another_installation_is_none(engine: Engine) -> None:
    """Two of them in one account never touch each other's."""
    put(engine, installation_id="1" * 32)

    assert look(engine).agrees


def test_what_is_young_is_none(engine: Engine) -> None:
    """Whoever made it may be about to write it down."""
    put(engine, age_s=ORPHAN_AGE.total_seconds() - 1)

    assert look(engine).agrees


@pytest.mark.parametrize("suffix", ["", "-nic"], ids=["made by its start", "made by a later stage"])
def test_what_a_task_under_way_has_made_is_none(engine: Engine, suffix: str) -> None:
    """Its key was committed before its request left."""
    job = engine.submit(volume())
    [claim] = engine.claim()
    put(engine, "volume", key=f"{claim.task.request_key}{suffix}", cluster_id=job.cluster_id)
    set_state(engine, job, ClusterState.DELETED)

    assert look(engine).agrees


def test_what_a_task_left_undecided_is_none(engine: Engine) -> None:
    """A retry of its job begins by looking for it."""
    job = engine.submit(volume())
    [claim] = engine.claim()
    leave_undecided(engine, claim)
    put(engine, "volume", key=str(claim.task.request_key), cluster_id=job.cluster_id)

    assert look(engine).agrees


def test_what_was_released_just_now_is_none(engine: Engine) -> None:
    """Clouds go on listing for a while what was removed."""
    job = made(engine, volume())
    with engine.store.begin() as tx:
        [found] = tx.clusters.snapshot(job.cluster_id).resources
        tx.clusters.release_resource(
            job.cluster_id, interface="volume", resource_id=found.resource_id
        )
        tx.clusters.set_state(job.cluster_id, ClusterState.DELETED)
    before = orphans(engine)
    engine.clock.advance(OLD_S)

    assert before == []
    assert orphans(engine) == [found.resource_id]


def test_a_network_that_a_cluster_shares_is_none(engine: Engine) -> None:
    """Though the cluster its tag names is gone."""
    network = put(engine, "network", cluster_id="cl-gone")
    job = made(engine, volume())
    resource = OwnedResource(
        cluster_id=job.cluster_id,
        kind="network.ensure",
        resource_id=network,
        node_id=None,
        request_key="t-other-1",
    )
    with engine.store.begin() as tx:
        tx.clusters.put_resource(resource, owner="admin", runtime_id=RUNTIME.id)

    assert look(engine).agrees


def test_a_network_that_a_task_is_about_to_be_answered_with_is_none(engine: Engine) -> None:
    """Whoever asks for a network gets the one that is there."""
    put(engine, "network")
    ensure = Task(key="n", kind="network.ensure", title="Have a network", input={"name": "n"})

    engine.submit(ensure)

    assert look(engine).agrees


def test_a_network_with_a_frontgate_in_it_is_none(engine: Engine) -> None:
    """The next cluster there will need both."""
    network = put(engine, "network")
    hidden = made(engine, volume())
    with engine.store.begin() as tx:
        secret = tx.secrets.add("token", owner="system")
        frontgate = Frontgate(
            id="fg-1",
            owner="system",
            cluster_id=hidden.cluster_id,
            runtime_id=RUNTIME.id,
            network_id=network,
            secret_id=secret.id,
        )
        tx.agents.add_frontgate(frontgate)

    assert look(engine).agrees


def test_what_carries_the_tag_of_a_cluster_that_is_there_is_only_reported(engine: Engine) -> None:
    """A provider may have made it beside what it was asked for."""
    job = made(engine, volume())
    found = put(engine, cluster_id=job.cluster_id)

    report = look(engine)

    assert report.orphans == ()
    assert [each.id for each in report.unrecorded] == [found]


# -- lost ------------------------------------------------------------------------------------------


def test_what_is_recorded_and_not_there_is_lost(engine: Engine) -> None:
    """Somebody removed it behind our back."""
    job = made(engine, volume())
    [gone] = engine.in_cloud()
    with engine.provider.cloud.rows() as rows:
        rows.remove(gone)

    assert look(engine).lost == (
        Lost(
            cluster_id=job.cluster_id,
            cluster_name="demo",
            kind="volume.create",
            resource_id=gone,
        ),
    )


# -- deleting --------------------------------------------------------------------------------------


def test_orphans_are_deleted_machines_first(engine: Engine) -> None:
    """Then volumes and networks, which they hold; nothing else is touched."""
    network = put(engine, "network")
    disk = put(engine, "volume")
    holder = put(engine, "compute", volumes=[disk], network_id=network)
    with engine.provider.cloud.rows() as rows:
        rows.set_facts(disk, attached_to=holder)
    job = made(engine, volume())
    others = {put(engine, age_s=1.0), *engine.recorded(job)}

    sweep = engine.run(swept(engine))

    assert sweep.state == "succeeded"
    assert engine.in_cloud() == others
    assert engine.recorded(sweep) == set()
    assert engine.cluster(sweep).state is ClusterState.DELETED


def test_what_belongs_to_somebody_by_now_is_left_alone(engine: Engine) -> None:
    """Each is looked at again right before it is deleted."""
    network = put(engine, "network")
    sweep = swept(engine)
    other = engine.submit(volume())
    resource = OwnedResource(
        cluster_id=other.cluster_id,
        kind="network.ensure",
        resource_id=network,
        node_id=None,
        request_key="t-other-1",
    )
    with engine.store.begin() as tx:
        tx.clusters.put_resource(resource, owner="admin", runtime_id=RUNTIME.id)

    assert engine.run(sweep).state == "succeeded"
    assert network in engine.in_cloud()
    assert engine.recorded(sweep) == set()


@pytest.mark.parametrize("change", ["gone", "tagged anew"])
def test_what_the_account_does_not_list_any_more_is_left_alone(engine: Engine, change: str) -> None:
    """Ids may be used again: it has to carry the tag it was found with."""
    found = put(engine, "volume")
    sweep = swept(engine)
    with engine.provider.cloud.rows() as rows:
        rows.remove(found)
    if change == "tagged anew":
        again = put(engine, "volume", key="t-new-1")
        with engine.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE tasks SET input = replace(input, ?, ?)", (found, again)
            )

    assert engine.run(sweep).state == "succeeded"
    assert len(engine.in_cloud()) == (change == "tagged anew")


@pytest.mark.parametrize("fault", [FakeEffect.LOST, FakeEffect.TEMPORARY])
def test_a_sweep_outlives_its_runner(engine: Engine, fault: FakeEffect) -> None:
    """Killed after each of its steps, with a cloud that does not answer at first."""
    for interface in ("compute", "volume", "compute"):
        put(engine, interface)
    kept = put(engine, age_s=0.0)
    engine.fault("compute.delete", fault)
    sweep = swept(engine)

    for _ in range(20):
        for claim in engine.claim(limit=1):
            engine.step(claim)  # what came of it is lost with the runner
            engine.die()
        engine.turn(limit=1)
        engine.clock.advance(10.0)

    assert engine.job(sweep).state == "succeeded"
    assert engine.in_cloud() == {kept}


def test_machines_are_deleted_like_those_of_any_cluster(engine: Engine) -> None:
    """A forgotten cluster's are found and removed once its cloud answers again."""
    job = made(engine, machine())
    set_state(engine, job, ClusterState.DELETED)

    assert engine.run(swept(engine)).state == "succeeded"
    assert engine.in_cloud() == set()
    assert engine.recorded(job) == set()
