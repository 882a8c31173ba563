"""A provider in each mode, and the proof after each test that nothing is left of it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_kit import Host, finished, provider_on, wait_for

from pitrix_core.model import ResourceRef
from pitrix_local.commands import namespace_refusal
from pitrix_local.machine import processes
from pitrix_local.machine.addresses import claims_folder


@pytest.fixture(scope="session")
def refusal(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return why this host has no namespaces; empty when it has."""
    return namespace_refusal(tmp_path_factory.mktemp("trial"))


@pytest.fixture(params=["namespace", "prefix"])
def mode(request: pytest.FixtureRequest, refusal: str) -> str:
    """Return a mode that this host can do."""
    if request.param == "namespace" and refusal:
        pytest.skip(f"no namespaces here ({refusal}); try: sysctl user.max_user_namespaces=10000")
    return str(request.param)


@pytest.fixture
def namespace_host(request: pytest.FixtureRequest, root: Path, refusal: str) -> Host:
    """Return a host in mode namespace."""
    if refusal:
        pytest.skip(f"no namespaces here ({refusal}); try: sysctl user.max_user_namespaces=10000")
    return Host(provider_on(root, "namespace"), root, "namespace")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Return a runtime's root; afterwards nothing of its machines is left on the host."""
    root = tmp_path / "root"
    yield root
    _delete_all(root)
    assert _leftovers(root) == []
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert [claim for claim in _claims() if str(tmp_path) in claim] == []


@pytest.fixture
def host(root: Path, mode: str) -> Host:
    """Return a host in each mode."""
    return Host(provider_on(root, mode), root, mode)


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Return a folder of images with one in it, called ``app``."""
    app = tmp_path / "images/app"
    (app / "opt/app").mkdir(parents=True)
    (app / "opt/app/version").write_text("1\n")
    (app / "etc/confd").mkdir(parents=True)
    (app / "etc/confd/node.toml").write_text("[template]\n")
    return app.parent


@pytest.fixture
def image_host(root: Path, mode: str, image_folder: Path) -> Host:
    """Return a host that has images."""
    return Host(provider_on(root, mode, images=(str(image_folder),)), root, mode)


def _delete_all(root: Path) -> None:
    provider = provider_on(root, "prefix")
    for folder in root.glob("machines/i-*"):
        ref = ResourceRef(id=folder.name)
        finished(provider.compute, provider.compute.delete(ref, request_key="k-end"))


def _leftovers(root: Path) -> list[str]:
    """Return the machines that still have processes, after killing those."""
    found = []
    for gone in root.glob("gone/i-*"):
        left = processes.marked(gone.name)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if left:
            found.append(gone.name)
            wait_for(lambda name=gone.name: not processes.marked(name), what="the end")
    return found


def _claims() -> list[str]:
    folder = claims_folder()
    return [claim.read_text() for claim in folder.iterdir()] if folder.is_dir() else []
