"""Task kinds about Frontgates: have one in a network, wait for one to connect.

A Frontgate is a hidden cluster, one for a runtime's network. ``frontgate.ensure`` submits that
cluster's own job where there is none yet, and waits for it like everybody else who needs it.
"""

from collections.abc import Callable
from typing import Protocol

import attrs

from pitrix_core.errors import ConflictError, ProviderNotFoundError
from pitrix_core.jobs.compensation import retry
from pitrix_core.jobs.handler import TaskCall
from pitrix_core.jobs.succession import lock_undecided
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterState,
    Instance,
    InstanceState,
    Job,
    JobState,
    Operation,
    OwnedResource,
    PlanDraft,
    Runtime,
)
from pitrix_core.model.cluster import UNFINISHED_STATES
from pitrix_core.model.frontgate import PROTOCOLS
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.pilot import tokens
from pitrix_core.pilot.answers import CoreTasks, absence_of, done, failed, pending
from pitrix_core.pilot.arrival import address_of, enrol_urls_of, outputs_of
from pitrix_core.pilot.hidden import SYSTEM_OWNER, add_hidden, submit_hidden
from pitrix_core.planner.agents import frontgate_secret, member_secret
from pitrix_core.planner.build import Offers
from pitrix_core.planner.frontgate import (
    NO_APP_VERSION,
    FrontgatePlan,
    PilotPlace,
    draft_frontgate,
    draft_members,
    draft_removal,
    draft_replacement,
    draft_restart,
)
from pitrix_core.store import Store, Transaction, new_id
from pitrix_core.store.agents import Frontgate
from pitrix_core.store.slices import Slice


class FrontgateCloud(Offers, Protocol):
    """What is asked of the provider of a Frontgate's runtime."""

    def get_instance(self, instance_id: str) -> Instance:
        """Look at one machine."""


@attrs.frozen(kw_only=True)
class _DeadMachine:
    machine: OwnedResource
    state: InstanceState


def _are_stopped(dead: list[_DeadMachine]) -> bool:
    return all(each.state is InstanceState.STOPPED for each in dead)


@attrs.frozen(kw_only=True)
class FrontgateEnsure(CoreTasks):
    """``frontgate.ensure``: has a Frontgate in a network, and tells where its etcd is."""

    store: Store
    #: Runtime's id → its provider.
    provider: Callable[[str], FrontgateCloud]
    pilot: PilotPlace

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Submit the hidden cluster's job, unless there is one; let a failed one go on.

        A Frontgate of whose machines one does not run any more gets it started again, or another
        one: one request of the cloud for each tells.
        """
        runtime_id, network_id = call.task.runtime_id, call.input["network_id"]
        # NOTE(transactions): building a provider opens one; inside of ours it would wait for it
        provider = self.provider(runtime_id)
        dead = self._dead_machines(runtime_id, network_id, provider)
        with self.store.begin() as tx:
            tx.runtimes.lock(runtime_id)  # of several who find none, one makes it
            frontgate = tx.agents.frontgate_at(runtime_id, network_id)
            if frontgate is None:
                self._submit(tx, tx.runtimes.get(runtime_id), network_id, provider=provider)
            elif dead and all(each.machine in _machines(tx, frontgate) for each in dead):
                self._mend(tx, frontgate, dead, provider=provider)
            else:
                _revive(tx, frontgate)
        return self.poll(call, pending(call))

    def _dead_machines(
        self, runtime_id: str, network_id: str, provider: FrontgateCloud
    ) -> list[_DeadMachine]:
        """Return those machines of the network's Frontgate that do not run any more."""
        with self.store.read() as tx:
            frontgate = tx.agents.frontgate_at(runtime_id, network_id)
            machines = [] if frontgate is None else _machines(tx, frontgate)
        looked = [
            _DeadMachine(machine=machine, state=_state(provider, machine)) for machine in machines
        ]
        alive = (InstanceState.RUNNING, InstanceState.PENDING)
        return [each for each in looked if each.state not in alive]

    def _mend(
        self, tx: Transaction, frontgate: Frontgate, dead: list[_DeadMachine], *, provider: Offers
    ) -> None:
        """Submit the job that brings a Frontgate up again, under the same id."""
        machines = [each.machine for each in dead]
        present = _machines(tx, frontgate)
        if _are_stopped(dead):
            if len(dead) == len(present):
                tx.agents.drop_connection(frontgate.id)
            draft = draft_restart(_plan(tx, frontgate, self.pilot), machines)
            _change(tx, frontgate, draft, provider=provider)
        elif 2 * len(dead) < len(present):
            _replace_members(tx, frontgate, machines, pilot=self.pilot, provider=provider)
        else:
            _replace(tx, frontgate, present, pilot=self.pilot, provider=provider)
        for each in dead:
            data = {"machine": each.machine.resource_id, "state": each.state}
            tx.events.add("frontgate.mended", frontgate.id, owner=frontgate.owner, data=data)

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look whether it has connected."""
        with self.store.begin() as tx:
            frontgate = tx.agents.frontgate_at(call.task.runtime_id, call.input["network_id"])
            if frontgate is None:
                return failed(call, "The network's Frontgate was removed meanwhile.")
            operation = _standing(tx, call, frontgate)
            if operation.outputs:
                tx.agents.serve(call.task.cluster_id, frontgate_id=frontgate.id)
                tx.clusters.set_agent_protocol(call.task.cluster_id, frontgate.protocol)
        return operation

    def _submit(
        self, tx: Transaction, runtime: Runtime, network_id: str, *, provider: Offers
    ) -> None:
        frontgate = register_frontgate(
            tx, runtime, frontgate_id=new_id("fg"), network_id=network_id
        )
        draft = draft_frontgate(_plan(tx, frontgate, self.pilot))
        cluster = tx.clusters.get(frontgate.cluster_id)
        tx.clusters.add_nodes(cluster.id, draft.nodes, owner=SYSTEM_OWNER, secret_ids={})
        submit_hidden(tx, cluster, draft, provider=provider)


def register_frontgate(
    tx: Transaction, runtime: Runtime, *, frontgate_id: str, network_id: str
) -> Frontgate:
    """Add a Frontgate that may enrol, with its hidden cluster; nothing is made of it yet.

    :param network_id: the runtime's network that it is for; there is no other one in it.
    """
    cluster = add_hidden(
        tx,
        runtime,
        name=frontgate_id,
        state=ClusterState.CREATING,
        app_version_id=NO_APP_VERSION,
    )
    secret = frontgate_secret(frontgate_id)
    tx.secrets.add("", owner=SYSTEM_OWNER, secret_id=secret.id)
    if runtime.frontgate_nodes > 1:
        for number in range(1, runtime.frontgate_nodes + 1):
            join = member_secret(frontgate_id, number)
            tx.secrets.add(tokens.new_enrolment(), owner=SYSTEM_OWNER, secret_id=join.id)
    frontgate = Frontgate(
        id=frontgate_id,
        owner=SYSTEM_OWNER,
        cluster_id=cluster.id,
        runtime_id=runtime.id,
        network_id=network_id,
        secret_id=secret.id,
        protocol=PROTOCOLS[-1],
    )
    tx.agents.add_frontgate(frontgate)
    tokens.let_enrol(tx, frontgate)
    return frontgate


def renew_frontgate(
    tx: Transaction, frontgate: Frontgate, *, pilot: PilotPlace, provider: Offers
) -> Job:
    """Submit the job that gives a Frontgate other machines, and with it a new enrolment: nothing
    else reaches it where its token is worth nothing any more.

    :raises ConflictError: a job is at work on it, or it has no machine.
    :raises PitrixError: no plan can be made.
    """
    machines = _machines(tx, frontgate)
    if not machines:
        raise ConflictError(
            f"Frontgate {frontgate.id} has no machine that no job is at work on.",
            next_step=f"Look at its cluster: pitrix cluster show {frontgate.cluster_id}",
        )
    return _replace(tx, frontgate, machines, pilot=pilot, provider=provider)


def remove_frontgate(tx: Transaction, cluster: Cluster, *, provider: Offers) -> Job:
    """Submit the job that removes a Frontgate's hidden cluster.

    :raises PitrixError: no plan can be made.
    """
    lock_undecided(tx, cluster.id)
    current = tx.clusters.snapshot(cluster.id)
    draft = draft_removal(current)
    tx.clusters.start_change(
        cluster.id, state=ClusterState.DELETING, expected_revision=cluster.revision
    )
    return submit_hidden(tx, cluster, draft, provider=provider, current=current)


def _plan(tx: Transaction, frontgate: Frontgate, pilot: PilotPlace) -> FrontgatePlan:
    return FrontgatePlan(
        cluster_id=frontgate.cluster_id,
        frontgate_id=frontgate.id,
        network_id=frontgate.network_id,
        pilot=pilot,
        runtime=tx.runtimes.get(frontgate.runtime_id),
    )


def _replace(
    tx: Transaction,
    frontgate: Frontgate,
    machines: list[OwnedResource],
    *,
    pilot: PilotPlace,
    provider: Offers,
) -> Job:
    """Submit the job of other machines; what those before have is worth nothing from now on."""
    tx.agents.revoke(frontgate.id)
    tokens.let_enrol(tx, frontgate)
    configured = tx.agents.configured_by(frontgate.id)
    draft = draft_replacement(
        _plan(tx, frontgate, pilot), machines, address=address_of(frontgate), configured=configured
    )
    _renew_members(tx, frontgate)
    return _change(tx, frontgate, draft, provider=provider)


def _replace_members(
    tx: Transaction,
    frontgate: Frontgate,
    machines: list[OwnedResource],
    *,
    pilot: PilotPlace,
    provider: Offers,
) -> Job:
    """Submit the job of machines in the place of some, while most of them live and go on."""
    told = outputs_of(tx, frontgate)
    draft = draft_members(
        _plan(tx, frontgate, pilot),
        machines,
        join={"join_urls": enrol_urls_of(frontgate), "join_ca": told["ca"]},
        configured=tx.agents.configured_by(frontgate.id),
    )
    _renew_members(tx, frontgate)
    return _change(tx, frontgate, draft, provider=provider)


def _renew_members(tx: Transaction, frontgate: Frontgate) -> None:
    """Make the tokens by which machines join worth nothing; there are others from now on."""
    nodes = tx.runtimes.get(frontgate.runtime_id).frontgate_nodes
    for number in range(1, nodes + 1) if nodes > 1 else ():
        tx.secrets.replace(member_secret(frontgate.id, number).id, tokens.new_enrolment())


def _state(provider: FrontgateCloud, machine: OwnedResource) -> InstanceState:
    try:
        return provider.get_instance(machine.resource_id).state
    except ProviderNotFoundError:
        return InstanceState.GONE


def _change(tx: Transaction, frontgate: Frontgate, draft: PlanDraft, *, provider: Offers) -> Job:
    tx.clusters.set_state(frontgate.cluster_id, ClusterState.CREATING)
    cluster = tx.clusters.get(frontgate.cluster_id)
    return submit_hidden(tx, cluster, draft, provider=provider)


def _standing(tx: Transaction, call: TaskCall, frontgate: Frontgate) -> Operation:
    cluster = tx.clusters.get(frontgate.cluster_id)
    is_alone = tx.runtimes.get(frontgate.runtime_id).frontgate_nodes == 1
    # machines are told of all others: of several, those that join now are waited for
    if (
        frontgate.connected_at is not None
        and frontgate.endpoints
        and (is_alone or cluster.state is ClusterState.ACTIVE)
    ):
        return done(call, outputs_of(tx, frontgate))
    if cluster.state in UNFINISHED_STATES:
        [job, *_] = tx.jobs.search(cluster_id=cluster.id, part=Slice(limit=1))
        how = "was cancelled" if job.state is JobState.CANCELLED else "failed"
        error = f"Job {job.id} of the network's Frontgate {how}: {job.error}"
        return failed(call, error, code="frontgate")
    note = f"the Frontgate's cluster {cluster.id} is {cluster.state}"
    is_made = cluster.state is ClusterState.ACTIVE
    return pending(call, note=note + absence_of(frontgate) if is_made else note)


def _machines(tx: Transaction, frontgate: Frontgate) -> list[OwnedResource]:
    """Return the machines of a Frontgate that no job is at work on: of each node the last one."""
    snapshot = tx.clusters.snapshot(frontgate.cluster_id)
    if snapshot.cluster.state is not ClusterState.ACTIVE:
        return []
    made = [found for found in snapshot.resources if found.kind == "compute.create"]
    return list({machine.node_id: machine for machine in made}.values())


def _revive(tx: Transaction, frontgate: Frontgate) -> None:
    """Let the job of a Frontgate go on that failed or was cancelled: whoever asks for it again
    wants it tried again.

    Not one that failed to remove it: what is to go is not to be used again.
    """
    cluster = tx.clusters.get(frontgate.cluster_id)
    if cluster.state not in UNFINISHED_STATES:
        return
    [job, *_] = tx.jobs.search(cluster_id=cluster.id, part=Slice(limit=1))
    tx.queue.lock_jobs([job.id])
    has_ended = tx.jobs.get(job.id).state in JOB_FINAL_STATES  # nobody was faster
    if job.action is not Action.CREATE or not has_ended:
        return
    retry(tx, job.id)
    tx.clusters.set_state(cluster.id, ClusterState.CREATING)
