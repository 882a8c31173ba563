"""A network that lets HTTPS requests out and nothing else: clusters come up all the same."""

from collections.abc import Iterator
from pathlib import Path

import lab_needs
import pytest
from lab_box import Box
from lab_etcd import eventually, free_port
from lab_identity import Identity, write_identity
from lab_installation import LabInstallation, machines_here, serving


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    """What the Pilot, and the box before it, show; Frontgates trust its authority alone."""
    return write_identity(tmp_path)


@pytest.fixture
def pilot_port() -> int:
    """Where the Pilot serves TLS."""
    return free_port("127.0.0.1")


@pytest.fixture
def box(identity: Identity, pilot_port: int) -> Iterator[Box]:
    """The only way out."""
    box = Box(identity, pilot_port=pilot_port)
    yield box
    box.close()


@pytest.fixture
def installation(
    tmp_path: Path, identity: Identity, pilot_port: int, box: Box
) -> Iterator[LabInstallation]:
    """An installation whose Frontgates know of the box only, and a runtime on this machine."""
    settings = {
        "PITRIX_ALLOW_LOCAL": "yes",
        "PITRIX_API_PORT": "0",
        "PITRIX_PILOT_PORT": str(pilot_port),
        "PITRIX_PILOT_TLS_CERT": str(identity.file),
        "PITRIX_PILOT_TLS_KEY": str(identity.file),
        "PITRIX_PILOT_URL": f"wss://127.0.0.1:{box.port}",
        "PITRIX_PILOT_CA": str(identity.authority),
    }
    etcd = lab_needs.program("etcd", package="etcd-server")
    with serving(tmp_path, settings) as installation:
        installation.add_runtime("here", "local", machines_here(tmp_path, etcd))
        yield installation


def test_clusters_come_and_go_by_long_polls(installation: LabInstallation, box: Box) -> None:
    """Over TLS that only the pinned authority vouches for; no WebSocket ever gets through.

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
