"""The interface ``compute``: machines, started and ended by processes of their own."""

from pathlib import Path
from typing import Final

import attrs

from pitrix_core.contracts import ComputeInterface, starts
from pitrix_core.errors import (
    ProviderConflictError,
    ProviderError,
    ProviderNotFoundError,
    ProviderTemporaryError,
)
from pitrix_core.model import (
    Instance,
    InstanceSpec,
    InstanceState,
    Operation,
    OperationState,
    ResourceRef,
)
from pitrix_local import commands
from pitrix_local.allocation import Allocator
from pitrix_local.failures import translated
from pitrix_local.launching import launch_of
from pitrix_local.machine.files import find_put_away, remove_put_away, write_record
from pitrix_local.machine.launch import CONSOLE_FILE, LAUNCH_FILE
from pitrix_local.machine.reaper import REMOVE, STOP
from pitrix_local.records import Machine, Records
from pitrix_local.settings import LocalSettings
from pitrix_local.sight import Sight, has_processes, look_at

#: Seconds until the next poll: a boot takes a tenth of a second.
_POLL_S: Final = 0.1
#: Stage of an operation whose process was asked for, or has to be asked for again.
_BOOT, _REAP = "boot", "reap"
_GONE: Final = ProviderNotFoundError.code
_PURPOSES: Final = {"compute.stop": STOP, "compute.delete": REMOVE}


class LocalCompute(ComputeInterface):
    """Machines of one runtime."""

    def __init__(
        self, records: Records, *, settings: LocalSettings, allocator: Allocator, timeout_s: float
    ) -> None:
        """Keep the arguments; touches no file.

        :param timeout_s: seconds that a process may take to take over.
        """
        self._records = records
        self._settings = settings
        self._allocator = allocator
        self._timeout_s = timeout_s

    #: It is a file; agents carried inside take less than half of this.
    user_data_limit_bytes = 256 * 1024

    @starts(InstanceSpec, creates=True, honours_key=True)
    def create(self, spec: InstanceSpec, *, request_key: str) -> Operation:
        """Make a machine's folder, and boot it unless it has been booted."""
        with translated("compute.create"):
            machine = self._allocator.allocate(spec, request_key)
            self._boot(machine, after=0, operation="compute.create")
        return self.poll(_pending("compute.create", machine.id, request_key, boot=1))

    def start(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Boot a machine that does not run."""
        machine = self._machine(spec.id, "compute.start")
        with translated("compute.start"):
            folder = self._folder(machine.id)
            sight = look_at(folder)
            if sight.reaping:
                raise ProviderTemporaryError(
                    f"compute.start: {machine.id} has not ended yet", retry_after_s=1.0
                )
            if sight.state in (InstanceState.RUNNING, InstanceState.PENDING) and sight.boot:
                boot = sight.boot
            else:
                boot = sight.boot + 1
                self._boot(machine, after=sight.boot, operation="compute.start")
        return self.poll(_pending("compute.start", machine.id, request_key, boot=boot))

    def stop(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Send a reaper to a machine that runs."""
        machine = self._machine(spec.id, "compute.stop")
        with translated("compute.stop"):
            sight = look_at(self._folder(machine.id))
            if has_processes(machine.id, self._folder(machine.id)):
                self._reap(machine.id, STOP, operation="compute.stop")
        return self.poll(_pending("compute.stop", machine.id, request_key, boot=sight.boot))

    def delete(self, spec: ResourceRef, *, request_key: str) -> Operation:
        """Send a reaper that removes the machine's folder too; volumes stay."""
        operation = _pending("compute.delete", spec.id, request_key, boot=0)
        with translated("compute.delete"):
            if self._records.machine(spec.id) is not None:
                self._records.remember_gone(spec.id)
                self._reap(spec.id, REMOVE, operation="compute.delete")
        return self.poll(operation)

    def get(self, instance_id: str) -> Instance:
        """Look at a machine's folder and at its process."""
        machine = self._machine(instance_id, "compute.get")
        with translated("compute.get"):
            sight = look_at(self._folder(instance_id))
        return Instance(
            id=machine.id,
            state=sight.state,
            ip=machine.address,
            details={
                "mode": machine.mode,
                "hostname": machine.hostname,
                "image": machine.image,
                "boots": sight.boot,
                "booted_at": sight.booted_at,
                "error": sight.error or sight.reaper_error,
                "console": str(self._folder(instance_id) / CONSOLE_FILE),
            },
        )

    def poll(self, operation: Operation) -> Operation:
        """Look at what became of a boot or an end."""
        machine_id = operation.resource_id or ""
        with translated(f"{operation.kind}: poll"):
            machine = self._records.machine(machine_id)
            if machine is None and operation.kind == "compute.delete":
                return self._poll_put_away(operation)
            if machine is None:
                return _failed(operation, f"there is no machine {machine_id!r}", code=_GONE)
            if operation.kind in _PURPOSES:
                return self._poll_end(operation)
            return self._poll_boot(operation, machine)

    def advance(self, operation: Operation, *, request_key: str) -> Operation:
        """Ask again for a process that pitrix, or the host, died before or while it worked."""
        machine_id = operation.resource_id or ""
        with translated(f"{operation.kind}: advance"):
            machine = self._records.machine(machine_id)
            if machine is not None and operation.stage == _BOOT:
                after = int(operation.handle["boot"]) - 1
                self._boot(machine, after=after, operation=operation.kind)
            elif machine is None:
                remove_put_away(self._folder(machine_id).parent)
            else:
                self._reap(machine_id, _PURPOSES[operation.kind], operation=operation.kind)
        return self.poll(attrs.evolve(operation, state=OperationState.PENDING))

    def find(self, request_key: str) -> tuple[Operation, ...]:
        """Answer the machine made under a key."""
        with translated("compute.find"):
            machine = self._records.machine(self._records.machine_id(request_key))
        if machine is None:
            return ()
        return (_pending("compute.create", machine.id, request_key, boot=1),)

    def _poll_boot(self, operation: Operation, machine: Machine) -> Operation:
        sight = look_at(self._folder(machine.id))
        wanted = int(operation.handle["boot"])
        if sight.boot < wanted:
            return attrs.evolve(operation, state=OperationState.NEXT_STAGE, stage=_BOOT)
        if sight.boot == wanted and sight.state is InstanceState.PENDING:
            return operation
        if sight.boot == wanted and sight.state is InstanceState.FAILED:
            return _failed(operation, sight.error)
        outputs = {
            "id": machine.id,
            "ip": machine.address,
            "hostname": machine.hostname,
            "mode": machine.mode,
        }
        return attrs.evolve(operation, state=OperationState.DONE, outputs=outputs)

    def _poll_end(self, operation: Operation) -> Operation:
        machine_id = operation.resource_id or ""
        sight = look_at(self._folder(machine_id))
        if sight.reaping:
            return operation
        if operation.kind == "compute.stop" and self._is_stopped(operation, sight):
            return _done(operation)
        if sight.reaper_error:
            return _failed(operation, sight.reaper_error)
        if self._records.machine(machine_id) is None:  # removed between two looks
            return operation
        return attrs.evolve(operation, state=OperationState.NEXT_STAGE, stage=_REAP)

    def _poll_put_away(self, operation: Operation) -> Operation:
        """Look for the last of a machine's files, which a crash may have left."""
        doomed = find_put_away(self._folder(operation.resource_id or ""))
        if doomed is None:
            return _done(operation)
        if look_at(doomed).reaping:
            return operation
        return attrs.evolve(operation, state=OperationState.NEXT_STAGE, stage=_REAP)

    def _is_stopped(self, operation: Operation, sight: Sight) -> bool:
        machine_id = operation.resource_id or ""
        if sight.boot > int(operation.handle["boot"]):
            return True  # and started again since
        return not has_processes(machine_id, self._folder(machine_id))

    def _boot(self, machine: Machine, *, after: int, operation: str) -> None:
        """Boot a machine, unless it has been booted since the boot that is named."""
        folder = self._folder(machine.id)
        with self._records.machine_locked(machine.id):
            sight = look_at(folder)
            if sight.boot > after:
                return
            if self._records.is_gone(machine.id):
                raise ProviderConflictError(f"{operation}: {machine.id} is being deleted")
            if sight.reaping or has_processes(machine.id, folder):
                raise ProviderTemporaryError(
                    f"{operation}: {machine.id} has not ended yet", retry_after_s=1.0
                )
            launch = launch_of(
                machine, records=self._records, settings=self._settings, boot=after + 1
            )
            write_record(folder / LAUNCH_FILE, launch.to_record())
            commands.run(
                "boot",
                folder,
                environment=launch.environment,
                operation=operation,
                timeout_s=self._timeout_s,
            )

    def _reap(self, machine_id: str, purpose: str, *, operation: str) -> None:
        """Send a reaper, unless one is at work that does as much."""
        folder = self._folder(machine_id)
        try:
            with self._records.machine_locked(machine_id):
                if look_at(folder).reaping not in (purpose, REMOVE):
                    commands.run(
                        "end",
                        folder,
                        purpose,
                        machine_id,
                        environment=commands.plain_environment(),
                        operation=operation,
                        timeout_s=self._timeout_s,
                    )
        except FileNotFoundError:
            if self._records.machine(machine_id) is not None:
                raise

    def _machine(self, machine_id: str, operation: str) -> Machine:
        with translated(operation):
            machine = self._records.machine(machine_id)
        if machine is None:
            raise ProviderNotFoundError(f"{operation}: there is no machine {machine_id!r}")
        return machine

    def _folder(self, machine_id: str) -> Path:
        return self._records.machine_folder(machine_id)


def _pending(kind: str, machine_id: str, request_key: str, *, boot: int) -> Operation:
    return Operation(
        request_key=request_key,
        kind=kind,
        state=OperationState.PENDING,
        resource_id=machine_id,
        stage=_REAP if kind in _PURPOSES else _BOOT,
        handle={"boot": boot},
        retry_after_s=_POLL_S,
    )


def _done(operation: Operation) -> Operation:
    outputs = {"id": operation.resource_id or ""}
    return attrs.evolve(operation, state=OperationState.DONE, outputs=outputs)


def _failed(operation: Operation, error: str, *, code: str = ProviderError.code) -> Operation:
    return attrs.evolve(
        operation,
        state=OperationState.FAILED,
        error=f"{operation.kind}: {error}",
        error_code=code,
    )
