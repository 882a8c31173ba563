"""What has served its purpose is dropped, and nothing that something may still need."""

from collections.abc import Callable

import attrs
import pytest
import sqlalchemy as sa

from pitrix_core.model import Cluster, ClusterState, Job, JobState, Task, TaskState
from pitrix_core.store import Store, tables
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.testing.manual_clock import ManualClock

DAY_S = 86400.0


def count(store: Store, table: sa.Table) -> int:
    with store.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def update(store: Store, table: sa.Table, **values: object) -> None:
    with store.engine.begin() as connection:
        connection.execute(table.update().values(**values))


@pytest.fixture
def job_id(store: Store, submit: Callable[..., Job]) -> str:
    """A job of one task, which has sent the request ``key-1``."""
    made = submit(Task(key="a", kind="service.run", title="A", input={"cmd": "true"}))
    update(store, tables.tasks, request_key="key-1", outputs={"output": "much"})
    return made.id


def ended(store: Store, job: JobState, task: TaskState) -> None:
    """Let the job have ended now."""
    with store.read() as tx:
        now = tx.now
    update(store, tables.jobs, state=job, finished_at=now)
    update(store, tables.tasks, state=task, finished_at=now)


# -- messages --------------------------------------------------------------------------------------


@pytest.fixture
def messages(store: Store, cluster: Cluster) -> None:
    """A message that was acknowledged and answered, a report, and the newest message."""
    with store.begin() as tx:
        secret = tx.secrets.add("token", owner="system")
        frontgate = Frontgate(
            id="fg-1",
            owner="system",
            cluster_id=cluster.id,
            runtime_id="rt-1",
            network_id="net",
            secret_id=secret.id,
        )
        tx.agents.add_frontgate(frontgate)
        for message_id in ("key-1", "key-2"):
            tx.agents.send(Message(id=message_id, frontgate_id="fg-1", type="t", body={}))
            tx.agents.acknowledge(message_id, frontgate_id="fg-1")
        answer = Message(id="m-1", frontgate_id="fg-1", type="done", body={}, reply_to="key-1")
        tx.agents.receive(answer)
        tx.agents.receive(attrs.evolve(answer, id="m-2", reply_to=None))


def drop_messages(store: Store) -> tuple[int, int]:
    with store.begin() as tx:
        sent = tx.retention.drop_sent(DAY_S, limit=10)
        return sent, tx.retention.drop_received(DAY_S, limit=10)


@pytest.mark.usefixtures("messages")
def test_messages_are_kept_for_their_time(store: Store) -> None:
    """However little they are needed."""
    assert drop_messages(store) == (0, 0)


@pytest.mark.usefixtures("messages", "job_id")
def test_answers_to_what_succeeded_go(store: Store, manual_clock: ManualClock) -> None:
    """The newest message stays: the Pilots go by its number."""
    ended(store, JobState.SUCCEEDED, TaskState.SUCCEEDED)
    manual_clock.advance(2 * DAY_S)

    assert drop_messages(store) == (1, 2)


@pytest.mark.usefixtures("messages", "job_id")
@pytest.mark.parametrize("state", [TaskState.READY, TaskState.CLAIMED, TaskState.FAILED])
def test_answers_to_what_may_look_for_them_stay(
    store: Store, manual_clock: ManualClock, state: TaskState
) -> None:
    """A retry of a failed job may begin with one."""
    update(store, tables.tasks, state=state)
    manual_clock.advance(2 * DAY_S)

    assert drop_messages(store) == (0, 1)


@pytest.mark.usefixtures("messages", "job_id")
def test_answers_to_what_failed_go_with_the_cluster(
    store: Store, manual_clock: ManualClock
) -> None:
    """Nothing of it can go on."""
    ended(store, JobState.FAILED, TaskState.FAILED)
    update(store, tables.clusters, state=ClusterState.DELETED)
    manual_clock.advance(2 * DAY_S)

    assert drop_messages(store) == (1, 2)


@pytest.mark.usefixtures("messages")
def test_what_is_not_acknowledged_stays(store: Store, manual_clock: ManualClock) -> None:
    """It is still to be sent."""
    update(store, tables.outbox, acked_at=None)
    manual_clock.advance(2 * DAY_S)

    assert drop_messages(store)[0] == 0


# -- answers and events ----------------------------------------------------------------------------


def test_answers_of_requests_go(store: Store, manual_clock: ManualClock) -> None:
    """Those that are old enough, so many at a time."""
    for age in range(3):
        with store.begin() as tx:
            for key in ("a", "b"):
                tx.identity.reserve_key(f"{key}{age}", owner="alice", request_digest="d")
        manual_clock.advance(DAY_S)

    with store.begin() as tx:
        dropped = [tx.retention.drop_answers(1.5 * DAY_S, limit=3) for _ in range(3)]

    assert dropped == [3, 1, 0]
    assert count(store, tables.idempotency_keys) == 2


def test_events_go_but_the_newest(store: Store, manual_clock: ManualClock) -> None:
    """A number that was seen never comes again."""
    for _ in range(5):
        with store.begin() as tx:
            tx.events.add("k", "s", owner="alice", data={})
    manual_clock.advance(2 * DAY_S)

    with store.begin() as tx:
        dropped = [tx.retention.drop_events(DAY_S, limit=3) for _ in range(3)]
        last_id = tx.events.last_id()

    assert dropped == [3, 1, 0]
    assert last_id == 5


def test_young_events_stay(store: Store, manual_clock: ManualClock) -> None:
    """Though older ones go."""
    for _ in range(3):
        with store.begin() as tx:
            tx.events.add("k", "s", owner="alice", data={})
        manual_clock.advance(DAY_S)

    with store.begin() as tx:
        assert tx.retention.drop_events(2.5 * DAY_S, limit=10) == 1


# -- jobs ------------------------------------------------------------------------------------------


def drop_payloads(store: Store) -> int:
    with store.begin() as tx:
        return tx.retention.drop_payloads(DAY_S, limit=10)


def test_payloads_of_a_job_that_succeeded_go_once(
    store: Store, manual_clock: ManualClock, job_id: str
) -> None:
    """What the task was, and when, stays."""
    ended(store, JobState.SUCCEEDED, TaskState.SUCCEEDED)
    manual_clock.advance(2 * DAY_S)

    assert [drop_payloads(store), drop_payloads(store)] == [1, 0]
    with store.read() as tx:
        [task] = tx.jobs.tasks(job_id)
    assert (task.input, task.outputs, task.operation) == ({}, {}, None)
    assert (task.title, task.state) == ("A", TaskState.SUCCEEDED)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.FAILED])
def test_payloads_of_a_job_that_may_go_on_stay(
    store: Store, manual_clock: ManualClock, job_id: str, state: JobState
) -> None:
    """However long ago."""
    ended(store, state, TaskState.FAILED)
    manual_clock.advance(2 * DAY_S)

    assert drop_payloads(store) == 0


def test_payloads_of_a_failed_job_go_with_its_cluster(
    store: Store, manual_clock: ManualClock, job_id: str
) -> None:
    """Nobody can retry it any more."""
    ended(store, JobState.FAILED, TaskState.FAILED)
    update(store, tables.clusters, state=ClusterState.DELETED)
    manual_clock.advance(2 * DAY_S)

    assert drop_payloads(store) == 1


# -- chores ----------------------------------------------------------------------------------------


def test_a_chore_is_done_by_one_of_several(store: Store, manual_clock: ManualClock) -> None:
    """And again when its time has come."""
    taken = []
    for pause_s in (0.0, 0.0, 59.0, 1.0, 0.0):
        manual_clock.advance(pause_s)
        with store.begin() as tx:
            taken.append(tx.chores.take("clean", every_s=60.0))

    assert taken == [True, False, False, True, False]
