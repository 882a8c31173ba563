"""What is known of machines survives pitrix, the host's restart and reused process numbers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from local_kit import Host, finished

from pitrix_core import OperationState
from pitrix_core.errors import ProviderConflictError, ProviderTemporaryError
from pitrix_core.model import InstanceState, ResourceRef
from pitrix_local.compute import LocalCompute
from pitrix_local.machine import processes
from pitrix_local.machine.files import read_record, remove_tree, write_record

_LOOK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from local_kit import Host, provider_on
host = Host(provider_on(Path(sys.argv[2]), "auto"), Path(sys.argv[2]), "")
machine = host.get(sys.argv[3])
[found] = host.provider.compute.find("k-1")
[owned] = host.provider.owned()
print(machine.state, machine.ip, found.resource_id, owned.id, flush=True)
host.delete(sys.argv[3])
"""


def change_boot(host: Host, machine_id: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of a machine's boot."""
    record = read_record(host.folder(machine_id) / "boot.json")
    assert record is not None
    change(record)
    write_record(host.folder(machine_id) / "boot.json", record)


def test_another_process_sees_and_ends_a_machine(host: Host) -> None:
    """Nothing is kept in the provider's object."""
    machine_id = host.create("sleep 600 &")
    address = host.get(machine_id).ip

    command = [sys.executable, "-c", _LOOK, str(Path(__file__).parent), str(host.root), machine_id]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    assert said.split() == ["running", address, machine_id, machine_id]
    assert not host.folder(machine_id).exists()
    assert processes.marked(machine_id) == []


def test_a_machine_outlives_the_process_that_made_it(host: Host) -> None:
    """Also when that is killed with its whole process group."""
    code = (
        "import sys, os, signal; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "from local_kit import Host, provider_on; "
        "host = Host(provider_on(Path(sys.argv[2]), sys.argv[3]), Path(sys.argv[2]), ''); "
        "print(host.create('exec sleep 600'), flush=True); os.killpg(0, signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(host.root), host.mode]

    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30, start_new_session=True
    )

    assert ended.returncode == -9
    assert host.get(ended.stdout.strip()).state is InstanceState.RUNNING


@pytest.mark.parametrize("with_pid_of", ["another-program", "nobody"])
def test_a_reused_process_number_is_not_the_machine(host: Host, with_pid_of: str) -> None:
    """A number alone says nothing; and no signal goes to whoever has it now."""
    machine_id = host.create()
    host.stop(machine_id)
    (host.folder(machine_id) / "reaper.json").unlink()
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        number = bystander.pid if with_pid_of == "another-program" else 2**22 - 1
        change_boot(host, machine_id, lambda record: record.update(pid=number, state="running"))

        state = host.get(machine_id).state
        host.delete(machine_id)

        assert state is InstanceState.FAILED
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_machine_is_stopped_after_the_hosts_restart_and_boots_again(host: Host) -> None:
    """Its process's number and start time may even be somebody's again."""
    machine_id = host.create("echo UP >> $R/opt/boots; wc -l < $R/opt/boots")
    host.printed(machine_id, "1")
    host.stop(machine_id)
    (host.folder(machine_id) / "reaper.json").unlink()
    own = processes.this_process()
    change_boot(
        host,
        machine_id,
        lambda record: record.update(
            pid=own.pid, start_ticks=own.start_ticks, host_boot_id="before", state="running"
        ),
    )

    state = host.get(machine_id).state
    host.start(machine_id)

    assert state is InstanceState.STOPPED
    host.printed(machine_id, "2")


def test_a_removal_that_was_interrupted_is_ended(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are removed last, so that what is left is seen; rubbish is swept along."""
    machine_id = host.create()
    host.stop(machine_id)
    with monkeypatch.context() as patch:
        patch.setattr(LocalCompute, "_reap", lambda *_args, **_more: None)
        ref = ResourceRef(id=machine_id)
        operation = host.provider.compute.delete(ref, request_key="k-1")
    remove_tree(host.folder(machine_id) / "rootfs")
    (host.folder(machine_id) / "launch.json").unlink()
    (host.root / "machines/.gone-another-1/rootfs").mkdir(parents=True)

    state = host.get(machine_id).state
    done = finished(host.provider.compute, operation)

    assert state is InstanceState.STOPPED
    assert done.state is OperationState.DONE
    assert list((host.root / "machines").iterdir()) == []


def test_a_machine_that_is_being_deleted_cannot_be_started(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address may be another's already."""
    machine_id = host.create()
    host.stop(machine_id)
    with monkeypatch.context() as patch:
        patch.setattr(LocalCompute, "_reap", lambda *_args, **_more: None)
        host.provider.compute.delete(ResourceRef(id=machine_id), request_key="k-1")

    with pytest.raises(ProviderConflictError, match="being deleted"):
        host.start(machine_id)


def test_a_machine_that_is_being_stopped_is_started_later(host: Host) -> None:
    """The core tries again until it has ended."""
    machine_id = host.create("trap 'sleep 1; exit' TERM; echo UP; while :; do sleep 0.1; done")
    host.printed(machine_id, "UP")
    host.provider.compute.stop(ResourceRef(id=machine_id), request_key="k-1")

    with pytest.raises(ProviderTemporaryError, match="has not ended yet"):
        host.start(machine_id)
