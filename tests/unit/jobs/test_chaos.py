"""Random graphs on a failing cloud, carried out by runners that die: whatever happens, nothing is
lost, nothing is made twice, everything in the cloud is on record, and every job ends.
"""

from collections.abc import Callable
from typing import Any

import pytest
from chaos import Chaos, clouds, faults, graphs, moves, tasks_of
from driven_engine import Engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitrix_core.model import Job


def assert_nothing_went_wrong(engine: Engine, job: Job) -> None:
    """Look at what has to be true of every job that has ended."""
    with engine.provider.cloud.rows() as rows:
        things = rows.of(engine.provider.context.installation_id)
    keys = [thing.tags.request_key for thing in things]
    states = set(engine.states(job).values())

    assert engine.job(job).state in ("succeeded", "failed")
    assert len(keys) == len(set(keys)), "made twice under one key"
    assert {thing.id for thing in things} == engine.recorded(job), "not on record"
    assert states <= {"succeeded", "failed", "skipped"}
    assert (engine.job(job).state == "succeeded") == (states == {"succeeded"})


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cloud=clouds, graph=graphs, ordered=st.lists(faults, min_size=2, max_size=6), played=moves)
@pytest.mark.timeout(100)
def test_whatever_happens_nothing_is_lost_doubled_or_forgotten(
    make_engine_of: Callable[..., Engine],
    cloud: dict[str, Any],
    graph: list[tuple[bool, set[int]]],
    ordered: list[dict[str, Any]],
    played: list[tuple[str, str]],
) -> None:
    """Every job ends, and ends well once the cloud does; its resources are exactly on record."""
    play(make_engine_of(**cloud), graph, ordered, played)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cloud=clouds, graph=graphs, ordered=st.lists(faults, min_size=2, max_size=6), played=moves)
@pytest.mark.timeout(100)
def test_the_same_is_true_on_postgresql(
    make_engine_on_postgresql: Callable[..., Engine],
    cloud: dict[str, Any],
    graph: list[tuple[bool, set[int]]],
    ordered: list[dict[str, Any]],
    played: list[tuple[str, str]],
) -> None:
    """Fewer examples: the statements are the same, and the rest does not know the database."""
    play(make_engine_on_postgresql(**cloud), graph, ordered, played)


def play(
    engine: Engine,
    graph: list[tuple[bool, set[int]]],
    ordered: list[dict[str, Any]],
    played: list[tuple[str, str]],
) -> None:
    """Let runners carry a job out, and die; let it go on until it has succeeded."""
    for fault in ordered:
        engine.fault(**fault)
    job = engine.submit(*tasks_of(graph))
    chaos = Chaos(engine)

    for name, runner_id in played:
        chaos.move(name, runner_id)
    chaos.end()
    engine.run(job)

    assert_nothing_went_wrong(engine, job)
    for _ in range(6 * 3):  # no more failures were ordered than these
        if engine.job(job).state == "succeeded":
            break
        engine.retry(job)
        engine.run(job)
        assert_nothing_went_wrong(engine, job)
    assert engine.job(job).state == "succeeded"
    planned = [engine.task(job, f"task-{number}") for number in range(len(graph))]
    assert engine.in_cloud() == {task.outputs["id"] for task in planned}
    assert len(engine.in_cloud()) == len(graph)
