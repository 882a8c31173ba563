"""Whoever waits for something in the database is told when it is there."""

import threading
from collections.abc import Callable, Iterator
from typing import Self

import pytest
import sqlalchemy as sa

from pitrix_core.model import Cluster, Job, Operation, OperationState, Task
from pitrix_core.store import Store, Topic, Transaction
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.store.wakeups import Listener

#: Seconds in which whatever is told has long been heard.
SOON_S = 5.0

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Ear:
    """Waits until it is told of a topic."""

    def __init__(self, store: Store, topic: Topic) -> None:
        self._told = threading.Event()
        self._listening = store.listening({topic: self._told.set})
        self.listener: Listener

    def __enter__(self) -> Self:
        self.listener = self._listening.__enter__()
        self.hears(within_s=1.0)  # each begins with a call
        self.forget()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.__exit__(None, None, None)

    def hears(self, *, within_s: float = SOON_S) -> bool:
        return self._told.wait(within_s)

    def forget(self) -> None:
        self._told.clear()


@pytest.fixture
def tasks_told(store: Store) -> Iterator[Ear]:
    """Hears of tasks."""
    with Ear(store, Topic.TASKS) as ear:
        yield ear


def pending(key: str) -> Operation:
    """An operation that has not ended."""
    return Operation(request_key=key, kind="x.y", state=OperationState.PENDING)


def claim_one(tx: Transaction) -> None:
    """Claim a task, have it wait for long, and forget about it."""
    tx.queue.add_runner("run-1", name="r")
    [claim] = tx.queue.claim("run-1", limit=1)
    tx.queue.wait(
        claim.task, pending("key"), after_s=1e9
    )  # the database goes by a clock that has gone on


@on_postgresql
def test_a_submitted_task_is_told(
    cluster: Cluster, tasks_told: Ear, submit: Callable[..., Job]
) -> None:
    """Runners begin at once."""
    submit(Task(key="a", kind="x.y", title="a"))

    assert tasks_told.hears()


@on_postgresql
def test_a_woken_task_is_told(store: Store, tasks_told: Ear, submit: Callable[..., Job]) -> None:
    """An agent's answer is looked at, at once; a task that is to wait is not told."""
    submit(Task(key="a", kind="x.y", title="a"))
    tasks_told.hears()
    tasks_told.forget()
    with store.begin() as tx:
        claim_one(tx)
    heard_of_waiting = tasks_told.hears(within_s=0.2)

    with store.begin() as tx:
        tx.queue.wake_kind("x.y")

    assert not heard_of_waiting
    assert tasks_told.hears()


@on_postgresql
def test_an_event_is_told(store: Store) -> None:
    """Streams send it at once."""
    with Ear(store, Topic.EVENTS) as ear:
        with store.begin() as tx:
            tx.events.add("k", "cl-1", owner="admin", data={})

        assert ear.hears()


@on_postgresql
def test_a_message_is_told(store: Store, cluster: Cluster) -> None:
    """Pilots send it at once."""
    with store.begin() as tx:
        tx.secrets.add("token", owner="system", secret_id="sec-fg")
        tx.agents.add_frontgate(
            Frontgate(
                id="fg-1",
                owner="system",
                cluster_id=cluster.id,
                runtime_id=cluster.runtime_id,
                network_id="net-1",
                secret_id="sec-fg",
            )
        )
    with Ear(store, Topic.OUTBOX) as ear:
        with store.begin() as tx:
            tx.agents.send(Message(id="m", frontgate_id="fg-1", type="t", body={}))

        assert ear.hears()


@on_postgresql
def test_who_is_cut_off_listens_again(store: Store) -> None:
    """And looks at once, for what it may have missed."""
    with Ear(store, Topic.EVENTS) as ear:
        with store.engine.begin() as connection:
            ended = connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            ).all()
        heard_again = ear.hears()
        ear.forget()
        with store.begin() as tx:
            tx.events.add("k", "cl-1", owner="admin", data={})

        assert len(ended) == 1
        assert heard_again
        assert ear.hears()


def test_who_has_stopped_is_not_told(store: Store) -> None:
    """The end of the block is the end of calls."""
    with Ear(store, Topic.EVENTS) as ear:
        pass
    with store.begin() as tx:
        tx.events.add("k", "cl-1", owner="admin", data={})

    assert not ear.hears(within_s=0.1)
    assert not ear.listener.is_hearing


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_tells_nobody(store: Store) -> None:
    """Whoever waits has to look."""
    told: list[None] = []

    with store.listening({Topic.EVENTS: lambda: told.append(None)}) as listener:
        with store.begin() as tx:
            tx.events.add("k", "cl-1", owner="admin", data={})

        assert not listener.is_hearing
    assert told == []
