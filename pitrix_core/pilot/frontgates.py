"""Task kinds about Frontgates: have one in a network, wait for one to connect.

A Frontgate is a hidden cluster, one for a runtime's network. ``frontgate.ensure`` submits that
cluster's own job where there is none yet, and waits for it like everybody else who needs it.
"""

import ipaddress
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

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
    JsonValue,
    Operation,
    OwnedResource,
    PlanDraft,
    Runtime,
)
from pitrix_core.model.cluster import UNFINISHED_STATES
from pitrix_core.model.frontgate import PROTOCOLS, SECURED
from pitrix_core.model.job import JOB_FINAL_STATES
from pitrix_core.pilot import tokens
from pitrix_core.pilot.answers import CoreTasks, absence_of, done, failed, pending
from pitrix_core.pilot.authority import authority_of
from pitrix_core.pilot.hidden import SYSTEM_OWNER, add_hidden, submit_hidden
from pitrix_core.planner.agents import frontgate_secret
from pitrix_core.planner.build import Offers
from pitrix_core.planner.frontgate import (
    NO_APP_VERSION,
    PilotPlace,
    draft_frontgate,
    draft_removal,
    draft_replacement,
    draft_restart,
)
from pitrix_core.store import Store, Transaction, new_id
from pitrix_core.store.agents import Frontgate
from pitrix_core.store.slices import Slice

#: Where nodes enrol; agents/protocol/README.md section 1.4.
_ENROL_PORT: Final = 2378


class FrontgateCloud(Offers, Protocol):
    """What is asked of the provider of a Frontgate's runtime."""

    def get_instance(self, instance_id: str) -> Instance:
        """Look at one machine."""


@attrs.frozen(kw_only=True)
class _DeadMachine:
    machine: OwnedResource
    state: InstanceState


@attrs.frozen(kw_only=True)
class FrontgateEnsure(CoreTasks):
    """``frontgate.ensure``: has a Frontgate in a network, and tells where its etcd is."""

    store: Store
    #: Runtime's id → its provider.
    provider: Callable[[str], FrontgateCloud]
    pilot: PilotPlace

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Submit the hidden cluster's job, unless there is one; let a failed one go on.

        A Frontgate whose machine does not run any more gets it started again, or another one: one
        request of the cloud tells.
        """
        runtime_id, network_id = call.task.runtime_id, call.input["network_id"]
        # NOTE(transactions): building a provider opens one; inside of ours it would wait for it
        provider = self.provider(runtime_id)
        dead = self._dead_machine(runtime_id, network_id, provider)
        with self.store.begin() as tx:
            tx.runtimes.lock(runtime_id)  # of several who find none, one makes it
            frontgate = tx.agents.frontgate_at(runtime_id, network_id)
            if frontgate is None:
                self._submit(tx, tx.runtimes.get(runtime_id), network_id, provider=provider)
            elif dead is not None and _machine(tx, frontgate) == dead.machine:
                self._mend(tx, frontgate, dead, provider=provider)
            else:
                _revive(tx, frontgate)
        return self.poll(call, pending(call))

    def _dead_machine(
        self, runtime_id: str, network_id: str, provider: FrontgateCloud
    ) -> _DeadMachine | None:
        """Return the machine of the network's Frontgate, if it does not run any more."""
        with self.store.read() as tx:
            frontgate = tx.agents.frontgate_at(runtime_id, network_id)
            machine = None if frontgate is None else _machine(tx, frontgate)
        if machine is None:
            return None
        try:
            state = provider.get_instance(machine.resource_id).state
        except ProviderNotFoundError:
            state = InstanceState.GONE
        if state in (InstanceState.RUNNING, InstanceState.PENDING):
            return None
        return _DeadMachine(machine=machine, state=state)

    def _mend(
        self, tx: Transaction, frontgate: Frontgate, dead: _DeadMachine, *, provider: Offers
    ) -> None:
        """Submit the job that brings a Frontgate up again, under the same id."""
        if dead.state is InstanceState.STOPPED:
            tx.agents.drop_connection(frontgate.id)
            planned = _planned(tx, frontgate, self.pilot)
            _change(tx, frontgate, draft_restart(planned, dead.machine), provider=provider)
        else:
            _replace(tx, frontgate, dead.machine, pilot=self.pilot, provider=provider)
        data = {"machine": dead.machine.resource_id, "state": dead.state}
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
        draft = _planned(tx, frontgate, self.pilot)
        cluster = tx.clusters.get(frontgate.cluster_id)
        tx.clusters.add_nodes(cluster.id, draft.nodes, owner=SYSTEM_OWNER, secret_ids={})
        submit_hidden(tx, cluster, draft, provider=provider)


@attrs.frozen(kw_only=True)
class FrontgateWait(CoreTasks):
    """``frontgate.wait``: waits until a Frontgate's first connection."""

    store: Store

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Look at once: it may have been faster. Its machine is new, and has all the time again."""
        with self.store.begin() as tx:
            frontgate = tx.agents.frontgate(call.input["frontgate_id"])
            if frontgate is not None:
                tokens.prolong_enrolment(tx, frontgate)
        return self.poll(call, pending(call))

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look again."""
        with self.store.read() as tx:
            frontgate = tx.agents.frontgate(call.input["frontgate_id"])
        if frontgate is None:
            return failed(call, "The Frontgate was removed.")
        if frontgate.connected_at is None:
            return pending(call, note="the Frontgate has not connected to the Pilot")
        return done(call, {"id": frontgate.id})


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
    """Submit the job that gives a Frontgate another machine, and with it a new enrolment: nothing
    else reaches it where its token is worth nothing any more.

    :raises ConflictError: a job is at work on it, or it has no machine.
    :raises PitrixError: no plan can be made.
    """
    machine = _machine(tx, frontgate)
    if machine is None:
        raise ConflictError(
            f"Frontgate {frontgate.id} has no machine that no job is at work on.",
            next_step=f"Look at its cluster: pitrix cluster show {frontgate.cluster_id}",
        )
    return _replace(tx, frontgate, machine, pilot=pilot, provider=provider)


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


def _planned(tx: Transaction, frontgate: Frontgate, pilot: PilotPlace) -> PlanDraft:
    return draft_frontgate(
        cluster_id=frontgate.cluster_id,
        frontgate_id=frontgate.id,
        network_id=frontgate.network_id,
        pilot=pilot,
        runtime=tx.runtimes.get(frontgate.runtime_id),
    )


def _replace(
    tx: Transaction,
    frontgate: Frontgate,
    machine: OwnedResource,
    *,
    pilot: PilotPlace,
    provider: Offers,
) -> Job:
    """Submit the job of another machine; what the one before has is worth nothing from now on."""
    tx.agents.revoke(frontgate.id)
    tokens.let_enrol(tx, frontgate)
    configured = tx.agents.configured_by(frontgate.id)
    draft = draft_replacement(
        _planned(tx, frontgate, pilot), machine, address=_address(frontgate), configured=configured
    )
    return _change(tx, frontgate, draft, provider=provider)


def _change(tx: Transaction, frontgate: Frontgate, draft: PlanDraft, *, provider: Offers) -> Job:
    tx.clusters.set_state(frontgate.cluster_id, ClusterState.CREATING)
    cluster = tx.clusters.get(frontgate.cluster_id)
    return submit_hidden(tx, cluster, draft, provider=provider)


def _standing(tx: Transaction, call: TaskCall, frontgate: Frontgate) -> Operation:
    if frontgate.connected_at is not None and frontgate.endpoints:
        return done(call, _outputs(tx, frontgate))
    cluster = tx.clusters.get(frontgate.cluster_id)
    if cluster.state in UNFINISHED_STATES:
        [job, *_] = tx.jobs.search(cluster_id=cluster.id, part=Slice(limit=1))
        how = "was cancelled" if job.state is JobState.CANCELLED else "failed"
        error = f"Job {job.id} of the network's Frontgate {how}: {job.error}"
        return failed(call, error, code="frontgate")
    note = f"the Frontgate's cluster {cluster.id} is {cluster.state}"
    is_made = cluster.state is ClusterState.ACTIVE
    return pending(call, note=note + absence_of(frontgate) if is_made else note)


def _outputs(tx: Transaction, frontgate: Frontgate) -> dict[str, JsonValue]:
    """Tell what machines behind a Frontgate have to know of it."""
    speaks_tls = frontgate.protocol >= SECURED
    host = _host(frontgate)
    place = f"[{host}]" if ":" in host else host
    return {
        "id": frontgate.id,
        "protocol": frontgate.protocol,
        "endpoints": list(frontgate.endpoints),
        "ca": authority_of(tx, frontgate).pem if speaks_tls else "",
        "enrol_url": f"https://{place}:{_ENROL_PORT}" if speaks_tls else "",
    }


def _host(frontgate: Frontgate) -> str:
    """Return where a Frontgate was met last; empty before it was."""
    return urlsplit(next(iter(frontgate.endpoints), "")).hostname or ""


def _address(frontgate: Frontgate) -> str:
    """Return a Frontgate's address; empty where it has a name, or was never met."""
    try:
        return str(ipaddress.ip_address(_host(frontgate)))
    except ValueError:
        return ""


def _machine(tx: Transaction, frontgate: Frontgate) -> OwnedResource | None:
    """Return the machine of a Frontgate that no job is at work on."""
    snapshot = tx.clusters.snapshot(frontgate.cluster_id)
    if snapshot.cluster.state is not ClusterState.ACTIVE:
        return None
    machines = [found for found in snapshot.resources if found.kind == "compute.create"]
    return machines[-1] if machines else None


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
