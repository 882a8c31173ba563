"""What jobs make is counted once, from when it is known until it is gone, whatever happens."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from account import OLD_S, swept
from driven_engine import Engine, machine, volume

from pitrix_core.jobs.effects import begin_waiting
from pitrix_core.model import Action, ClusterState, Job, Price, Task
from pitrix_core.store import tables
from pitrix_core.testing.fake_provider import FakeEffect

PRICE = Price(amount_per_month=Decimal("7.30"), currency="EUR", source="a sheet")


def counted(engine: Engine) -> list[Any]:
    """Return what is counted now."""
    query = sa.select(tables.meters).where(tables.meters.c.ended_at.is_(None))
    with engine.store.engine.connect() as connection:
        return list(connection.execute(query))


def rows_of(engine: Engine) -> list[Any]:
    """Return all that was ever counted, the oldest first."""
    columns = tables.meters.c
    query = sa.select(tables.meters).order_by(columns.began_at, columns.number)
    with engine.store.engine.connect() as connection:
        return list(connection.execute(query))


def roll_back(engine: Engine, job: Job) -> Job:
    """Roll a job back that has ended."""
    with engine.store.begin() as tx:
        undoing = tx.jobs.add_roll_back(job)
        begin_waiting(tx, job.cluster_id)
    return undoing


def about(kind: str, resource_id: str) -> Task:
    """Return a task that does something with a machine or a volume."""
    return Task(key=kind, kind=kind, title=kind, input={"id": resource_id})


def test_a_machine_is_counted_as_it_was_planned(engine: Engine) -> None:
    """With its size, the price it was planned with, and to whom it belongs."""
    task = attrs.evolve(machine(), price=PRICE)
    task.input["cpu"] = 4
    job = engine.run(engine.submit(task))

    [row] = counted(engine)

    assert (row.cpu, row.memory_mib, row.disk_gib) == (4, 1024, 0)
    assert (row.price_millionths, row.currency) == (7_300_000, "EUR")
    assert (row.owner, row.cluster_id, row.runtime_id) == ("admin", job.cluster_id, "rt-1")


def test_networks_are_not_counted(engine: Engine) -> None:
    """They are shared, and have no size."""
    network = Task(key="n", kind="network.ensure", title="n", input={"name": "n"})
    engine.run(engine.submit(network, volume()))

    assert [row.interface for row in counted(engine)] == ["volume"]


def test_what_takes_long_is_counted_from_when_it_is_known(
    make_engine_of: Callable[..., Engine],
) -> None:
    """A cloud asks for money from then on, and not when our task has ended."""
    engine = make_engine_of(delay_polls=5)
    job = engine.submit(volume())
    engine.turn()
    began_at = engine.clock()
    engine.clock.advance(30.0)

    engine.run(job)

    assert [row.began_at for row in rows_of(engine)] == [began_at]


@pytest.mark.parametrize("effect", [FakeEffect.LOST, FakeEffect.TEMPORARY, FakeEffect.FAILED])
@pytest.mark.parametrize("kind", ["volume.create", "compute.create"])
def test_deaths_and_repetitions_count_nothing_twice(
    kind: str, effect: FakeEffect, engine: Engine
) -> None:
    """What is counted is what is in the cloud, whatever became of requests and runners."""
    engine.fault(kind, effect)
    job = engine.submit(volume("a"), volume("b"), machine("vm", after=("a", "b")))
    engine.run_among_deaths(job)
    if engine.job(job).state == "failed":
        engine.retry(job)
        engine.run_among_deaths(job)

    assert engine.job(job).state == "succeeded"
    assert sorted(row.resource_id for row in counted(engine)) == sorted(engine.in_cloud())
    assert len(engine.in_cloud()) == 3


def test_a_roll_back_ends_what_it_removes(engine: Engine) -> None:
    """Each for as long as it was there."""
    job = engine.submit(volume("a"), machine("vm", after=("a",)), volume("b", after=("vm",)))
    engine.fault("volume.create", FakeEffect.QUOTA, skip=1)
    engine.run(job)

    engine.run(roll_back(engine, job))

    assert counted(engine) == []
    assert all(row.ended_at > row.began_at for row in rows_of(engine))
    assert len(rows_of(engine)) == 2


def test_a_deletion_ends_what_it_removes_once(engine: Engine) -> None:
    """Removed again, as after a crash, it is gone since the first time."""
    job = engine.run(engine.submit(volume()))
    [disk] = engine.in_cloud()
    removal = {"action": Action.DELETE, "cluster_id": job.cluster_id}
    engine.run(engine.submit(about("volume.delete", disk), **removal))
    [first] = rows_of(engine)
    engine.clock.advance(3600.0)

    engine.run(engine.submit(about("volume.delete", disk), **removal))

    assert rows_of(engine) == [first]


def test_a_stopped_machine_is_not_counted_until_it_is_started(engine: Engine) -> None:
    """Its volumes are, all the time."""
    job = engine.run(engine.submit(volume(), machine()))
    [vm] = [row.resource_id for row in counted(engine) if row.interface == "compute"]

    engine.run(engine.submit(about("compute.stop", vm), cluster_id=job.cluster_id))
    stopped = {row.interface for row in counted(engine)}
    engine.run(engine.submit(about("compute.start", vm), cluster_id=job.cluster_id))

    assert stopped == {"volume"}
    assert {row.interface for row in counted(engine)} == {"volume", "compute"}
    assert [row.number for row in rows_of(engine) if row.interface == "compute"] == [1, 2]


def test_a_machine_that_was_never_stopped_is_started_without_a_break(engine: Engine) -> None:
    """A Frontgate's machine is started whenever it does not answer."""
    job = engine.run(engine.submit(machine()))
    [vm] = engine.in_cloud()

    engine.run(engine.submit(about("compute.start", vm), cluster_id=job.cluster_id))

    assert len(rows_of(engine)) == 1


def test_a_sweep_ends_what_a_deleted_cluster_has_left(engine: Engine) -> None:
    """It was there until then, and cost money."""
    job = engine.run(engine.submit(volume()))
    engine.clock.advance(OLD_S)
    with engine.store.begin() as tx:
        tx.clusters.set_state(job.cluster_id, ClusterState.DELETED)
    before = len(counted(engine))

    engine.run(swept(engine))

    assert (before, counted(engine)) == (1, [])
