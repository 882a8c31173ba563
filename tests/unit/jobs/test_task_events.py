"""What is told of tasks as events."""

from collections.abc import Callable
from typing import Any

import pytest
from driven_engine import Engine, volume
from scripted import Scripted, operation

from pitrix_core.model import Job, OperationState, Task
from pitrix_core.model.output import excerpt_of
from pitrix_core.store.events import Event
from pitrix_core.testing.fake_provider import FakeEffect


def told(engine: Engine) -> list[Event]:
    """The events of tasks, in their order."""
    with engine.store.read() as tx:
        events = tx.events.after(0, limit=100)
    return [event for event in events if event.kind.startswith("task.")]


def kinds(engine: Engine) -> list[str]:
    """Their kinds."""
    return [event.kind for event in told(engine)]


def run(engine: Engine, *tasks: Task) -> Job:
    """Carry a job out."""
    return engine.run(engine.submit(*tasks))


@pytest.fixture
def slow(make_engine_of: Callable[..., Engine]) -> Engine:
    """An engine on a cloud that takes some polls."""
    return make_engine_of(delay_polls=3)


def test_a_task_is_told_when_it_starts_and_ends(slow: Engine) -> None:
    """Once each, however often its operation is polled."""
    run(slow, volume("a"))

    assert kinds(slow) == ["task.started", "task.succeeded"]


def test_an_event_says_what_happened_when(slow: Engine) -> None:
    """Which task of which job, when it began and ended, and how often it was tried."""
    job = run(slow, volume("a"))

    started, succeeded = told(slow)
    same: dict[str, Any] = {
        "job_id": job.id,
        "key": "a",
        "kind": "volume.create",
        "title": "Make a",
        "node_id": None,
        "attempts": 1,
        "error": None,
        "output": None,
    }
    began = started.data["started_at"]
    ended = succeeded.data["finished_at"]
    assert started.data == {**same, "started_at": began, "finished_at": None}
    assert succeeded.data == {**same, "started_at": began, "finished_at": ended}
    assert began < ended


def test_a_task_that_is_done_at_once_says_only_so(engine: Engine) -> None:
    """Its start is in the event of its end."""
    run(engine, volume("a"))

    [event] = told(engine)
    assert event.kind == "task.succeeded"
    assert event.data["started_at"] is not None


def test_another_try_says_why(engine: Engine) -> None:
    """What went wrong with the last one."""
    engine.fault("volume.create", FakeEffect.TEMPORARY)

    run(engine, volume("a"))

    retried, succeeded = told(engine)
    assert (retried.kind, succeeded.kind) == ("task.retried", "task.succeeded")
    assert "Fake.temporary" in retried.data["error"]
    assert (retried.data["attempts"], succeeded.data["attempts"]) == (1, 2)


def test_a_poll_that_failed_is_not_told(slow: Engine) -> None:
    """The task goes on; its row says what it waits for."""
    slow.fault("volume.poll", FakeEffect.TEMPORARY)

    run(slow, volume("a"))

    assert kinds(slow) == ["task.started", "task.succeeded"]


def test_a_failure_says_why(engine: Engine) -> None:
    """In the words of the provider."""
    engine.fault("volume.create", FakeEffect.QUOTA)

    run(engine, volume("a"))

    [event] = told(engine)
    assert event.kind == "task.failed"
    assert "Fake.quota" in event.data["error"]


def test_the_end_of_what_a_command_wrote_is_told(engine: Engine, scripted: Scripted) -> None:
    """No more of it than fits into an event."""
    output = "x" * 9000 + "the end"
    scripted.answer = operation(OperationState.DONE, outputs={"exit_code": 0, "output": output})

    run(engine, Task(key="do", kind="thing.do", title="Do it"))

    [event] = told(engine)
    assert event.data["output"] == output[-2000:]


@pytest.mark.parametrize("outputs", [{}, {"id": "i-1"}, {"output": 7}], ids=repr)
def test_a_task_without_a_command_has_no_excerpt(outputs: dict[str, Any]) -> None:
    """What is in the outputs beside is nobody's output."""
    assert excerpt_of(outputs) is None
