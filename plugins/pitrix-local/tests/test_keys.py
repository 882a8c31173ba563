"""One request key makes one machine, whoever asks, however often, and after any crash."""

import subprocess
import sys
from pathlib import Path

import pytest
from local_kit import INSTALLATION, Host, finished, provider_on, spec_of

from pitrix_core import OperationState
from pitrix_core.errors import ProviderConflictError
from pitrix_core.model import InstanceState, ResourceRef, VolumeSpec
from pitrix_local.compute import LocalCompute
from pitrix_local.records import Records

_MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from local_kit import provider_on, spec_of
provider = provider_on(Path(sys.argv[2]), sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
print(provider.compute.create(spec_of("echo UP"), request_key="k-1").resource_id)
"""


def test_the_same_key_answers_the_same_machine(host: Host) -> None:
    """A repeated request makes and boots nothing."""
    first = host.create()

    second = host.create()

    assert second == first
    assert host.get(first).details["boots"] == 1
    assert len(list(host.root.glob("machines/*"))) == 1


def test_two_processes_with_one_key_make_one_machine(host: Host) -> None:
    """Both get the same answer, and the machine is booted once."""
    command = [sys.executable, "-c", _MAKE, str(Path(__file__).parent), str(host.root), host.mode]
    askers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for asker in askers:
        assert asker.stdout is not None
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("\n")
        asker.stdin.flush()
    answers = [asker.communicate(timeout=30)[0].strip() for asker in askers]

    host.printed(answers[0], "UP")
    assert answers[0] == answers[1]
    assert host.get(answers[0]).details["boots"] == 1
    assert host.console(answers[0]).splitlines() == ["UP"]


def test_another_key_makes_another_machine(host: Host) -> None:
    """Keys tell machines apart, and each has an address of its own."""
    first, second = host.create(key="k-1"), host.create(key="k-2")

    assert first != second
    assert host.get(first).ip != host.get(second).ip


def test_the_cloud_is_said_to_honour_keys() -> None:
    """So the core sends a request whose answer was lost again at once."""
    assert LocalCompute.start_of("create").honours_key


def test_a_machine_that_was_never_booted_is_found_and_booted(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between making the folder and booting is gone on from."""
    with monkeypatch.context() as patch:
        patch.setattr(LocalCompute, "_boot", _crash)
        with pytest.raises(RuntimeError):
            host.provider.compute.create(spec_of(), request_key="k-1")

    [found] = host.provider.compute.find("k-1")
    polled = host.provider.compute.poll(found)
    done = finished(host.provider.compute, polled)

    assert found.resource_id
    assert polled.state is OperationState.NEXT_STAGE
    assert done.state is OperationState.DONE
    assert host.get(found.resource_id).state is InstanceState.RUNNING


def test_what_a_crash_left_of_a_folder_is_replaced(host: Host) -> None:
    """A folder that never got its name is no machine."""
    machine_id = host.provider.compute.create(spec_of(), request_key="k-2").resource_id or ""
    host.delete(machine_id)
    draft = host.root / "machines" / f".new-{_id_of(host, 'k-1')}"
    draft.mkdir()
    (draft.parent / ".new-another").mkdir()
    (draft / "rubbish").touch()

    made = host.create(key="k-1")

    assert host.get(made).state is InstanceState.RUNNING
    assert not (host.folder(made) / "rubbish").exists()
    assert list(draft.parent.iterdir()) == [host.folder(made)]


def test_a_late_request_makes_no_second_machine(host: Host) -> None:
    """The machine of its key was made and deleted already."""
    machine_id = host.create()
    host.delete(machine_id)

    with pytest.raises(ProviderConflictError, match="was deleted since"):
        host.provider.compute.create(spec_of(), request_key="k-1")


def test_what_is_gone_is_not_found(host: Host) -> None:
    """Clause 6."""
    host.delete(host.create())

    assert host.provider.compute.find("k-1") == ()


def test_the_keys_of_two_roots_are_different_things(host: Host, tmp_path: Path) -> None:
    """Else one root's reaper would end the other's programs."""
    other = provider_on(tmp_path / "other", "prefix")
    spec = VolumeSpec(name="v", cluster_id="c", size_gib=1)

    first = host.provider.volume.create(spec, request_key="k-1")
    second = other.volume.create(spec, request_key="k-1")

    assert first.resource_id != second.resource_id


def _crash(*_args: object, **_kwargs: object) -> None:
    raise RuntimeError("the power is gone")


def _id_of(host: Host, key: str) -> str:
    """Return the id a key's machine will have."""

    return Records(host.root, installation_id=INSTALLATION, timeout_s=1.0).machine_id(key)


def test_deleting_goes_on_when_its_reaper_died(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operation that was saved is enough to end what was begun."""
    machine_id = host.create()
    with monkeypatch.context() as patch:
        patch.setattr(LocalCompute, "_reap", _do_nothing)
        ref = ResourceRef(id=machine_id)
        started = host.provider.compute.delete(ref, request_key="k-delete")

    done = finished(host.provider.compute, started)

    assert started.state is OperationState.NEXT_STAGE
    assert done.state is OperationState.DONE
    assert not host.folder(machine_id).exists()


def _do_nothing(*_args: object, **_kwargs: object) -> None:
    return
