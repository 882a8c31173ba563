"""Random graphs on a failing cloud, carried out by runners that die, while somebody pauses,
cancels, retries and undoes the job: it ends, its cluster leaves the transition, and nothing is left
behind.
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from chaos import MOVES, RUNNERS, Chaos, clouds, faults, graphs, tasks_of
from driven_engine import Engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitrix_core.errors import ConflictError
from pitrix_core.jobs.effects import end_job, stop_overdue
from pitrix_core.model import Action, ClusterState, Job, JobState, OwnedResource, Task, access
from pitrix_core.model.cluster import TRANSITION_STATES
from pitrix_core.model.job import JOB_FINAL_STATES, JOB_TRANSITIONS, TASK_TRANSITIONS
from pitrix_core.service import jobs
from pitrix_core.service.inputs import AfterCancel, CancelInput, CancelMode
from pitrix_core.store import Store

#: What somebody does about the job while runners work and die.
STOPS = (
    *("pause", "resume", "cancel", "force", "undo", "undo_by_force", "roll_back", "retry"),
    *("look_at_deadlines", "delete"),
)
interventions = st.lists(
    st.tuples(st.sampled_from((*MOVES, *STOPS)), st.sampled_from(RUNNERS)), max_size=40
)
ADMIN = access.admin("admin")


class Interventions:
    """What somebody may do about a job, whatever comes of it."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self._services: Any = Parts(store=engine.store)
        self._engine = engine
        self._job = job

    def act(self, name: str) -> None:
        """Do something; a refusal is an answer, too."""
        with contextlib.suppress(ConflictError):
            getattr(self, name)()

    def pause(self) -> None:
        jobs.pause(self._services, ADMIN, self._job.id)

    def resume(self) -> None:
        jobs.resume(self._services, ADMIN, self._job.id)

    def cancel(self, **how: Any) -> None:
        jobs.cancel(self._services, ADMIN, self._job.id, CancelInput(**how))

    def force(self) -> None:
        self.cancel(mode=CancelMode.FORCED)

    def undo(self) -> None:
        self.cancel(then=AfterCancel.ROLL_BACK)

    def undo_by_force(self) -> None:
        self.cancel(mode=CancelMode.FORCED, then=AfterCancel.ROLL_BACK)

    def roll_back(self) -> None:
        jobs.roll_back(self._services, ADMIN, self._job.id)

    def retry(self) -> None:
        with self._engine.store.read() as tx:
            newest = tx.jobs.newest_on(self._job.cluster_id) or self._job.id
        jobs.retry(self._services, ADMIN, newest)

    def delete(self) -> None:
        """Begin to remove what is known of the cluster, machines before volumes."""
        with self._engine.store.read() as tx:
            current = tx.clusters.snapshot(self._job.cluster_id)
            is_busy = tx.jobs.running_on(self._job.cluster_id) is not None
        if is_busy or current.cluster.state is ClusterState.DELETED:
            return
        machines = [r for r in current.resources if r.kind == "compute.create"]
        volumes = [r for r in current.resources if r.kind == "volume.create"]
        removals = [removal(resource) for resource in machines]
        after = tuple(task.key for task in removals)
        removals += [removal(resource, after=after) for resource in volumes]
        deleted = current.cluster.id
        deletion = self._engine.submit(*removals, action=Action.DELETE, cluster_id=deleted)
        with self._engine.store.begin() as tx:
            tx.clusters.set_state(deleted, ClusterState.DELETING)
            end_job(tx, deletion.id)  # it may have nothing to do

    def look_at_deadlines(self) -> None:
        with self._engine.store.begin() as tx:
            stop_overdue(tx)

    def settle(self) -> None:
        """Let every job on the cluster end."""
        self.act("resume")
        for _ in range(300):
            with self._engine.store.read() as tx:
                if tx.jobs.running_on(self._job.cluster_id) is None:
                    return
            self._engine.turn()
            self._engine.clock.advance(30.0)
        raise AssertionError("a job does not end")

    def clean_up(self) -> None:
        """Undo the job, however often a roll back fails."""
        for _ in range(6 * 3 + 1):
            if self._engine.cluster(self._job).state is ClusterState.DELETED:
                return
            self.act("roll_back")
            self.act("retry_roll_back")
            self.settle()

    def retry_roll_back(self) -> None:
        with self._engine.store.read() as tx:
            newest = tx.jobs.newest_on(self._job.cluster_id) or ""
            is_undone = newest != self._job.id
        if is_undone:
            jobs.retry(self._services, ADMIN, newest)


def removal(resource: OwnedResource, *, after: tuple[str, ...] = ()) -> Task:
    """Return a task that removes something."""
    kind = f"{resource.kind.partition('.')[0]}.delete"
    key = f"rm/{resource.resource_id}"
    return Task(key=key, kind=kind, title=key, after=after, input={"id": resource.resource_id})


@attrs.frozen
class Parts:
    """As much of a process's services as jobs need."""

    store: Store


def watch_transitions(engine: Engine) -> None:
    """Have the database itself write down every change of a state; SQLite, whose triggers are
    simple.
    """
    if engine.store.engine.dialect.name != "sqlite":
        return
    with engine.store.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE seen (kind TEXT, old TEXT, new TEXT)"))
        for kind in ("jobs", "tasks"):
            seen = f"INSERT INTO seen VALUES ('{kind}', old.state, new.state)"  # noqa: S608  # ours
            when = f"AFTER UPDATE OF state ON {kind} WHEN old.state <> new.state"
            connection.execute(sa.text(f"CREATE TRIGGER watch_{kind} {when} BEGIN {seen}; END"))


def assert_every_transition_is_in_its_table(engine: Engine) -> None:
    """Whatever wrote it."""
    if engine.store.engine.dialect.name != "sqlite":
        return
    with engine.store.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT DISTINCT kind, old, new FROM seen")).all()
    changes: dict[str, Mapping[Any, Any]] = {"jobs": JOB_TRANSITIONS, "tasks": TASK_TRANSITIONS}

    forbidden = [row for row in rows if row.new not in changes[row.kind][row.old]]
    assert forbidden == []


def assert_nothing_is_unaccounted_for(engine: Engine, job: Job) -> None:
    """Look at what has to be true once no job is at work on a cluster."""
    with engine.provider.cloud.rows() as rows:
        things = rows.of(engine.provider.context.installation_id)
    with engine.store.read() as tx:
        failed = tx.jobs.failed_tasks(job.id)
    keys = [thing.tags.request_key for thing in things]
    undecided = {task.request_key for task in failed if task.is_undecided}
    unknown = {thing.tags.request_key for thing in things if thing.id not in engine.recorded(job)}

    assert engine.job(job).state in JOB_FINAL_STATES
    assert engine.cluster(job).state not in TRANSITION_STATES
    assert len(keys) == len(set(keys)), "made twice under one key"
    assert unknown <= undecided, "neither on record nor known to be undecided"


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cloud=clouds, graph=graphs, ordered=st.lists(faults, max_size=6), played=interventions)
@pytest.mark.timeout(100)
def test_whatever_is_stopped_can_be_accounted_for_and_undone(
    make_engine_of: Callable[..., Engine],
    cloud: dict[str, Any],
    graph: list[tuple[bool, set[int]]],
    ordered: list[dict[str, Any]],
    played: list[tuple[str, str]],
) -> None:
    """However a job is paused, cancelled, retried and undone among dying runners: it ends, its
    cluster leaves the transition, and a roll back leaves nothing in the cloud.
    """
    stop(make_engine_of(**cloud), graph, ordered, played)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cloud=clouds, graph=graphs, ordered=st.lists(faults, max_size=6), played=interventions)
@pytest.mark.timeout(100)
def test_the_same_is_true_of_stops_on_postgresql(
    make_engine_on_postgresql: Callable[..., Engine],
    cloud: dict[str, Any],
    graph: list[tuple[bool, set[int]]],
    ordered: list[dict[str, Any]],
    played: list[tuple[str, str]],
) -> None:
    """Fewer examples: the statements are the same, and the rest does not know the database."""
    stop(make_engine_on_postgresql(**cloud), graph, ordered, played)


def stop(
    engine: Engine,
    graph: list[tuple[bool, set[int]]],
    ordered: list[dict[str, Any]],
    played: list[tuple[str, str]],
) -> None:
    """Let somebody meddle with a job while runners carry it out and die, and then undo it."""
    for fault in ordered:
        engine.fault(**fault)
    job = engine.submit(*tasks_of(graph), deadline_s=100.0)
    watch_transitions(engine)
    chaos, somebody = Chaos(engine), Interventions(engine, job)

    for name, runner_id in played:
        if name in STOPS:
            somebody.act(name)
        else:
            chaos.move(name, runner_id)
    chaos.end()
    somebody.settle()

    assert_nothing_is_unaccounted_for(engine, job)
    if engine.job(job).state is not JobState.SUCCEEDED:
        somebody.clean_up()
        assert engine.cluster(job).state is ClusterState.DELETED
        assert engine.in_cloud() == engine.recorded(job) == set()
    assert_every_transition_is_in_its_table(engine)
