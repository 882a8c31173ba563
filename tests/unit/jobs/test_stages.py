"""Operations of several stages: each is begun once, whoever asks how often."""

import datetime as dt
from collections.abc import Callable

import attrs
import pytest
from driven_engine import Engine, machine
from scripted import Scripted, operation

from pitrix_core.jobs.outcome import Waiting
from pitrix_core.model import OperationState
from pitrix_core.store.queue import Claim
from pitrix_core.testing.fake_provider import FakeEffect

LATER = dt.timedelta(seconds=700)


@pytest.mark.parametrize(
    ("stage", "is_kept"),
    [("clone", True), ("power-on", True), ("", False), ("Power on!", False), ("x" * 40, False)],
)
def test_a_stages_key_is_the_same_whenever_it_is_begun(
    engine: Engine,
    scripted: Scripted,
    claim_of: Callable[..., Claim],
    stage: str,
    is_kept: bool,
) -> None:
    """It is made of the request's key and the stage, and is fit to be a key."""
    scripted.answer = operation()
    claim = claim_of(operation=operation(OperationState.NEXT_STAGE, stage=stage))

    engine.step(claim)
    engine.step(claim)

    first, second = scripted.keys
    assert first == second
    assert first.startswith(f"{claim.task.request_key}-")
    assert first.endswith(stage) == is_kept or stage == ""
    assert len(first) <= 64
    assert set(first) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_crash_between_stages_repeats_none(make_engine_of: Callable[..., Engine]) -> None:
    """A stage that was begun and not saved is begun again under the same key: it is the same."""
    engine = make_engine_of(stages=3)
    job = engine.submit(machine())
    engine.turn()
    for _ in range(2):
        [claim] = engine.claim()
        engine.step(claim)
        engine.die()

    ended = engine.run(job)

    assert ended.state == "succeeded"
    with engine.provider.cloud.rows() as rows:
        [thing] = rows.all("compute")
    assert thing.facts["stage"] == 3
    assert len(thing.facts["stages"]) == 2
    assert engine.recorded(job) == {thing.id}


def test_a_lost_answer_to_a_stage_is_asked_for_again(
    make_engine_of: Callable[..., Engine],
) -> None:
    """Under the stage's key the same stage is answered."""
    engine = make_engine_of(stages=2)
    job = engine.submit(machine())
    engine.fault("compute.advance", FakeEffect.LOST, count=2)

    ended = engine.run(job)

    assert ended.state == "succeeded"
    assert len(engine.in_cloud()) == 1


def test_an_answer_under_the_stages_key_is_the_same_resource(
    engine: Engine, scripted: Scripted, claim_of: Callable[..., Claim]
) -> None:
    """A provider that answers for the stage's key does not get a second record."""
    scripted.creates = True
    claim = claim_of()
    first = operation(OperationState.NEXT_STAGE, resource_id="thing-1", stage="clone")
    engine.write(claim, Waiting(operation=first, after_s=0.0, creates=True))
    [again] = engine.claim()
    scripted.answer = attrs.evolve(first, request_key=f"{first.request_key}-clone")

    engine.write(again, engine.step(again))

    with engine.store.read() as tx:
        found = tx.clusters.snapshot(claim.task.cluster_id).resources
    assert [resource.resource_id for resource in found] == ["thing-1"]
