"""A network that lets HTTPS requests out and nothing else: clusters come up all the same."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import lab_app
import lab_needs
import psutil
import pytest
from lab_box import Box, write_identity
from lab_etcd import eventually, free_port
from lab_installation import LabInstallation


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """What the Pilot, and the box before it, show, and what Frontgates trust alone."""
    return write_identity(tmp_path, lab_needs.program("openssl", package="openssl"))


@pytest.fixture
def pilot_port() -> int:
    """Where the Pilot serves TLS."""
    return free_port("127.0.0.1")


@pytest.fixture
def box(identity: Path, pilot_port: int) -> Iterator[Box]:
    """The only way out."""
    box = Box(identity, pilot_port=pilot_port)
    yield box
    box.close()


@pytest.fixture
def installation(
    tmp_path: Path, identity: Path, pilot_port: int, box: Box
) -> Iterator[LabInstallation]:
    """An installation whose Frontgates know of the box only, and a runtime on this machine."""
    settings = {
        "PITRIX_ALLOW_LOCAL": "yes",
        "PITRIX_API_PORT": "0",
        "PITRIX_PILOT_PORT": str(pilot_port),
        "PITRIX_PILOT_TLS_CERT": str(identity),
        "PITRIX_PILOT_TLS_KEY": str(identity),
        "PITRIX_PILOT_URL": f"wss://127.0.0.1:{box.port}",
        "PITRIX_PILOT_CA": str(identity),
    }
    installation = LabInstallation(tmp_path / "server", settings=settings)
    etcd = lab_needs.program("etcd", package="etcd-server")
    (tmp_path / "ledger").touch()
    lab_app.write_image(tmp_path / "images/lab")
    package = lab_app.write_package(tmp_path, image="lab", ledger=tmp_path / "ledger")
    runtime = [
        *("--provider", "local", "--set", "isolation=prefix"),
        *("--set", f"images={json.dumps([str(tmp_path / 'images')])}"),
        *("--set", f"path={json.dumps([str(Path(etcd).parent)])}"),
    ]
    try:
        installation.start()
        installation.run("package", "build", str(package), "-o", str(tmp_path / "repo"))
        installation.run("repo", "add", "mine", (tmp_path / "repo").as_uri())
        installation.run("runtime", "add", "here", *runtime)
        yield installation
    finally:
        installation.stop()
        _end_what_is_left(tmp_path)


def _end_what_is_left(folder: Path) -> None:
    """End the machines that a failed test has left: whatever runs from its folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()):
                process.kill()


def test_clusters_come_and_go_by_long_polls(installation: LabInstallation, box: Box) -> None:
    """Over TLS that only the pinned certificate vouches for; no WebSocket ever gets through.

    Between two of them the Frontgate is shut out, and let in anew with another machine.
    """
    states = [_comes_and_goes(installation, "first")]
    [frontgate] = installation.ask("frontgate", "list")["items"]
    seen = [frontgate["state"]]

    def now() -> str:
        state: str = installation.ask("frontgate", "show", frontgate["id"])["state"]
        return state

    installation.run("frontgate", "revoke", frontgate["id"], "--yes")
    eventually(lambda: now() == "shut_out", "it is hung up on")
    seen.append(now())
    installation.run("frontgate", "renew", frontgate["id"], "--yes")
    seen.append(now())
    states.append(_comes_and_goes(installation, "second"))
    installation.run("runtime", "delete", "here", "--yes")

    assert states == ["active", "active"]
    assert seen == ["connected", "shut_out", "connected"]
    assert box.refused >= 3
    assert box.passed > 10


def _comes_and_goes(installation: LabInstallation, name: str) -> str:
    """Deploy a cluster, delete it again, and return its state in between."""
    installation.run("deploy", "noted", "--name", name, "--runtime", "here", "--yes")
    state: str = installation.ask("cluster", "show", name)["cluster"]["state"]
    installation.run("cluster", "delete", name, "--yes")
    return state
