"""What the tests of this plugin share: providers on folders of their own, and waiting."""

import time
from collections.abc import Callable
from pathlib import Path

import attrs

from pitrix_core import Context, Operation, OperationState
from pitrix_core.contracts import Interface
from pitrix_core.model import (
    ImageQuery,
    Instance,
    InstanceSpec,
    NoCredential,
    ResourceRef,
    Runtime,
    VolumeAttachment,
)
from pitrix_local.provider import LocalProvider
from pitrix_local.settings import Isolation, LocalSettings

INSTALLATION = "0" * 32
DEADLINE_S = 20.0


def provider_on(
    root: Path,
    isolation: str,
    *,
    images: tuple[str, ...] = (),
    default_image: str = "",
    installation_id: str = INSTALLATION,
) -> LocalProvider:
    """Return a provider whose runtime keeps everything in a folder."""
    return LocalProvider(
        Runtime(id="rt-1", name="here", provider="local", owner="tests"),
        settings=LocalSettings(
            isolation=Isolation(isolation), images=images, default_image=default_image
        ),
        credential=NoCredential(),
        context=Context(installation_id=installation_id, state_dir=root),
    )


@attrs.frozen
class Host:
    """A provider with what tests ask of it all the time."""

    provider: LocalProvider
    root: Path
    mode: str

    def create(
        self,
        script: str = "",
        *,
        key: str = "k-1",
        image: str = "",
        hostname: str = "node-1",
        volumes: tuple[VolumeAttachment, ...] = (),
        user_data: str | None = None,
    ) -> str:
        """Make a machine that runs a shell script, and wait until it is up.

        The variable ``R`` is the prefix of the machine's own paths.
        """
        operation = self.provider.compute.create(
            spec_of(script, image=image, hostname=hostname, volumes=volumes, user_data=user_data),
            request_key=key,
        )
        done = finished(self.provider.compute, operation)
        assert done.state is OperationState.DONE, (done, self.console(done.resource_id or ""))
        return str(done.outputs["id"])

    def start(self, machine_id: str) -> Operation:
        """Start a machine and wait."""
        ref = ResourceRef(id=machine_id)
        started = self.provider.compute.start(ref, request_key="k-start")
        return finished(self.provider.compute, started)

    def stop(self, machine_id: str) -> Operation:
        """Stop a machine and wait."""
        ref = ResourceRef(id=machine_id)
        return finished(
            self.provider.compute, self.provider.compute.stop(ref, request_key="k-stop")
        )

    def delete(self, machine_id: str) -> Operation:
        """Delete a machine and wait."""
        ref = ResourceRef(id=machine_id)
        started = self.provider.compute.delete(ref, request_key="k-delete")
        return finished(self.provider.compute, started)

    def get(self, machine_id: str) -> Instance:
        """Look at a machine."""
        return self.provider.compute.get(machine_id)

    def folder(self, machine_id: str) -> Path:
        """Return a machine's folder."""
        return self.root / "machines" / machine_id

    def own(self, machine_id: str, path: str) -> Path:
        """Return where a path of the machine is for us."""
        return self.folder(machine_id) / "rootfs" / path.lstrip("/")

    def console(self, machine_id: str) -> str:
        """Return what a machine has printed."""
        console = self.folder(machine_id) / "console.log"
        return console.read_text() if console.exists() else ""

    def printed(self, machine_id: str, line: str) -> str:
        """Wait until a machine has printed a line, and return all it has printed."""
        wait_for(lambda: line in self.console(machine_id).splitlines(), what=f"line {line!r}")
        return self.console(machine_id)


def spec_of(
    script: str = "",
    *,
    image: str = "",
    hostname: str = "node-1",
    volumes: tuple[VolumeAttachment, ...] = (),
    user_data: str | None = None,
) -> InstanceSpec:
    """Return a machine that runs a shell script, or has other user-data."""
    shell = f'#!/bin/sh\nR="${{PITRIX_ROOT:-}}"\n{script}\n'
    return InstanceSpec(
        name="node",
        cluster_id="cl-1",
        image=ImageQuery(image=image),
        hostname=hostname,
        volumes=volumes,
        user_data=shell if user_data is None else user_data,
    )


def finished(interface: Interface, operation: Operation) -> Operation:
    """Do with an operation what the core does, until it has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while operation.state in (OperationState.PENDING, OperationState.NEXT_STAGE):
        assert time.monotonic() < deadline, f"does not end: {operation}"
        if operation.state is OperationState.NEXT_STAGE:
            operation = interface.advance(operation, request_key="k-stage")
        else:
            time.sleep(0.01)
            operation = interface.poll(operation)
    return operation


def wait_for(condition: Callable[[], object], *, what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
