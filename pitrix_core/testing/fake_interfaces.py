"""Machines, volumes and networks of the fake cloud."""

import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

import attrs

from pitrix_core.contracts import (
    ComputeInterface,
    Context,
    Interface,
    NetworkInterface,
    VolumeInterface,
    starts,
)
from pitrix_core.errors import ProviderConflictError, ProviderError, ProviderNotFoundError
from pitrix_core.model import (
    Instance,
    InstanceSpec,
    InstanceState,
    NetworkSpec,
    Operation,
    OperationState,
    ResourceRef,
    Tags,
    VolumeSpec,
)
from pitrix_core.testing.fake_cloud import FakeCloud, Rows, Thing
from pitrix_core.testing.fake_image import image_id
from pitrix_core.testing.fake_settings import FakeEffect, FakeSettings

#: What the fake cloud calls every request that fails.
FAKE_REQUEST_ID: Final = "4711"
#: Addresses of all networks of the fake cloud, which are one. Source: RFC 2544, never routed.
_NETWORK: Final = ipaddress.ip_network("198.18.0.0/15")

_I = TypeVar("_I", bound=Interface)


class Account(Protocol):
    """What the interfaces need of their provider."""

    config: FakeSettings
    context: Context
    cloud: FakeCloud
    clock: Callable[[], float]

    def sees(self, thing: Thing) -> bool:
        """Say whether a resource is listed yet."""

    def call(self, operation: str) -> AbstractContextManager[FakeEffect | None]:
        """Stand around a request."""


def declared(interface: type[_I], settings: FakeSettings) -> type[_I]:
    """Return the interface with its creating verbs marked as the settings say."""
    members: dict[str, object] = {"polls_at_once": settings.polls_at_once}
    for verb in interface.verbs():
        start = interface.start_of(verb)
        if start.creates:
            mark = starts(
                start.spec,
                creates=True,
                honours_key=settings.honours_keys,
                settle_s=settings.visible_after_s,
                timeout_s=settings.request_s,
            )
            members[verb] = mark(_passing_on(getattr(interface, verb), verb))
    return cast("type[_I]", type(interface.__name__, (interface,), members))


def _passing_on(function: Callable[..., Operation], verb: str) -> Callable[..., Operation]:
    def method(self: Interface, spec: object, *, request_key: str) -> Operation:
        return function(self, spec, request_key=request_key)

    method.__name__ = verb
    return method


class FakeInterface(Interface):
    """What machines, volumes and networks have in common."""

    #: First letters of the cloud's ids.
    prefix: ClassVar[str]

    def __init__(self, account: Account) -> None:
        """Work for an account."""
        self._account = account

    def poll(self, operation: Operation) -> Operation:
        """Look at the resource, and count down what the handle says is left."""
        with self._account.call(f"{self.name}.poll"), self._account.cloud.rows() as rows:
            thing = rows.get(operation.handle["id"])
        return self._looked_at(operation, thing)

    def poll_many(self, operations: Sequence[Operation]) -> list[Operation | ProviderError]:
        """Look at several resources with one request."""
        with self._account.call(f"{self.name}.poll_many"), self._account.cloud.rows() as rows:
            things = [rows.get(operation.handle["id"]) for operation in operations]
        return [
            self._looked_at(operation, thing)
            for operation, thing in zip(operations, things, strict=True)
        ]

    def _looked_at(self, operation: Operation, thing: Thing | None) -> Operation:
        polls = operation.handle["polls"]
        if polls > 0:
            handle = {**operation.handle, "polls": polls - 1}
            return attrs.evolve(operation, handle=handle)
        return self._standing(operation, thing)

    def advance(self, operation: Operation, *, request_key: str) -> Operation:
        """Begin the next stage, or answer again for the one that the key has begun."""
        called = f"{self.name}.advance"
        with self._account.call(called) as effect, self._account.cloud.rows() as rows:
            thing = self._named(rows, operation.handle["id"], called)
            begun: dict[str, int] = thing.facts["stages"]
            stage = begun.get(request_key, operation.handle["stage"] + 1)
            stages = {**begun, request_key: stage}
            thing = rows.set_facts(thing.id, stages=stages, stage=stage)
            return self._started(operation.kind, thing, operation.request_key, effect)

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer what can be seen under a key."""
        with self._account.call(f"{self.name}.find"), self._account.cloud.rows() as rows:
            things = rows.by_key(self.name, request_key)
        ours = self._account.context.installation_id
        return tuple(
            self._started(thing.facts["kind"], thing, request_key, None)
            for thing in things
            if thing.tags.installation_id == ours and self._account.sees(thing)
        )

    # -- for the interfaces ------------------------------------------------------------------------

    def _remembered(self, rows: Rows, request_key: str) -> Thing | None:
        if not self._account.config.honours_keys:
            return None
        return next(iter(rows.by_key(self.name, request_key)), None)

    def _made(
        self, rows: Rows, kind: str, cluster_id: str, request_key: str, **facts: Any
    ) -> Thing:
        tags = Tags(
            installation_id=self._account.context.installation_id,
            cluster_id=cluster_id,
            request_key=request_key,
        )
        now = self._account.clock()
        begun = {"kind": kind, "stage": 1, "stages": {}, "begun_at": now}
        return rows.add(
            self.name, prefix=self.prefix, tags=tags, made_at=now, facts={**begun, **facts}
        )

    def _named(self, rows: Rows, thing_id: str, called: str) -> Thing:
        thing = rows.get(thing_id)
        if thing is None or thing.interface != self.name:
            raise ProviderNotFoundError(f"{called}: the fake cloud knows no {thing_id!r}")
        return thing

    def _started(
        self, kind: str, thing: Thing, request_key: str, effect: FakeEffect | None
    ) -> Operation:
        """Answer for a request that was sent just now."""
        settings = self._account.config
        handle = {
            "id": thing.id,
            "stage": thing.facts["stage"] if kind == "compute.create" else settings.stages,
            "polls": settings.delay_polls,
            "ready_at": self._account.clock() + settings.delay_s,
            "fails": effect is FakeEffect.FAILED,
        }
        operation = Operation(
            request_key=request_key,
            kind=kind,
            state=OperationState.PENDING,
            resource_id=thing.id,
            stage=f"stage-{handle['stage']}" if kind == "compute.create" else "",
            handle=handle,
            retry_after_s=settings.retry_after_s,
        )
        return self._standing(operation, thing)

    def _standing(self, operation: Operation, thing: Thing | None) -> Operation:
        """Answer how an operation stands, from what the cloud shows and the handle."""
        handle = operation.handle
        if handle["polls"] > 0 or self._account.clock() < handle["ready_at"]:
            return attrs.evolve(operation, state=OperationState.PENDING)
        if handle["fails"]:
            return _failed(operation, ProviderError.code, "Fake.failed")
        if handle["stage"] < self._account.config.stages:
            return attrs.evolve(operation, state=OperationState.NEXT_STAGE)
        if operation.kind.endswith((".delete", ".stop")):
            outputs = {"id": handle["id"]}
        elif thing is None:
            return _failed(operation, ProviderNotFoundError.code, "it is gone")
        else:
            outputs = self._outputs(thing)
        return attrs.evolve(operation, state=OperationState.DONE, outputs=outputs)

    def _outputs(self, thing: Thing) -> dict[str, str]:
        return {"id": thing.id}

    def _removed(self, spec: ResourceRef, request_key: str, thing: Thing | None) -> Operation:
        """Answer for a removal; at once for what was not there."""
        kind = f"{self.name}.delete"
        if thing is not None:
            return self._started(kind, thing, request_key, None)
        return Operation(
            request_key=request_key,
            kind=kind,
            state=OperationState.DONE,
            resource_id=spec.id,
            outputs={"id": spec.id},
        )


def _failed(operation: Operation, code: str, why: str) -> Operation:
    return attrs.evolve(
        operation,
        state=OperationState.FAILED,
        error=f"{operation.kind}: {why} (request {FAKE_REQUEST_ID})",
        error_code=code,
        vendor_request_id=FAKE_REQUEST_ID,
    )


class FakeCompute(FakeInterface, ComputeInterface):
    """Machines."""

    prefix = "i"

    @starts(InstanceSpec, creates=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        """Make a machine, if everything it needs is there."""
        called = "compute.create"
        with self._account.call(called) as effect, self._account.cloud.rows() as rows:
            thing = self._remembered(rows, request_key)
            if thing is None:
                thing = self._new(rows, spec, request_key)
            return self._started(called, thing, request_key, effect)

    @starts(ResourceRef)
    def start(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Bring a machine up."""
        return self._switch("compute.start", spec, request_key, InstanceState.RUNNING)

    @starts(ResourceRef)
    def stop(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Shut a machine down."""
        return self._switch("compute.stop", spec, request_key, InstanceState.STOPPED)

    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove a machine and let go of its volumes."""
        with self._account.call("compute.delete"), self._account.cloud.rows() as rows:
            thing = rows.get(spec.id)
            for volume_id in thing.facts["volumes"] if thing else ():
                if rows.get(volume_id) is not None:
                    rows.set_facts(volume_id, attached_to="")
            rows.remove(spec.id)
            return self._removed(spec, request_key, thing)

    def get(self, instance_id: str) -> Instance:
        """Look at a machine."""
        with self._account.call("compute.get"), self._account.cloud.rows() as rows:
            thing = self._named(rows, instance_id, "compute.get")
        ready_at = thing.facts["begun_at"] + self._account.config.delay_s
        is_ready = (
            self._account.clock() >= ready_at
            and thing.facts["stage"] >= self._account.config.stages
        )
        state = InstanceState(thing.facts["state"]) if is_ready else InstanceState.PENDING
        return Instance(id=thing.id, state=state, ip=_ip(thing))

    def _new(self, rows: Rows, spec: InstanceSpec, request_key: str) -> Thing:
        called = "compute.create"
        image = image_id(spec.image, config=self._account.config, called=called)
        if spec.network_id:
            _present(rows, "network", spec.network_id, called)
        volume_ids = [attachment.volume_id for attachment in spec.volumes]
        for volume_id in volume_ids:
            holder = _present(rows, "volume", volume_id, called).facts["attached_to"]
            if holder:
                raise ProviderConflictError(f"{called}: {volume_id} is attached to {holder}")
        thing = self._made(
            rows,
            called,
            spec.cluster_id,
            request_key,
            name=spec.name,
            hostname=spec.hostname or spec.name,
            image=image,
            network_id=spec.network_id,
            volumes=volume_ids,
            state=InstanceState.RUNNING,
            user_data_sha256=hashlib.sha256(spec.user_data.encode()).hexdigest(),
        )
        for volume_id in volume_ids:
            rows.set_facts(volume_id, attached_to=thing.id)
        return thing

    def _switch(
        self, called: str, spec: ResourceRef, request_key: str, state: InstanceState
    ) -> Operation:
        with self._account.call(called) as effect, self._account.cloud.rows() as rows:
            thing = self._named(rows, spec.id, called)
            now = self._account.clock()
            if thing.facts["state"] != state:
                thing = rows.set_facts(spec.id, state=state, begun_at=now)
            return self._started(called, thing, request_key, effect)

    def _outputs(self, thing: Thing) -> dict[str, str]:
        return {
            "id": thing.id,
            "ip": _ip(thing),
            "hostname": thing.facts["hostname"],
            "image": thing.facts["image"],
        }


class FakeVolume(FakeInterface, VolumeInterface):
    """Volumes."""

    prefix = "vol"

    @starts(VolumeSpec, creates=True)
    def create(self, spec: VolumeSpec, *, request_key: str) -> Operation:
        """Make a volume."""
        called = "volume.create"
        with self._account.call(called) as effect, self._account.cloud.rows() as rows:
            thing = self._remembered(rows, request_key)
            if thing is None:
                facts = {"name": spec.name, "size_gib": spec.size_gib, "attached_to": ""}
                thing = self._made(rows, called, spec.cluster_id, request_key, **facts)
            return self._started(called, thing, request_key, effect)

    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove a volume that no machine uses."""
        called = "volume.delete"
        with self._account.call(called), self._account.cloud.rows() as rows:
            thing = rows.get(spec.id)
            if thing is not None and thing.facts["attached_to"]:
                holder = thing.facts["attached_to"]
                raise ProviderConflictError(f"{called}: {spec.id} is attached to {holder}")
            rows.remove(spec.id)
            return self._removed(spec, request_key, thing)


class FakeNetwork(FakeInterface, NetworkInterface):
    """Networks; an installation has one unless it names another."""

    prefix = "net"

    @starts(NetworkSpec, creates=True)
    def ensure(self, spec: NetworkSpec, *, request_key: str) -> Operation:
        """Answer the named network, or the installation's own."""
        called = "network.ensure"
        with self._account.call(called) as effect, self._account.cloud.rows() as rows:
            if spec.existing_id:
                thing = _present(rows, "network", spec.existing_id, called)
            else:
                thing = self._default(rows, spec, request_key)
            return self._started(called, thing, request_key, effect)

    @starts(ResourceRef)
    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Remove a network without machines."""
        called = "network.delete"
        with self._account.call(called), self._account.cloud.rows() as rows:
            thing = rows.get(spec.id)
            machines = rows.all("compute") if thing is not None else []
            if any(machine.facts["network_id"] == spec.id for machine in machines):
                raise ProviderConflictError(f"{called}: machines are still in {spec.id}")
            rows.remove(spec.id)
            return self._removed(spec, request_key, thing)

    def _default(self, rows: Rows, spec: NetworkSpec, request_key: str) -> Thing:
        ours = self._account.context.installation_id
        for thing in rows.all("network"):
            if thing.tags.installation_id == ours:
                return thing
        return self._made(rows, "network.ensure", spec.cluster_id, request_key, name=spec.name)

    def _outputs(self, thing: Thing) -> dict[str, str]:
        return {"id": thing.id, "cidr": str(_NETWORK)}


def _present(rows: Rows, interface: str, thing_id: str, called: str) -> Thing:
    thing = rows.get(thing_id)
    if thing is None or thing.interface != interface:
        raise ProviderNotFoundError(f"{called}: the fake cloud knows no {interface} {thing_id!r}")
    return thing


def _ip(thing: Thing) -> str:
    return str(_NETWORK[int(thing.facts["number"])])
