"""What happens when a machine's processes cannot even be started."""

import sys
from pathlib import Path

import pytest
from local_kit import Host, provider_on, spec_of

from pitrix_core.contracts import Context
from pitrix_core.errors import ProviderError, ProviderTemporaryError
from pitrix_core.model import InstanceState, NoCredential, ResourceRef
from pitrix_local.commands import namespace_refusal
from pitrix_local.provider import LocalProvider


def program(folder: Path, script: str) -> str:
    """Make a program that stands in for Python."""
    place = folder / "python"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return str(place)


def test_an_init_that_does_not_start_is_an_error_that_names_the_console(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine is kept for the next attempt under its key, which boots it."""
    host.provider.check()  # tries the mode before Python is broken
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", program(tmp_path, "echo broken; exit 3"))
        with pytest.raises(ProviderError) as caught:
            host.provider.compute.create(spec_of(), request_key="k-1")

    machine_id = host.create(key="k-1")

    assert caught.value.message == "compute.create: boot did not start (exit code 3)"
    assert str(host.folder(machine_id) / "console.log") in (caught.value.next_step or "")
    assert host.console(machine_id) == "broken\n"
    assert host.get(machine_id).state is InstanceState.RUNNING


def test_an_init_that_hangs_is_a_passing_failure(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up in time and killed."""
    usual = provider_on(root, "prefix")
    hasty = LocalProvider(
        usual.runtime,
        settings=usual.config,
        credential=NoCredential(),
        context=Context(
            installation_id=usual.context.installation_id, state_dir=root, request_timeout_s=2.5
        ),
    )
    monkeypatch.setattr(sys, "executable", program(tmp_path, "exec sleep 600"))

    with pytest.raises(ProviderTemporaryError, match=r"boot did not start within 0\.5 s"):
        hasty.compute.create(spec_of(), request_key="k-1")

    monkeypatch.undo()
    assert Host(usual, root, "prefix").create(key="k-1")


def test_a_process_that_is_killed_is_a_passing_failure(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when memory is short; it is asked for again."""
    machine_id = host.create(key="k-1")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", program(tmp_path, "kill -9 $$"))
        with pytest.raises(ProviderTemporaryError, match="end was killed by signal 9"):
            host.provider.compute.delete(ResourceRef(id=machine_id), request_key="k-2")

    host.delete(machine_id)

    assert list(host.root.glob("machines/*")) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("echo 'mount: EPERM'; exit 1", "mount: EPERM", id="told"),
        pytest.param("exit 7", "the trial ended with 7", id="silent"),
    ],
)
def test_a_trial_of_namespaces_tells_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """In the kernel's words where there are any."""
    monkeypatch.setattr(sys, "executable", program(tmp_path, script))

    assert namespace_refusal(tmp_path / "not-tried-before").startswith(reason)
