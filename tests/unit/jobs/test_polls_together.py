"""Polls that share a request: fewer calls, and one that fails spoils no other."""

from collections.abc import Callable, Sequence

import attrs
import pytest
import sqlalchemy.exc
from driven_engine import Engine, volume
from scripted import Scripted, operation

from pitrix_core.contracts.interface import Start
from pitrix_core.errors import PitrixError, ProviderError, ProviderTemporaryError
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.jobs.outcome import Failed, Outcome, Postponed, Retry, Succeeded, Waiting
from pitrix_core.model import Operation, OperationState, Task
from pitrix_core.store.claims import Claim, together
from pitrix_core.testing.fake_provider import FakeEffect

DONE = operation(OperationState.DONE, outputs={"id": "x"})


@attrs.define
class ScriptedMany(Scripted):
    """A handler that polls several at once, and answers what a test tells it."""

    answers: Sequence[Operation | PitrixError] | Exception = ()

    def facts(self, call: TaskCall) -> Start:
        return attrs.evolve(super().facts(call), polls_at_once=10)

    def poll_many(
        self, calls: Sequence[TaskCall], operations: Sequence[Operation]
    ) -> Sequence[Operation | PitrixError]:
        if isinstance(self.answers, Exception):
            raise self.answers
        assert len(calls) == len(operations) == len(self.answers)
        return self.answers


@pytest.fixture
def many(engine: Engine) -> ScriptedMany:
    """The handler of the kind ``thing.do``."""
    handler = ScriptedMany()
    engine.kinds.known["thing.do"] = handler
    return handler


@pytest.fixture
def polled(engine: Engine) -> Callable[[], list[Outcome]]:
    """Poll two tasks together."""

    def poll() -> list[Outcome]:
        engine.submit(*(Task(key=key, kind="thing.do", title="Do it") for key in ("a", "b")))
        found = [
            attrs.evolve(claim, task=attrs.evolve(claim.task, operation=operation()))
            for claim in engine.claim()
        ]
        return engine.worker.poll_together(found)

    return poll


def test_polls_of_a_runtime_share_requests(make_engine_of: Callable[..., Engine]) -> None:
    """Five for a hundred operations, where each alone would be a hundred."""
    engine = make_engine_of(polls_at_once=20, delay_s=60.0)
    job = engine.submit(*(volume(f"v{number}") for number in range(100)))
    while engine.turn():
        pass
    before = _calls(engine)

    engine.clock.advance(61.0)
    engine.run(job)

    assert engine.job(job).state == "succeeded"
    assert _calls(engine) == {"poll": before["poll"], "poll_many": before["poll_many"] + 5}


def test_each_answer_is_its_own(many: ScriptedMany, polled: Callable[[], list[Outcome]]) -> None:
    """One is done, and the other is gone."""
    many.answers = [DONE, ProviderError("gone")]

    first, second = polled()

    assert first == Succeeded(outputs={"id": "x"}, operation=DONE, creates=False)
    assert second == Failed(
        error="gone", error_code="provider", operation=operation(), creates=False
    )


def test_how_many_share_a_request_is_told(
    many: ScriptedMany, polled: Callable[[], list[Outcome]]
) -> None:
    """With the answer that waits, for the next claim."""
    many.answers = [operation(), DONE]

    first, _ = polled()

    assert isinstance(first, Waiting)
    assert first.polls_at_once == 10


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(ProviderTemporaryError("busy"), Retry, id="cloud-busy"),
        pytest.param(ProviderError("no"), Failed, id="cloud-refuses"),
        pytest.param(
            sqlalchemy.exc.OperationalError("select", {}, Exception("locked")),
            Postponed,
            id="database-away",
        ),
        pytest.param(KeyError("surprise"), Failed, id="nobody-knows"),
    ],
)
def test_what_keeps_all_from_being_told_is_each_ones(
    many: ScriptedMany,
    polled: Callable[[], list[Outcome]],
    error: Exception,
    outcome: type[Outcome],
) -> None:
    """As if each had been polled alone."""
    many.answers = error

    assert [type(found) for found in polled()] == [outcome, outcome]


def test_a_handler_that_polls_one_by_one_is_asked_so(
    engine: Engine, scripted: Scripted, polled: Callable[[], list[Outcome]]
) -> None:
    """Whatever an older version has learned."""
    scripted.answer = DONE

    assert [type(found) for found in polled()] == [Succeeded, Succeeded]
    assert scripted.keys == ["key", "key"]


def test_a_throttled_poll_is_repeated_for_all(make_engine_of: Callable[..., Engine]) -> None:
    """Nothing is lost by it."""
    engine = make_engine_of(polls_at_once=20, delay_polls=2)
    job = engine.submit(*(volume(f"v{number}") for number in range(10)))
    engine.fault("volume.poll_many", FakeEffect.THROTTLED, count=2)

    engine.run(job)

    assert engine.job(job).state == "succeeded"


@pytest.mark.parametrize(
    ("size", "steps"),
    [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (10, [5])],
)
def test_no_more_share_a_request_than_it_takes(
    engine: Engine, scripted: Scripted, size: int, steps: list[int]
) -> None:
    """The rest is asked for by the next one."""
    engine.submit(*(Task(key=f"t{n}", kind="thing.do", title="Do it") for n in range(5)))
    claims: list[Claim] = [
        attrs.evolve(claim, task=attrs.evolve(claim.task, operation=operation()))
        for claim in engine.claim()
    ]

    found = together(claims, {("rt-1", "thing.do"): size})

    assert [len(step) for step in found] == steps


def _calls(engine: Engine) -> dict[str, int]:
    with engine.provider.cloud.rows() as rows:
        return {name: rows.calls(f"volume.{name}") for name in ("poll", "poll_many")}
