"""Runners that die, on a cloud that fails: what chaos tests draw from and play with.

The runners are simulated: one holds claims, the outcomes of steps it has not written yet, or both,
and loses either when it is killed. A runner that is only taken for dead keeps its outcomes, and is
refused when it writes them.
"""

import attrs
from driven_engine import Engine, machine, volume
from hypothesis import strategies as st

from pitrix_core.jobs.outcome import Outcome, Postponed
from pitrix_core.model import Task
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
VERBS = ("create", "create", "create", "delete", "find", "find", "poll", "poll_many", "advance")
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
    """Return the tasks of a graph; each comes after some of those before it, and a machine has the
    volumes among them that no other has.
    """
    tasks: list[Task] = []
    volumes: set[str] = set()
    for number, (is_machine, before) in enumerate(graph):
        after = tuple(f"task-{each}" for each in sorted(before) if each < number)
        make = machine if is_machine else volume
        task = make(f"task-{number}", after=after, timeout_s=3600.0)
        if is_machine:
            attached = [key for key in after if key in volumes]
            task.input["volumes"] = [{"volume_id": {"$ref": f"{key}#/id"}} for key in attached]
            volumes.difference_update(attached)
        else:
            volumes.add(task.key)
        tasks.append(task)
    return tasks
