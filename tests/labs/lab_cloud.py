"""A cloud of private networks on one machine: the provider ``lab`` of a server under test.

Each runtime has one network, a namespace with a bridge; each machine is a namespace plugged into
it, with a folder for a root and its user-data for a boot. Networks have the same addresses, as
those of different customers have, and no way out: only a Frontgate gets a line to where the server
listens.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import attrs
import lab_network as net

from pitrix_core.contracts import (
    ComputeInterface,
    Context,
    ImageInterface,
    NetworkInterface,
    Provider,
    starts,
)
from pitrix_core.errors import ProviderNotFoundError
from pitrix_core.findings import Finding
from pitrix_core.model import (
    ImageQuery,
    Instance,
    InstanceSpec,
    InstanceState,
    NetworkSpec,
    NoCredential,
    Operation,
    OperationState,
    ResourceRef,
    TaggedResource,
    Tags,
)

NETWORK: Final = "private"
CIDR: Final = "10.0.0.0/24"
#: Source: RFC 5737: for documentation, never routed; four addresses a Frontgate.
_LINES: Final = "192.0.2"
_FIRST: Final = 10
_SCRIPT: Final = "user-data"


@attrs.frozen(kw_only=True)
class LabSettings:
    """What a runtime of the lab is told."""

    #: First characters of the names of its namespaces.
    tag: str
    #: Which of the lab's networks this is, from 0.
    number: int
    #: Namespace in which the server listens.
    outside: str
    #: Folder of the machines.
    folder: str
    #: Folder that each machine but a Frontgate gets a copy of as its root.
    image: str
    #: Its user-data are too small for an agent.
    is_terse: bool = False


@attrs.frozen(kw_only=True)
class Machine:
    """What the cloud knows of a machine; stands in ``machine.json``."""

    id: str
    name: str
    cluster_id: str
    request_key: str
    installation_id: str
    address: str
    #: Name of its namespace, and of its port in the network's.
    namespace: str
    port: str
    is_frontgate: bool


class LabCloud:
    """The machines of one runtime; any thread and process may use it."""

    def __init__(self, settings: LabSettings) -> None:
        """Keep the settings; makes nothing."""
        self.settings = settings
        self.wire = f"{settings.tag}-{settings.number}"
        self._folder = Path(settings.folder) / str(settings.number)

    def ensure_network(self) -> None:
        """Make the network unless it is there."""
        with self._locked():
            if not Path("/run/netns", self.wire).exists():
                net.add_bridge(self.wire)

    def machines(self) -> list[Machine]:
        """Return all machines."""
        found = []
        for path in sorted(self._folder.glob("*/machine.json")):
            with contextlib.suppress(FileNotFoundError):  # it is removed at this moment
                found.append(Machine(**json.loads(path.read_text())))
        return found

    def machine(self, machine_id: str) -> Machine | None:
        """Return one machine."""
        return next((found for found in self.machines() if found.id == machine_id), None)

    def folder(self, machine_id: str) -> Path:
        """Return a machine's folder."""
        return self._folder / machine_id

    def create(self, spec: InstanceSpec, *, request_key: str, installation_id: str) -> Machine:
        """Make a machine, plug it in and boot it, once for a key."""
        machine_id = "m-" + hashlib.sha256(request_key.encode()).hexdigest()[:10]
        with self._locked():
            known = self.machine(machine_id)
            if known is not None:
                return known
            machine = self._described(machine_id, spec, request_key, installation_id)
            folder = self.folder(machine_id)
            folder.mkdir()
            if machine.is_frontgate:
                (folder / "root").mkdir()
            else:
                shutil.copytree(self.settings.image, folder / "root", symlinks=True)
            (folder / _SCRIPT).write_text(spec.user_data)
            self._wire_up(machine)
            staged = folder / "staged.json"
            staged.write_text(json.dumps(attrs.asdict(machine)))
            staged.rename(folder / "machine.json")  # who reads it waits for no lock
        self.boot(machine)
        return machine

    def boot(self, machine: Machine) -> None:
        """Run a machine's user-data, unless it runs already."""
        if net.processes(machine.namespace):
            return
        folder = self.folder(machine.id)
        environment = {
            "PATH": os.environ["PATH"],
            "PITRIX_ROOT": str(folder / "root"),
            "PITRIX_ADDRESS": machine.address,
            "PITRIX_INSTANCE": machine.id,
            "HOME": str(folder / "root"),
            "LANG": "C.UTF-8",
        }
        with (folder / "console.log").open("ab") as console:
            subprocess.Popen(
                [*net.inside(machine.namespace), "sh", str(folder / _SCRIPT)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
                start_new_session=True,
            )

    def remove(self, machine: Machine) -> None:
        """Take a machine away; what its commands noted down beside its root stays."""
        with self._locked():
            net.remove(machine.namespace)
            folder = self.folder(machine.id)
            (folder / "machine.json").unlink(missing_ok=True)
            shutil.rmtree(folder / "root", ignore_errors=True)

    def _described(
        self, machine_id: str, spec: InstanceSpec, request_key: str, installation_id: str
    ) -> Machine:
        taken = {machine.address for machine in self.machines()}
        free = (number for number in range(_FIRST, 255) if f"10.0.0.{number}" not in taken)
        return Machine(
            id=machine_id,
            name=spec.name,
            cluster_id=spec.cluster_id,
            request_key=request_key,
            installation_id=installation_id,
            address=f"10.0.0.{next(free)}",
            namespace=f"{self.wire}-{machine_id}",
            port=machine_id,
            is_frontgate=spec.name.startswith("pitrix-fg-"),
        )

    def _wire_up(self, machine: Machine) -> None:
        net.add(machine.namespace)
        address = f"{machine.address}/24"
        net.plug_in(machine.namespace, bridge=self.wire, port=machine.port, address=address)
        if machine.is_frontgate:
            first = 4 * self.settings.number
            net.connect(
                machine.namespace,
                address=f"{_LINES}.{first + 2}/30",
                to=self.settings.outside,
                port=machine.port,
                gateway=f"{_LINES}.{first + 1}/30",
            )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class LabCompute(ComputeInterface):
    """Machines; all is done when it is answered."""

    #: Room enough for a machine to bring its agent with it.
    user_data_limit_bytes = 4 * 1024 * 1024

    def __init__(self, cloud: LabCloud, *, installation_id: str) -> None:
        """Keep the arguments."""
        self._cloud = cloud
        self._installation_id = installation_id

    @starts(InstanceSpec, creates=True, honours_key=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        """Make a machine and boot it."""
        machine = self._cloud.create(
            spec, request_key=request_key, installation_id=self._installation_id
        )
        return _done("compute.create", machine.id, request_key, ip=machine.address)

    def start(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Boot a machine again."""
        machine = self._known(spec.id)
        self._cloud.boot(machine)
        return _done("compute.start", machine.id, request_key, ip=machine.address)

    def stop(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Pull a machine's plug."""
        net.end_processes(self._known(spec.id).namespace)
        return _done("compute.stop", spec.id, request_key)

    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Take a machine away."""
        machine = self._cloud.machine(spec.id)
        if machine is not None:
            self._cloud.remove(machine)
        return _done("compute.delete", spec.id, request_key)

    def get(self, instance_id: str) -> Instance:
        """Look whether anything runs in a machine."""
        machine = self._known(instance_id)
        runs = bool(net.processes(machine.namespace))
        state = InstanceState.RUNNING if runs else InstanceState.STOPPED
        return Instance(id=machine.id, state=state, ip=machine.address)

    def poll(self, operation: Operation) -> Operation:
        """Return the operation: everything here is done at once."""
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Return the machine that was made under a key."""
        return tuple(
            _done("compute.create", machine.id, request_key, ip=machine.address)
            for machine in self._cloud.machines()
            if machine.request_key == request_key
        )

    def _known(self, machine_id: str) -> Machine:
        machine = self._cloud.machine(machine_id)
        if machine is None:
            raise ProviderNotFoundError(f"compute: there is no machine {machine_id!r}")
        return machine


class TerseLabCompute(LabCompute):
    """Machines that take as much user-data as the least generous clouds."""

    user_data_limit_bytes = 16 * 1024


class LabNetwork(NetworkInterface):
    """The one network of a runtime."""

    def __init__(self, cloud: LabCloud) -> None:
        """Keep the cloud."""
        self._cloud = cloud

    @starts(NetworkSpec, creates=True, honours_key=True)
    def ensure(self, spec: NetworkSpec, *, request_key: str) -> Operation:
        """Make the network unless it is there."""
        self._cloud.ensure_network()
        return _done("network.ensure", NETWORK, request_key, cidr=CIDR)

    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Leave it to the lab: its machines are in it."""
        return _done("network.delete", spec.id, request_key)

    def poll(self, operation: Operation) -> Operation:
        """Return the operation: everything here is done at once."""
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer nothing: it is the same one for every key."""
        return ()


class LabImage(ImageInterface):
    """The one image of a runtime."""

    def resolve(self, query: ImageQuery) -> str:
        """Answer the one image, whatever is asked for."""
        return "lab"

    def poll(self, operation: Operation) -> Operation:
        """Return the operation; nothing is ever started here."""
        return operation

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer nothing: nothing here is ever made."""
        return ()


class LabProvider(Provider[LabSettings, NoCredential]):
    """The provider ``lab``."""

    name = "lab"
    settings = LabSettings

    def __init__(
        self, runtime: Any, *, settings: LabSettings, credential: NoCredential, context: Context
    ) -> None:
        """Keep the arguments; makes nothing."""
        super().__init__(runtime, settings=settings, credential=credential, context=context)
        self._cloud = LabCloud(settings)

    @cached_property
    def compute(self) -> LabCompute:
        """Machines: namespaces with a folder."""
        kind = TerseLabCompute if self._cloud.settings.is_terse else LabCompute
        return kind(self._cloud, installation_id=self.context.installation_id)

    @cached_property
    def network(self) -> LabNetwork:
        """Networks: a bridge in a namespace."""
        return LabNetwork(self._cloud)

    @cached_property
    def image(self) -> LabImage:
        """Images: one folder."""
        return LabImage()

    def check(self) -> list[Finding]:
        """Find nothing wrong."""
        return []

    def owned(self, *, cluster_id: str | None = None) -> Iterable[TaggedResource]:
        """List the machines."""
        return [
            TaggedResource(
                interface="compute",
                id=machine.id,
                tags=Tags(
                    installation_id=machine.installation_id,
                    cluster_id=machine.cluster_id,
                    request_key=machine.request_key,
                ),
            )
            for machine in self._cloud.machines()
            if cluster_id in (None, machine.cluster_id)
        ]


def _done(kind: str, resource_id: str, request_key: str, **outputs: str) -> Operation:
    return Operation(
        request_key=request_key,
        kind=kind,
        state=OperationState.DONE,
        resource_id=resource_id,
        outputs={"id": resource_id, **outputs},
    )
