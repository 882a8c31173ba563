"""Users of a toy installation: they make clusters, let them grow, delete them; pause and cancel;
and retry, undo or delete what failed.

Growing is a plan made here by hand: no app type plans a change of a running cluster yet.
"""

import collections
import contextlib
import random
from typing import Any, Final

import attrs

from bench.toy_app import additions, node_of
from bench.toy_installation import ADMIN, ToyInstallation
from pitrix_core.errors import ConflictError
from pitrix_core.model import Action, ClusterSnapshot, ClusterState, Job, JobState, Plan, Totals
from pitrix_core.model.job import TASK_FINAL_STATES
from pitrix_core.planner.agents import node_secret
from pitrix_core.service import jobs
from pitrix_core.service.inputs import AfterCancel, CancelInput, CancelMode
from pitrix_core.store import new_id

#: Part of the changes that are new clusters, while there are others to change.
_NEW: Final = 0.4
#: Part of the looks at a job at which somebody pauses or cancels it.
_MEDDLING: Final = 0.02
#: Part of what did not end well that is tried again, ...
_TRYING_AGAIN: Final = 0.6
#: ... part of the rest that is deleted, and not undone, where there is a choice, ...
_DELETING: Final = 0.4
#: ... and part of these deletions that are forced.
_FORCING: Final = 0.3
_MOST_MACHINES: Final = 2


class Traffic:
    """Keeps a number of jobs at work, whatever becomes of them."""

    def __init__(self, installation: ToyInstallation, *, seed: int, at_once: int) -> None:
        """Begin with nothing.

        :param at_once: jobs that are open at a time.
        """
        self._installation = installation
        self._chance = random.Random(seed)  # noqa: S311 (to be repeated; guards nothing)
        self._at_once = at_once
        #: Id of an open job → what it does.
        self._open: dict[str, str] = {}
        self.cluster_ids: list[str] = []
        #: What was done, by name.
        self.done: collections.Counter[str] = collections.Counter()

    def go_on(self) -> None:
        """Do to jobs what users do to them, and begin as many as there is room for."""
        for job in self._jobs():
            if self._chance.random() < _MEDDLING:
                self._meddle(job)
        self.mend()
        while len(self._open) < self._at_once:
            is_new = self._chance.random() < _NEW
            self.begin("create" if is_new else self._chance.choice(("grow", "delete")))

    def mend(self) -> int:
        """Let paused jobs go on, and try what failed again, or undo it.

        :returns: how many jobs are open.
        """
        for job in self._jobs():
            with contextlib.suppress(ConflictError):  # it went on meanwhile
                self._mend(job)
        return len(self._open)

    def left(self) -> list[str]:
        """Return a line for each open job, and for each task of it that has not ended."""
        lines: list[str] = []
        for job in self._jobs():
            lines.append(f"{self._open[job.id]} {job.id} is {job.state}: {job.error}")
            with self._installation.store.read() as tx:
                tasks = [t for t in tx.jobs.tasks(job.id) if t.state not in TASK_FINAL_STATES]
            lines += [
                f"  {task.key} is {task.state} since {task.sent_at}, until {task.run_at},"
                f" attempt {task.attempts}, claim {task.fence}: {task.error}"
                for task in tasks
            ]
        return lines

    def begin(self, what: str) -> None:
        """Begin one change, of a cluster that nothing is done to where it needs one.

        :param what: ``create``, ``grow``, ``delete``, or ``undo`` for a creation that is cancelled
            and rolled back once it has made something.
        """
        idle = self._idle()
        if what == "undo" or not idle:
            job, what = self._create(), "undo" if what == "undo" else "create"
        elif what == "create":
            job = self._create()
        elif what == "grow":
            job = grow(self._installation, self._chance.choice(idle))
        else:
            job = self._installation.delete(self._chance.choice(idle).cluster.id)
        self._open[job.id] = what
        self.done[what] += 1

    def _create(self) -> Job:
        job = self._installation.create(machines=self._chance.randint(1, _MOST_MACHINES))
        self.cluster_ids.append(job.cluster_id)
        return job

    def _mend(self, job: Job) -> None:
        services = self._installation.services
        what = self._open[job.id]
        match job.state:
            case JobState.SUCCEEDED:
                del self._open[job.id]
            case JobState.PAUSED:
                jobs.resume(services, ADMIN, job.id)
            case JobState.RUNNING if what == "undo" and job.progress.get("succeeded"):
                self._cancel(job, CancelInput(then=AfterCancel.ROLL_BACK))
            case JobState.FAILED | JobState.CANCELLED:
                self._go_on_with(job)

    def _go_on_with(self, job: Job) -> None:
        """Wait for what undoes a job; or undo it, or delete its cluster, or try it again."""
        services = self._installation.services
        what, undone_by = self._open[job.id], jobs.report(services, ADMIN, job.id).undone_by
        if undone_by is not None:
            self._replace(job, undone_by, "roll_back")
        elif job.started_at is None:
            self._return_from(job)
        elif self._chance.random() < _TRYING_AGAIN or what in {"delete", "roll_back"}:
            jobs.retry(services, ADMIN, job.id)
            self.done["retry"] += 1
        elif what == "grow" or self._chance.random() < _DELETING:
            self._delete(job)
        else:
            self._replace(job, jobs.roll_back(services, ADMIN, job.id).id, "roll_back")
            self.done["roll_back"] += 1

    def _return_from(self, job: Job) -> None:
        """Go on with what a job that never began was meant to take away."""
        if job.undoes is not None:
            self._replace(job, job.undoes, "create")
        else:
            self._delete(job)

    def _delete(self, job: Job) -> None:
        """Delete the cluster of a job that has ended, whatever it has left open."""
        is_forced = self._chance.random() < _FORCING
        deletion = self._installation.delete(job.cluster_id, force=is_forced)
        self._replace(job, deletion.id, "delete")
        self.done["delete"] += 1

    def _replace(self, job: Job, job_id: str, what: str) -> None:
        """Go on with another job on the same cluster."""
        del self._open[job.id]
        self._open[job_id] = what

    def _meddle(self, job: Job) -> None:
        """Pause a job, or cancel it in one of the ways there are."""
        may_be_undone = self._open[job.id] in {"create", "undo"}
        with contextlib.suppress(ConflictError):
            if self._chance.random() < 1 / 2:
                jobs.pause(self._installation.services, ADMIN, job.id)
                self.done["pause"] += 1
                return
            then = self._chance.choice(list(AfterCancel)) if may_be_undone else AfterCancel.LEAVE
            mode = self._chance.choice(list(CancelMode))
            self._cancel(job, CancelInput(mode=mode, then=then))

    def _cancel(self, job: Job, how: CancelInput) -> None:
        jobs.cancel(self._installation.services, ADMIN, job.id, how)
        self.done["cancel"] += 1

    def _jobs(self) -> list[Job]:
        with self._installation.store.read() as tx:
            return [tx.jobs.get(job_id) for job_id in self._open]

    def _idle(self) -> list[ClusterSnapshot]:
        busy = {job.cluster_id for job in self._jobs()}
        with self._installation.store.read() as tx:
            quiet = [tx.clusters.snapshot(c) for c in self.cluster_ids if c not in busy]
        return [snapshot for snapshot in quiet if snapshot.cluster.state is ClusterState.ACTIVE]


def grow(installation: ToyInstallation, current: ClusterSnapshot) -> Job:
    """Begin to add a machine to a cluster.

    Stands in for a change of a running cluster, of which no app type has one yet: the plan is a
    creation on a cluster that is there.
    """
    cluster = current.cluster
    node = node_of(cluster.id, max(node.sid for node in current.nodes) + 1)
    network_id = next(r.resource_id for r in current.resources if r.kind == "network.ensure")
    with installation.store.begin() as tx:
        plan = _plan(cluster, additions(cluster.id, node, network_id), now=tx.now)
        tx.clusters.start_change(
            cluster.id, state=ClusterState.CREATING, expected_revision=cluster.revision
        )
        secret = node_secret(node.id)
        tx.secrets.add("unused", owner=cluster.owner, secret_id=secret.id)
        tx.clusters.add_nodes(
            cluster.id, [node], owner=cluster.owner, secret_ids={node.id: secret.id}
        )
        tx.plans.add(plan)
        return tx.jobs.add(plan)


def _plan(cluster: Any, tasks: Any, *, now: Any) -> Plan:
    blank = Plan(
        id=new_id("pln"),
        action=Action.CREATE,
        owner=cluster.owner,
        cluster_id=cluster.id,
        cluster_name=cluster.name,
        revision=cluster.revision,
        app_version_id=cluster.app_version_id,
        runtime_id=cluster.runtime_id,
        config=cluster.config,
        tasks=(),
        nodes=(),
        endpoints={},
        totals=Totals(),
        price=None,
        findings=(),
        digest="",
        created_at=now,
    )
    return attrs.evolve(blank, tasks=tuple(tasks))
