"""An engine that a test drives by hand: claims, steps and writes, on a clock that stands."""

from pathlib import Path
from typing import Any

import attrs
from cluster_rows import add_cluster, add_nodes

from pitrix_core.contracts import Context
from pitrix_core.jobs.compensation import retry
from pitrix_core.jobs.handler import TaskHandler
from pitrix_core.jobs.outcome import Outcome, Waiting
from pitrix_core.jobs.provider_tasks import ProviderTasks
from pitrix_core.jobs.succession import submit
from pitrix_core.jobs.worker import Worker
from pitrix_core.jobs.writing import Finished, write_all
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterState,
    Job,
    Operation,
    OperationState,
    Plan,
    Runtime,
    Task,
    TaskRecord,
    Totals,
)
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.plugins.calls import ProviderGate
from pitrix_core.store import Store, Transaction, new_id, tables
from pitrix_core.store.claims import Claim, Group, together
from pitrix_core.testing.fake_provider import (
    FakeCredential,
    FakeEffect,
    FakeFault,
    FakeProvider,
    FakeSettings,
)
from pitrix_core.testing.manual_clock import ManualClock

RUNTIME = Runtime(id="rt-1", name="fake", provider="fake", owner="admin", zone="")
INSTALLATION = "0" * 32


class Kinds:
    """Handlers by kind; the provider's for all others."""

    def __init__(self, provider: TaskHandler) -> None:
        self.known: dict[str, TaskHandler] = {}
        self._provider = provider

    def handler_of(self, kind: str) -> TaskHandler:
        return self.known.get(kind, self._provider)


class Engine:
    """Jobs on a fake cloud, one step at a time."""

    def __init__(self, store: Store, settings: FakeSettings, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        context = Context(installation_id=INSTALLATION, state_dir=Path("/nonexistent"))
        self.provider = FakeProvider(
            RUNTIME, settings=settings, credential=FakeCredential(), context=context
        )
        self.provider.clock = clock.time
        gate = ProviderGate(self.provider, runtime_id=RUNTIME.id)
        tasks = ProviderTasks(
            gate=lambda _: gate, secret=self._secret, user_data=lambda start, _limit: repr(start)
        )
        self.kinds = Kinds(tasks)
        #: As the answers tell: how many polls of a group share a request.
        self.batches: dict[Group, int] = {}
        self.worker = Worker(store, self.kinds)

    def _secret(self, secret_id: str, owner: str) -> str:
        with self.store.read() as tx:
            return tx.secrets.get_own(secret_id, owner=owner)

    # -- jobs --------------------------------------------------------------------------------------

    def submit(
        self,
        *tasks: Task,
        action: Action = Action.CREATE,
        cluster_id: str | None = None,
        nodes: tuple[str, ...] = (),
        hidden: bool = False,
        deadline_s: float | None = None,
    ) -> Job:
        """Store a plan of these tasks.

        :param cluster_id: of a cluster that is there; a new one otherwise, with these nodes.
        """
        with self.store.begin() as tx:
            cluster_id = cluster_id or self._add_cluster(tx, nodes, hidden=hidden)
            return submit(tx, self._plan(cluster_id, tasks, action), deadline_s=deadline_s)

    def _add_cluster(self, tx: Transaction, nodes: tuple[str, ...], *, hidden: bool) -> str:
        cluster = add_cluster(
            tx,
            new_id("cl"),
            name="demo",
            state=ClusterState.CREATING,
            runtime_id=RUNTIME.id,
            app_version_id="ver-1",
            hidden=hidden,
        )
        add_nodes(tx, cluster.id, *nodes)
        return cluster.id

    def _plan(self, cluster_id: str, tasks: tuple[Task, ...], action: Action) -> Plan:
        owned = tuple(
            attrs.evolve(task, input={**task.input, "cluster_id": cluster_id}) for task in tasks
        )
        return Plan(
            id=new_id("pln"),
            action=action,
            owner="admin",
            cluster_id=cluster_id,
            cluster_name=cluster_id,
            revision=0,
            app_version_id="ver-1",
            runtime_id=RUNTIME.id,
            config={},
            tasks=owned,
            nodes=(),
            endpoints={},
            totals=Totals(),
            price=None,
            findings=(),
            digest="",
            created_at=self.clock(),
        )

    def retry(self, job: Job) -> None:
        with self.store.begin() as tx:
            retry(tx, job.id)

    # -- runners -----------------------------------------------------------------------------------

    def claim(self, runner_id: str = "run-a", *, limit: int = 100) -> list[Claim]:
        with self.store.begin() as tx:
            if not tx.queue.beat(runner_id):
                tx.queue.add_runner(runner_id, name=runner_id)
            return tx.queue.claim(runner_id, limit=limit, batches=self.batches)

    def step(self, claim: Claim) -> Outcome:
        return self.worker.step(claim)

    def write(self, claim: Claim, outcome: Outcome) -> None:
        with self.store.begin() as tx:
            write_all(tx, [Finished(claim, outcome)])

    def turn(self, *, limit: int = 100) -> list[Outcome]:
        """Let one runner claim, step and write; return what came of the steps."""
        outcomes: list[Outcome] = []
        for step in together(self.claim(limit=limit), self.batches):
            found = self.step_together(step)
            for claim, outcome in zip(step, found, strict=True):
                self.write(claim, outcome)
                if isinstance(outcome, Waiting):
                    self.batches[(claim.lane, claim.task.kind)] = outcome.polls_at_once
            outcomes += found
        return outcomes

    def step_together(self, claims: list[Claim]) -> list[Outcome]:
        if len(claims) == 1:
            return [self.step(claims[0])]
        return self.worker.poll_together(claims)

    def run(self, job: Job, *, turns: int = 200, step_s: float = 30.0) -> Job:
        """Take turns until the job ends."""
        for _ in range(turns):
            if self.job(job).state in JOB_FINAL_STATES:
                break
            self.turn()
            self.clock.advance(step_s)
        return self.job(job)

    def run_among_deaths(self, job: Job, *, step_s: float = 30.0) -> set[str]:
        """Let a job go on to its end by runners that die at every boundary of a step, each once.

        :returns: the boundaries: a task, what its step was about, and how far it came.
        """
        known: set[str] = set()
        for _ in range(1000):
            if self.job(job).state in JOB_FINAL_STATES:
                return known
            for claim in self.claim(limit=1):
                self._step_and_die(claim, known)
            self.die()
            self.clock.advance(step_s)
        raise AssertionError("the job does not end")

    def _step_and_die(self, claim: Claim, known: set[str]) -> None:
        """Take a step up to the first boundary at which nobody has died."""
        start = "start again" if claim.maybe_sent else "start"
        operation = claim.task.operation
        about = f"{claim.task.key}: {operation.state if operation else start}"
        acts = {
            "claimed": lambda: None,
            "answered": lambda: outcomes.append(self.step(claim)),
            "written": lambda: self.write(claim, outcomes[0]),
        }
        outcomes: list[Outcome] = []
        for name, act in acts.items():
            act()
            if f"{about}, {name}" not in known:
                known.add(f"{about}, {name}")
                return

    def die(self, runner_id: str = "run-a") -> list[str]:
        """Let a runner be taken for dead, and its tasks be taken over."""
        with self.store.begin() as tx:
            tx.queue.remove_runner(runner_id)
            return list(tx.queue.take_over(lease_s=6.0))

    def pending(self, claim: Claim) -> Operation:
        """Return an operation of a task that has not ended."""
        return Operation(
            request_key=claim.task.request_key or "",
            kind=claim.task.kind,
            state=OperationState.PENDING,
        )

    def set_kind(self, claim: Claim, kind: str) -> None:
        """Make a task one of another kind."""
        with self.store.engine.begin() as connection:
            statement = tables.tasks.update().where(tables.tasks.c.id == claim.task.id)
            connection.execute(statement.values(kind=kind))

    # -- looking -----------------------------------------------------------------------------------

    def job(self, job: Job) -> Job:
        with self.store.read() as tx:
            return tx.jobs.get(job.id)

    def task(self, job: Job, key: str) -> TaskRecord:
        with self.store.read() as tx:
            [found] = [task for task in tx.jobs.tasks(job.id) if task.key == key]
            return found

    def states(self, job: Job) -> dict[str, str]:
        with self.store.read() as tx:
            return {task.key: str(task.state) for task in tx.jobs.tasks(job.id)}

    def cluster(self, job: Job) -> Cluster:
        with self.store.read() as tx:
            return tx.clusters.get(job.cluster_id)

    def recorded(self, job: Job) -> set[str]:
        """Ids of the resources the database knows."""
        with self.store.read() as tx:
            found = tx.clusters.snapshot(job.cluster_id).resources
        return {resource.resource_id for resource in found}

    def in_cloud(self) -> set[str]:
        """Ids of the resources that are in the cloud."""
        with self.provider.cloud.rows() as rows:
            return {thing.id for thing in rows.of(INSTALLATION)}

    def fault(self, operation: str, effect: FakeEffect, **values: Any) -> None:
        """Order a failure of the cloud's next calls."""
        self.provider.inject(FakeFault(operation=operation, effect=effect, **values))


def volume(key: str = "volume.create/1", **values: Any) -> Task:
    """A task that makes a volume."""
    given = {"key": key, "kind": "volume.create", "title": f"Make {key}", **values}
    return Task(input={"name": key, "size_gib": 1}, **given)


def machine(key: str = "compute.create/1", **values: Any) -> Task:
    """A task that makes a machine."""
    given = {"key": key, "kind": "compute.create", "title": f"Make {key}", **values}
    return Task(input={"name": "m", "image": {"image": ""}}, **given)
