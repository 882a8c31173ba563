"""Random graphs on a failing cloud, carried out by runners that die: whatever happens, nothing is
lost, nothing is made twice, everything in the cloud is on record, and every job ends.

The runners are simulated: one holds claims, the outcomes of steps it has not written yet, or both,
and loses either when it is killed. A runner that is only taken for dead keeps its outcomes, and is
refused when it writes them.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from driven_engine import Engine, machine, volume
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pitrix_core.errors import ConflictError
from pitrix_core.jobs.outcome import Outcome, Postponed
from pitrix_core.model import ClusterState, Job, JobState, Task
from pitrix_core.model.cluster import TRANSITION_STATES
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.service import jobs
from pitrix_core.service.inputs import AfterCancel, CancelInput, CancelMode
from pitrix_core.store import Store
from pitrix_core.store.identity import Actor
from pitrix_core.store.queue import Claim
from pitrix_core.testing.fake_provider import FakeEffect

LEASE_S = 6.0
RUNNERS = ("run-a", "run-b", "run-c")
#: What is hard for an engine is drawn more often: answers that are lost, and looks that fail.
EFFECTS = (
    *(FakeEffect.LOST, FakeEffect.LOST, FakeEffect.LOST),
    *(FakeEffect.TEMPORARY, FakeEffect.TEMPORARY, FakeEffect.AUTH),
    *(FakeEffect.THROTTLED, FakeEffect.QUOTA, FakeEffect.PERMANENT),
    *(FakeEffect.UNEXPECTED, FakeEffect.FAILED),
)
VERBS = ("create", "create", "create", "find", "find", "poll", "poll_many", "advance")
OPERATIONS = tuple(f"{name}.{verb}" for name in ("volume", "compute") for verb in VERBS)

clouds = st.fixed_dictionaries(
    {
        "honours_keys": st.booleans(),
        "visible_after_s": st.sampled_from([0.0, 40.0]),
        "stages": st.integers(1, 3),
        "delay_polls": st.integers(0, 2),
        "polls_at_once": st.sampled_from([1, 3]),
    }
)
faults = st.fixed_dictionaries(
    {
        "operation": st.sampled_from(OPERATIONS),
        "effect": st.sampled_from(EFFECTS),
        "skip": st.integers(0, 2),
        "count": st.integers(1, 3),
    }
)
#: For each task: is it a machine, and which of those before it does it come after?
graphs = st.lists(
    st.tuples(st.booleans(), st.sets(st.integers(0, 4), max_size=2)), min_size=1, max_size=5
)
MOVES = ("claim", "step", "write", "turn", "crash", "kill", "silence", "wait", "wait_long")
moves = st.lists(
    st.tuples(
        st.sampled_from(MOVES),
        st.sampled_from(RUNNERS),
    ),
    max_size=40,
)


@attrs.define
class Simulated:
    """What a runner has in its memory."""

    claims: list[Claim] = attrs.field(factory=list)
    outcomes: list[tuple[Claim, Outcome]] = attrs.field(factory=list)


class Chaos:
    """Several simulated runners on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runners = {runner_id: Simulated() for runner_id in RUNNERS}

    def move(self, name: str, runner_id: str) -> None:
        """Let a runner do something, if it has what it takes."""
        getattr(self, f"_{name}")(runner_id)

    def _claim(self, runner_id: str) -> None:
        self._runners[runner_id].claims += self._engine.claim(runner_id, limit=2)

    def _step(self, runner_id: str) -> None:
        runner = self._runners[runner_id]
        for claim in runner.claims[:1]:
            runner.outcomes.append((claim, self._stepped(claim)))
        del runner.claims[:1]

    def _write(self, runner_id: str) -> None:
        runner = self._runners[runner_id]
        for claim, outcome in runner.outcomes[:1]:
            self._engine.write(claim, outcome)
        del runner.outcomes[:1]

    def _turn(self, _runner_id: str) -> None:
        self._engine.turn(limit=3)

    def _crash(self, runner_id: str) -> None:
        """Die with requests sent and nothing saved."""
        for claim in self._engine.claim(runner_id, limit=2):
            self._stepped(claim)
        self._kill(runner_id)

    def _kill(self, runner_id: str) -> None:
        self._runners[runner_id] = Simulated()
        self._engine.die(runner_id)

    def _silence(self, runner_id: str) -> None:
        """Be taken for dead: no more steps of these claims are taken, outcomes are refused."""
        self._runners[runner_id].claims.clear()
        self._engine.die(runner_id)

    def _wait(self, _runner_id: str) -> None:
        self._engine.clock.advance(1.0)

    def _wait_long(self, _runner_id: str) -> None:
        self._engine.clock.advance(70.0)

    def end(self) -> None:
        """Kill everybody."""
        for runner_id in RUNNERS:
            self._engine.die(runner_id)

    def _stepped(self, claim: Claim) -> Outcome:
        age_s = (self._engine.clock() - claim.claimed_at).total_seconds()
        return self._engine.step(claim) if age_s < LEASE_S else Postponed(after_s=0.0)


def tasks_of(graph: list[tuple[bool, set[int]]]) -> list[Task]:
    """Return the tasks of a graph; each comes after some of those before it."""
    tasks = []
    for number, (is_machine, before) in enumerate(graph):
        after = tuple(f"task-{each}" for each in sorted(before) if each < number)
        make = machine if is_machine else volume
        tasks.append(make(f"task-{number}", after=after, timeout_s=3600.0))
    return tasks


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
    outputs = {engine.task(job, key).outputs["id"] for key in engine.states(job)}
    assert len(outputs) == len(graph)
    assert outputs <= engine.in_cloud()


# -- stops -----------------------------------------------------------------------------------------

#: What somebody does about the job while runners work and die.
STOPS = ("pause", "resume", "cancel", "force", "undo", "undo_by_force", "roll_back", "retry")
interventions = st.lists(
    st.tuples(st.sampled_from((*MOVES, *STOPS)), st.sampled_from(RUNNERS)), max_size=40
)
ADMIN = Actor(owner="admin", role="admin")


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


@attrs.frozen
class Parts:
    """As much of a process's services as jobs need."""

    store: Store


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
    job = engine.submit(*tasks_of(graph))
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
