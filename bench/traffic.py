"""Users of a toy installation: they make clusters, let them grow, delete them, and retry what
failed.
"""

import random
from typing import Any, Final

import attrs

from bench.toy_app import additions, node_of
from bench.toy_installation import ADMIN, ToyInstallation
from pitrix_core.model import Action, ClusterSnapshot, ClusterState, Job, JobState, Plan, Totals
from pitrix_core.planner.agents import node_secret
from pitrix_core.service import jobs
from pitrix_core.store import new_id

#: Part of the changes that are new clusters, while there are others to change.
_NEW: Final = 0.4
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
        self._open: dict[str, Job] = {}
        self.cluster_ids: list[str] = []
        #: What was begun, by name.
        self.begun: dict[str, int] = dict.fromkeys(("create", "grow", "delete", "retry"), 0)

    def go_on(self) -> None:
        """Retry what failed, and begin as much as there is room for."""
        self.mend()
        while len(self._open) < self._at_once:
            self._begin_any()

    def mend(self) -> bool:
        """Retry what failed.

        :returns: False when no job is open any more.
        """
        for job in [self._looked_at(job_id) for job_id in self._open]:
            if job.state is JobState.FAILED:
                jobs.retry(self._installation.services, ADMIN, job.id)
                self.begun["retry"] += 1
            elif job.state is JobState.SUCCEEDED:
                del self._open[job.id]
        return bool(self._open)

    def begin(self, what: str) -> None:
        """Begin one change, of a cluster that nothing is done to where it needs one.

        :param what: ``create``, ``grow`` or ``delete``.
        """
        idle = self._idle()
        what = what if idle else "create"
        if what == "create":
            job = self._installation.create(machines=self._chance.randint(1, _MOST_MACHINES))
            self.cluster_ids.append(job.cluster_id)
        elif what == "grow":
            job = grow(self._installation, self._chance.choice(idle))
        else:
            job = self._installation.delete(self._chance.choice(idle).cluster.id)
        self._open[job.id] = job
        self.begun[what] += 1

    def _begin_any(self) -> None:
        is_new = self._chance.random() < _NEW
        self.begin("create" if is_new else self._chance.choice(("grow", "delete")))

    def _looked_at(self, job_id: str) -> Job:
        return jobs.get(self._installation.services, ADMIN, job_id)

    def _idle(self) -> list[ClusterSnapshot]:
        busy = {job.cluster_id for job in self._open.values()}
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
