"""Sweeps at any moment of jobs on a failing cloud, by runners that die: what somebody needs stays,
what nobody needs goes.
"""

from collections.abc import Callable
from typing import Any

import pytest
from account import look, put, swept
from driven_engine import Engine, machine, volume
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pitrix_core.errors import ProviderError
from pitrix_core.jobs.orphans import ORPHAN_AGE
from pitrix_core.model import Job
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.testing.fake_provider import FakeEffect

OTHERS = "1" * 32
AGE_S = ORPHAN_AGE.total_seconds()

clouds = st.fixed_dictionaries(
    {
        "honours_keys": st.booleans(),
        "visible_after_s": st.sampled_from([0.0, 40.0]),
        "stages": st.integers(1, 2),
        "delay_polls": st.integers(0, 2),
    }
)
faults = st.fixed_dictionaries(
    {
        "operation": st.sampled_from(
            [f"{name}.{verb}" for name in ("volume", "compute") for verb in ("create", "find")]
            + ["compute.delete", "volume.delete", "provider.owned"]
        ),
        "effect": st.sampled_from(
            [FakeEffect.LOST, FakeEffect.LOST, FakeEffect.TEMPORARY, FakeEffect.AUTH]
        ),
        "skip": st.integers(0, 2),
        "count": st.integers(1, 3),
    }
)
SLOWEST = {"honours_keys": False, "visible_after_s": 40.0, "stages": 2, "delay_polls": 2}
MOVES = ("turn", "turn", "lose", "lose", "die", "sweep", "late_sweep", "wait")


def begin_sweep(engine: Engine) -> list[Job]:
    """Begin a sweep of what is an orphan now, if anything is, and the cloud tells."""
    try:
        return [swept(engine)] if look(engine).orphans else []
    except ProviderError:
        return []


def swept_from(engine: Engine, sweep: Job) -> set[str]:
    """Return the clusters whose things a sweep was to delete."""
    with engine.store.read() as tx:
        return {task.input["tagged_cluster_id"] for task in tx.jobs.tasks(sweep.id)}


def play(engine: Engine, move: str) -> None:
    match move:
        case "turn":
            engine.turn(limit=2)
        case "lose":
            for claim in engine.claim(limit=2):
                engine.step(claim)  # what came of it dies with the runner
            engine.die()
        case "die":
            engine.claim()
            engine.die()
        case "wait":
            engine.clock.advance(30.0)
        case "late_sweep":
            engine.clock.advance(2 * AGE_S)  # what was made before is old enough


def finish(engine: Engine, *jobs: Job) -> None:
    """Take turns until all jobs have ended."""
    for _ in range(400):
        if all(engine.job(job).state in JOB_FINAL_STATES for job in jobs):
            return
        engine.turn()
        engine.clock.advance(60.0)
    raise AssertionError([engine.states(job) for job in jobs])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    cloud=clouds,
    ordered=st.lists(faults, max_size=5),
    played=st.lists(st.sampled_from(MOVES), max_size=25),
)
@example(cloud=SLOWEST, ordered=[], played=["lose", "late_sweep", "turn"])
@pytest.mark.timeout(100)
def test_a_sweep_takes_what_nobody_needs_and_nothing_else(
    make_engine_of: Callable[..., Engine],
    cloud: dict[str, Any],
    ordered: list[dict[str, Any]],
    played: list[str],
) -> None:
    """A job, orphans, and another installation's things share an account."""
    engine = make_engine_of(**cloud)
    disk = put(engine, "volume")
    orphans = {disk, put(engine, "compute", volumes=[disk])}
    put(engine, "compute", installation_id=OTHERS)
    tasks = (volume("v1"), machine("m1", after=("v1",)), volume("v2"))
    job = engine.submit(*tasks)
    for fault in ordered:
        engine.fault(**fault)
    sweeps: list[Job] = []

    for move in played:
        play(engine, move)
        is_idle = all(engine.job(sweep).state in JOB_FINAL_STATES for sweep in sweeps)
        if is_idle and move.endswith("sweep"):
            sweeps += begin_sweep(engine)
    finish(engine, job, *sweeps)
    for _ in range(10):  # as often as something is ordered to fail
        sweeps += begin_sweep(engine)
        finish(engine, *sweeps)

    assert not orphans & engine.in_cloud()
    assert job.cluster_id not in {owner for sweep in sweeps for owner in swept_from(engine, sweep)}
    assert engine.recorded(job) <= engine.in_cloud()
    with engine.provider.cloud.rows() as rows:
        assert len(rows.of(OTHERS)) == 1
