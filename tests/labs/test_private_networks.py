"""Applications are deployed over links that fail: nothing is lost, and nothing runs twice.

Once in private networks of their own, out of which only the Frontgate reaches (as root), and whose
etcd is killed now and then; once on the loopback, over a line to the Pilot that goes silent and is
hung up.
"""

import collections
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs
import lab_app
import lab_needs
import lab_network as net
import pytest
from lab_cloud import LabCloud, LabSettings, Machine
from lab_etcd import free_port
from lab_installation import LabInstallation, machines_here, serving
from lab_links import Line, Link, failing

_HERE: Final = Path(__file__).parent
#: Of the server, for all Frontgates. Source: RFC 5737, never routed.
_OUTSIDE: Final = "198.51.100.1"
_PILOT_PORT: Final = 9114
_NODES: Final = 3
_FAULTS_S: Final = 8.0
#: A try to connect that is sure to be in vain.
_CONNECT: Final = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


@attrs.frozen
class Lab:
    """An installation with its runtimes, and the links that may fail."""

    installation: LabInstallation
    runtimes: Sequence[str]
    links: Callable[[], Sequence[Link]]
    ledger: Path
    clouds: Sequence[LabCloud] = ()

    def ran(self) -> "collections.Counter[str]":
        """Count what ran where."""
        return collections.Counter(self.ledger.read_text().splitlines())


@pytest.fixture
def etcd() -> str:
    """An etcd that may be trusted with data."""
    return lab_needs.program("etcd", package="etcd-server")


@pytest.fixture
def private(tmp_path: Path, etcd: str) -> Iterator[Lab]:
    """Two private networks with the same addresses, and a server outside of them."""
    with _private(tmp_path, networks=2) as made:
        yield made


@pytest.fixture
def terse(tmp_path: Path, etcd: str) -> Iterator[Lab]:
    """A private network of a cloud that takes little user-data."""
    with _private(tmp_path, networks=1, is_terse=True) as made:
        yield made


@contextlib.contextmanager
def _private(tmp_path: Path, *, networks: int, **more: bool) -> Iterator[Lab]:
    lab_needs.network_namespaces()
    net.remove_orphans("lab")
    tag = f"lab{os.getpid()}"
    outside = f"{tag}-out"
    _write_entry_point(tmp_path / "site")
    try:
        net.add(outside)
        subprocess.run(
            ["ip", "-n", outside, "address", "add", f"{_OUTSIDE}/32", "dev", "lo"], check=True
        )
        settings = {
            "PYTHONPATH": os.pathsep.join((str(tmp_path / "site"), str(_HERE))),
            "PITRIX_API_HOST": _OUTSIDE,
            "PITRIX_PILOT_HOST": _OUTSIDE,
            "PITRIX_PILOT_PORT": str(_PILOT_PORT),
        }
        with serving(tmp_path, settings, within=net.inside(outside)) as installation:
            clouds = [_cloud(tmp_path, tag, number, **more) for number in range(networks)]
            for cloud in clouds:
                installation.add_runtime(cloud.wire, "lab", attrs.asdict(cloud.settings))
            links = functools.partial(_links, clouds)
            names = [cloud.wire for cloud in clouds]
            yield Lab(installation, names, links, tmp_path / "ledger", clouds)
    finally:
        net.remove_all(f"{tag}-")


def _cloud(folder: Path, tag: str, number: int, **more: bool) -> LabCloud:
    settings = LabSettings(
        tag=tag,
        number=number,
        outside=f"{tag}-out",
        folder=str(folder / "machines"),
        image=str(folder / "images/lab"),
        **more,
    )
    return LabCloud(settings)


def _write_entry_point(site: Path) -> None:
    """Have the lab's provider found as an installed one is."""
    info = site / "pitrix_lab-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pitrix-lab\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[pitrix.providers]\nlab = lab_cloud:LabProvider\n")


def _links(clouds: Sequence[LabCloud]) -> list[Link]:
    """List a link for each machine, one more for each Frontgate's line to the outside, and its
    etcd, which is killed as if it were one.
    """
    found = []
    for cloud in clouds:
        for machine in cloud.machines():
            found.append(_link(cloud.wire, machine))
            if machine.is_frontgate:
                found.append(_link(cloud.settings.outside, machine))
                found.append(Link(functools.partial(_kill_etcd, machine), lambda: None))
    return found


def _kill_etcd(frontgate: Machine) -> None:
    """Kill a Frontgate's etcd, if it runs; the Frontgate starts it again."""
    for pid in net.processes(frontgate.namespace):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if Path(f"/proc/{pid}/comm").read_text() == "etcd\n":
                os.kill(pid, signal.SIGKILL)


def _link(namespace: str, machine: Machine) -> Link:
    def tolerant(change: Callable[[str, str], None]) -> Callable[[], None]:
        def changed() -> None:
            with contextlib.suppress(OSError):  # the machine is gone, or not quite there yet
                change(namespace, machine.port)

        return changed

    return Link(tolerant(net.cut), tolerant(net.heal))


@pytest.fixture
def loopback(tmp_path: Path, etcd: str) -> Iterator[Lab]:
    """This machine's own loopback, and a line to the Pilot that fails; needs no rights."""
    port = free_port("127.0.0.1")
    line = Line(("127.0.0.1", port))
    try:
        settings = {
            "PITRIX_ALLOW_LOCAL": "yes",
            "PITRIX_API_PORT": "0",
            "PITRIX_PILOT_PORT": str(port),
            "PITRIX_PILOT_URL": f"ws://127.0.0.1:{line.port}",
        }
        with serving(tmp_path, settings) as installation:
            installation.add_runtime("here", "local", machines_here(tmp_path, etcd))
            links = [Link(line.silence, line.restore), Link(line.hang_up, line.restore)]
            yield Lab(installation, ["here", "here"], lambda: links, tmp_path / "ledger")
            installation.run("runtime", "delete", "here", "--yes")
    finally:
        line.close()


@pytest.mark.parametrize("networks", ["private", "loopback"])
def test_links_that_fail_lose_nothing_and_double_nothing(
    networks: str, request: pytest.FixtureRequest
) -> None:
    """Two clusters come up and go over them: every service of every node runs exactly once."""
    lab: Lab = request.getfixturevalue(networks)
    names = ("first", "second")

    with failing(lab.links, seed=5, for_s=_FAULTS_S) as faults:
        _all(lab, [("deploy", "noted", "--name", n, "--runtime", r) for n, r in _each(names, lab)])
    up = lab.ran()
    states = [lab.installation.ask("cluster", "show", name)["cluster"]["state"] for name in names]
    with failing(lab.links, seed=6, for_s=_FAULTS_S) as later_faults:
        _all(lab, [("cluster", "delete", name) for name in names])

    machines = {line.split()[1] for line in up}
    assert all((faults, later_faults))
    assert states == ["active", "active"]
    assert len(machines) == len(names) * _NODES
    assert up == {f"{service} {name}": 1 for service in ("init", "start") for name in machines}
    assert lab.ran() == {
        f"{service} {name}": 1 for service in lab_app.SERVICES for name in machines
    }


def _each(names: Sequence[str], lab: Lab) -> Iterator[tuple[str, str]]:
    return zip(names, lab.runtimes, strict=True)


def _all(lab: Lab, commands: Sequence[Sequence[str]]) -> None:
    """Run commands at the same time; each has to succeed."""
    begun = [lab.installation.begin(*command, "--yes") for command in commands]
    for command in begun:
        lab.installation.finish(command)


def test_a_node_reaches_its_frontgate_and_nothing_else(private: Lab) -> None:
    """Neither the server nor the other network, which has the same addresses."""
    deployments = [
        ("deploy", "noted", "--name", runtime, "--runtime", runtime) for runtime in private.runtimes
    ]
    _all(private, deployments)

    machines = [cloud.machines() for cloud in private.clouds]
    gates = [next(machine for machine in each if machine.is_frontgate) for each in machines]
    nodes = [next(machine for machine in each if not machine.is_frontgate) for each in machines]

    at_home = [
        _reaches(node, *_etcd_of(cloud, node))
        for node, cloud in zip(nodes, private.clouds, strict=True)
    ]
    assert at_home == [True, True]
    assert [_reaches(node, _OUTSIDE, _PILOT_PORT) for node in nodes] == [False, False]
    assert [_reaches(gate, _OUTSIDE, _PILOT_PORT) for gate in gates] == [True, True]
    assert [_peers(cloud) for cloud in private.clouds] == [
        sorted(machine.address for machine in each if not machine.is_frontgate) for each in machines
    ]


def test_an_agent_that_user_data_cannot_carry_comes_by_way_of_the_frontgate(terse: Lab) -> None:
    """To nodes that do not reach the server, and have their user-data alone."""
    [cloud], [runtime] = terse.clouds, terse.runtimes

    terse.installation.run("deploy", "noted", "--name", "small", "--runtime", runtime, "--yes")

    nodes = [machine for machine in cloud.machines() if not machine.is_frontgate]
    folders = [cloud.folder(node.id) for node in nodes]
    agents = [folder / "root/opt/pitrix/drone.pyz" for folder in folders]
    assert len(nodes) == _NODES
    assert [_reaches(node, _OUTSIDE, _PILOT_PORT) for node in nodes] == [False] * _NODES
    assert all((folder / "user-data").stat().st_size <= 16 * 1024 for folder in folders)
    assert all(zipfile.is_zipfile(agent) for agent in agents)
    assert terse.installation.ask("cluster", "show", "small")["cluster"]["state"] == "active"


def _etcd_of(cloud: LabCloud, node: Machine) -> tuple[str, int]:
    """Read where a node was told its Frontgate's etcd to be."""
    config = cloud.folder(node.id) / "root/etc/pitrix/drone.json"
    url = urlsplit(json.loads(config.read_text())["endpoints"][0])
    return str(url.hostname), url.port or 0


def _reaches(machine: Machine, address: str, port: int) -> bool:
    command = [*net.inside(machine.namespace), sys.executable, "-c", _CONNECT, address, str(port)]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def _peers(cloud: LabCloud) -> list[str]:
    """Read whom the nodes of a network believe to be their peers; they have to agree."""
    roots = [cloud.folder(m.id) / "root" for m in cloud.machines() if not m.is_frontgate]
    [text] = {(root / "opt/peers").read_text() for root in roots}
    return sorted(text.split())
