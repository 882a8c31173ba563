"""Machines are made, stopped, started and removed, with everything that runs in them."""

import os
import signal

import pytest
from local_kit import Host, finished, spec_of, wait_for

from pitrix_core import OperationState
from pitrix_core.errors import ProviderNotFoundError
from pitrix_core.model import InstanceState, ResourceRef
from pitrix_local.compute import LocalCompute
from pitrix_local.machine import processes
from pitrix_local.machine.files import read_record, write_record


def keeper_of(host: Host, machine_id: str) -> int:
    """Return the number of the process that the boot record names."""
    record = read_record(host.folder(machine_id) / "boot.json")
    assert record is not None
    return int(record["pid"])


def test_a_machine_has_an_address_a_name_and_a_mode(host: Host) -> None:
    """Outputs of create are complete once it is done."""
    machine_id = host.create(hostname="db-1")

    outputs = host.provider.compute.create(spec_of(), request_key="k-1").outputs
    machine = host.get(machine_id)
    assert outputs == {
        "id": machine_id,
        "ip": machine.ip,
        "hostname": "db-1",
        "mode": host.mode,
    }
    assert machine.ip.startswith("127.")
    assert machine.state is InstanceState.RUNNING


def test_programs_get_the_machines_environment_and_no_other(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of pitrix's own environment leaks into a machine."""
    monkeypatch.setenv("PITRIX_TOKEN", "hush")

    machine_id = host.create("env; echo END")

    printed = host.printed(machine_id, "END")
    names = {line.partition("=")[0] for line in printed.splitlines() if "=" in line}
    allowed = {"PITRIX_INSTANCE", "PITRIX_ADDRESS", "HOSTNAME", "HOME", "PATH", "LANG", "PWD"}
    own_root = {"PITRIX_ROOT"} if host.mode == "prefix" else set()
    assert {name for name in names if "CERT" not in name and "BUNDLE" not in name} - {
        "OLDPWD",
        "SHLVL",
        "_",
    } == allowed | own_root
    assert f"PITRIX_ADDRESS={host.get(machine_id).ip}" in printed


def test_user_data_is_kept_private_in_its_usual_place(host: Host) -> None:
    """A machine finds its user-data where cloud-init would put it, mode 0600."""
    machine_id = host.create("echo READY")

    host.printed(machine_id, "READY")
    stored = host.own(machine_id, "var/lib/cloud/user-data")
    assert "echo READY" in stored.read_text()
    assert stored.stat().st_mode & 0o777 == 0o600


def test_user_data_that_is_no_script_is_stored_only(host: Host) -> None:
    """A cloud-config is the guest's business."""
    machine_id = host.create(user_data="#cloud-config\n{}\n")

    assert host.own(machine_id, "var/lib/cloud/user-data").read_text() == "#cloud-config\n{}\n"
    assert host.console(machine_id) == ""


def test_an_interpreter_that_is_not_there_is_told_on_the_console(host: Host) -> None:
    """The machine is up all the same: its guest is not its provider's business."""
    machine_id = host.create(user_data="#!/no/such/interpreter -x\n")

    host.printed(machine_id, "user-data: /no/such/interpreter: No such file or directory")
    assert host.get(machine_id).state is InstanceState.RUNNING


def test_a_machine_goes_on_when_its_user_data_has_ended(host: Host) -> None:
    """A machine without a program is a machine still."""
    machine_id = host.create("echo END")

    host.printed(machine_id, "END")
    assert host.get(machine_id).state is InstanceState.RUNNING


def test_stopping_ends_what_was_put_in_the_background(host: Host) -> None:
    """A job of a shell, and a daemon that forked twice and left its session, are gone too."""
    machine_id = host.create("sleep 600 & (setsid sh -c 'sleep 601 & echo UP' &)")
    host.printed(machine_id, "UP")

    stopped = host.stop(machine_id)

    assert stopped.state is OperationState.DONE
    assert processes.marked(machine_id) == []
    assert host.get(machine_id).state is InstanceState.STOPPED


def test_a_program_may_clean_up_when_its_machine_is_stopped(host: Host) -> None:
    """SIGTERM comes first, and the program has time to act on it."""
    machine_id = host.create(
        "trap 'sleep 0.3; echo CLEAN; exit' TERM; echo UP; while :; do sleep 0.05; done"
    )
    host.printed(machine_id, "UP")

    host.stop(machine_id)

    assert "CLEAN" in host.console(machine_id).splitlines()


def test_a_program_that_ignores_sigterm_is_killed(host: Host) -> None:
    """After its grace nothing is left of it."""
    machine_id = host.create("trap '' TERM; echo UP; while :; do sleep 1; done")
    host.printed(machine_id, "UP")

    stopped = host.stop(machine_id)

    assert stopped.state is OperationState.DONE
    assert processes.marked(machine_id) == []


def test_a_program_without_environment_ends_with_its_machine(host: Host) -> None:
    """What cannot be found by its mark is found as a descendant."""
    machine_id = host.create("env -i setsid sleep 612.25 & echo UP")
    host.printed(machine_id, "UP")

    host.stop(machine_id)

    assert _running("612.25") == []


def test_a_stopped_machine_keeps_its_address_and_files_and_boots_again(host: Host) -> None:
    """Start after stop is the next boot of the same machine."""
    machine_id = host.create("echo boot >> $R/opt/boots; wc -l < $R/opt/boots; echo END")
    host.printed(machine_id, "END")
    address = host.get(machine_id).ip
    host.stop(machine_id)

    started = host.start(machine_id)

    assert started.state is OperationState.DONE
    assert started.outputs["ip"] == address
    host.printed(machine_id, "2")
    assert host.get(machine_id).details["boots"] == 2


def test_stopping_and_starting_twice_is_done_at_once(host: Host) -> None:
    """A desired state that is there needs nothing."""
    machine_id = host.create()
    host.start(machine_id)
    once = host.get(machine_id).details["boots"]
    host.stop(machine_id)

    again = host.provider.compute.stop(ResourceRef(id=machine_id), request_key="k-again")

    assert once == 1
    assert again.state is OperationState.DONE


def test_a_deleted_machine_is_gone_with_its_folder(host: Host) -> None:
    """Neither its folder nor its processes are left, and it cannot be asked for any more."""
    machine_id = host.create("(setsid sleep 600 &) ; mkdir -p $R/opt/x; chmod 0 $R/opt/x; echo UP")
    host.printed(machine_id, "UP")

    deleted = host.delete(machine_id)

    assert deleted.state is OperationState.DONE
    assert not host.folder(machine_id).exists()
    assert list(host.root.glob("machines/*")) == []
    assert processes.marked(machine_id) == []
    with pytest.raises(ProviderNotFoundError, match=r"compute\.get"):
        host.get(machine_id)


def test_deleting_twice_is_fine(host: Host) -> None:
    """What is not there is deleted at once."""
    machine_id = host.create()
    host.delete(machine_id)

    again = host.provider.compute.delete(ResourceRef(id=machine_id), request_key="k-again")

    assert again.state is OperationState.DONE


def test_deleting_again_while_it_is_deleted_is_fine(host: Host) -> None:
    """Two requests at a time end in one end."""
    machine_id = host.create("trap 'sleep 0.5; exit' TERM; echo UP; while :; do sleep 0.05; done")
    host.printed(machine_id, "UP")
    host.provider.compute.delete(ResourceRef(id=machine_id), request_key="k-first")

    again = host.delete(machine_id)

    assert again.state is OperationState.DONE


def test_an_init_that_is_killed_makes_the_machine_failed(host: Host) -> None:
    """It is never called running, its programs end with it, and it can be started again."""
    machine_id = host.create("echo UP; exec sleep 600")
    host.printed(machine_id, "UP")

    os.kill(keeper_of(host, machine_id), signal.SIGKILL)

    wait_for(lambda: host.get(machine_id).state is InstanceState.FAILED, what="the failure")
    assert "killed" in str(host.get(machine_id).details["error"])
    wait_for(lambda: not processes.marked(machine_id), what="the programs' end")
    host.start(machine_id)
    assert host.get(machine_id).state is InstanceState.RUNNING


def test_a_killed_machine_is_stopped_by_a_stop(host: Host) -> None:
    """Somebody asked for it, so it is no failure any more."""
    machine_id = host.create("trap '' TERM; echo UP; while :; do sleep 1; done")
    host.printed(machine_id, "UP")
    os.kill(keeper_of(host, machine_id), signal.SIGKILL)

    stopped = host.stop(machine_id)

    assert stopped.state is OperationState.DONE
    assert processes.marked(machine_id) == []


def test_an_image_that_cannot_be_copied_fails_the_machine(image_host: Host) -> None:
    """The operation says why, and the machine can be deleted."""
    host = image_host
    os.mkfifo(host.provider.config.images[0] + "/app/opt/fifo")

    operation = host.provider.compute.create(spec_of(image="app"), request_key="k-1")
    machine_id = operation.resource_id or ""
    wait_for(lambda: host.get(machine_id).state is InstanceState.FAILED, what="the failure")

    failed = host.provider.compute.poll(operation)
    assert failed.state is OperationState.FAILED
    assert "fifo" in str(failed.error)


def test_a_boot_whose_machine_is_gone_has_failed(host: Host) -> None:
    """There is nothing left that could come up."""
    operation = host.provider.compute.create(spec_of(), request_key="k-1")
    host.delete(operation.resource_id or "")

    failed = host.provider.compute.poll(operation)

    assert failed.state is OperationState.FAILED
    assert failed.error_code == "provider_not_found"


def test_an_end_that_cannot_be_brought_about_has_failed(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reaper's words are passed on."""
    machine_id = host.create("exec sleep 600")
    monkeypatch.setattr(LocalCompute, "_reap", lambda *_args, **_more: None)
    reaper = {"purpose": "stop", "boot": 1, "error": "processes do not end"}
    write_record(host.folder(machine_id) / "reaper.json", reaper)

    stopped = host.stop(machine_id)

    monkeypatch.undo()
    assert stopped.state is OperationState.FAILED
    assert stopped.error == "compute.stop: processes do not end"


def test_a_stop_that_is_looked_at_after_the_next_start_is_done(host: Host) -> None:
    """The boot it was about has ended."""
    machine_id = host.create()
    ref = ResourceRef(id=machine_id)
    stopping = host.provider.compute.stop(ref, request_key="k-1")
    finished(host.provider.compute, stopping)
    host.start(machine_id)

    assert host.provider.compute.poll(stopping).state is OperationState.DONE


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_an_unknown_machine_cannot_be_started_or_stopped(host: Host, verb: str) -> None:
    """Clause 8."""
    starter = host.provider.compute.starter(verb)

    with pytest.raises(ProviderNotFoundError, match=rf"compute\.{verb}: there is no machine"):
        starter(ResourceRef(id="i-../../etc"), request_key="k-1")


def _running(word: str) -> list[str]:
    """Return the command lines that have a word in them."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                with open(f"{entry.path}/cmdline", encoding="utf-8") as file:  # noqa: PTH123
                    line = file.read()
            except OSError:
                continue
            found += [line] if word in line.split("\0") else []
    return found
