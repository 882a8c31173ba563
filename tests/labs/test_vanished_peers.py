"""A Frontgate that vanishes without a word: the drone notices, and misses and doubles nothing.

The drone is a process in a namespace of its own; no packet tells it that a link is cut, that etcd
was killed behind it, or that an address is not there any more.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import lab_needs
import lab_network as net
import pytest
from lab_etcd import ClientOf, LabEtcd, close_the_door, eventually, free_port, running

from pitrix_drone.build import build
from pitrix_drone.etcd import EtcdClient

_NODE: Final = "node"
_TOP: Final = "/c/cl-1"
_COMMANDS: Final = f"{_TOP}/commands/{_NODE}/"
_RESULTS: Final = f"{_TOP}/reports/{_NODE}/results/"
#: Source: RFC 5737, never routed. The second one is what vanishes.
_GATEWAY: Final = "192.0.2.253"
_SECOND: Final = "198.51.100.253"
_DRONE: Final = "192.0.2.254"
#: A peer is taken to be dead after 25 s of silence (pitrix_drone.etcd_http); then it is dialled
#: again.
_NOTICED_S: Final = 70.0


@attrs.frozen
class Far:
    """A drone behind a link, and the etcd it watches."""

    server: LabEtcd
    client: EtcdClient
    root: Path
    port: str

    def command(self, names: Sequence[str]) -> None:
        """Give the drone commands, each of which notes its name down."""
        for name in names:
            body = {
                "command_id": name,
                "cmd": f"echo {name} >> {self.root}/ran",
                "timeout_s": 30,
                "idempotent": False,
            }
            self.client.put(_COMMANDS + name, json.dumps(body))

    def await_results(self, names: Sequence[str], *, within_s: float = _NOTICED_S) -> None:
        """Wait until each command has its result."""
        wanted = {_RESULTS + name for name in names}
        eventually(
            lambda: wanted == {item.key for item in self.client.get_prefix(_RESULTS).items},
            "every command has its result",
            within_s=within_s,
        )

    def ran(self) -> list[str]:
        """Read what ran."""
        return sorted((self.root / "ran").read_text().split())


@pytest.fixture
def far(tmp_path: Path, client_of: ClientOf) -> Iterator[Far]:
    """A drone that has run its first command."""
    binary = lab_needs.program("etcd", package="etcd-server")
    lab_needs.network_namespaces()
    net.remove_orphans("far")
    namespace, port = f"far{os.getpid()}-drone", f"far{os.getpid()}"
    number = free_port("127.0.0.1")
    try:
        net.add(namespace)
        gateway = f"{_GATEWAY}/30"
        net.connect(namespace, address=f"{_DRONE}/30", to=net.HERE, port=port, gateway=gateway)
        net.add_address(net.HERE, port, f"{_SECOND}/32")
        places = [f"{address}:{number}" for address in ("127.0.0.1", _GATEWAY, _SECOND)]
        with running(LabEtcd(binary, tmp_path / "etcd", addresses=places)) as server:
            close_the_door(server)
            found = Far(server, client_of(server, "root"), tmp_path / "root", port)
            _let_in(found.client)
            drone = _start_drone(found, namespace, tmp_path / "drone.pyz", number)
            found.command(["first"])
            found.await_results(["first"])
            yield found
            drone.send_signal(signal.SIGKILL)
            drone.wait()
    finally:
        with contextlib.suppress(OSError):  # it was not made
            net.unplug(net.HERE, port)
        net.remove(namespace)


def _let_in(root: EtcdClient) -> None:
    """Make the node's user, as a Frontgate does."""
    root.role_add(_NODE)
    for part in ("shared", "roles/_", f"nodes/{_NODE}", f"commands/{_NODE}"):
        root.role_grant_prefix(_NODE, f"{_TOP}/{part}/", permission="READ")
    root.role_grant_prefix(_NODE, f"{_TOP}/reports/{_NODE}/", permission="READWRITE")
    root.user_add(_NODE, "a-long-password")
    root.user_grant_role(_NODE, _NODE)


def _start_drone(far: Far, namespace: str, archive: Path, number: int) -> "subprocess.Popen[bytes]":
    config: dict[str, Any] = {
        "protocol": 1,
        "cluster_id": "cl-1",
        "node_id": _NODE,
        "role": "",
        "endpoints": [f"http://{address}:{number}" for address in (_SECOND, _GATEWAY)],
        "user": _NODE,
        "password": "a-long-password",
    }
    build(archive)
    file = far.root / "etc/pitrix/drone.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(config))
    with (far.root / "log").open("wb") as log:
        return subprocess.Popen(
            [*net.inside(namespace), sys.executable, "-I", str(archive), "run"],
            env={"PATH": os.environ["PATH"], "PITRIX_ROOT": str(far.root)},
            stderr=log,
        )


def _link_is_cut(far: Far) -> None:
    net.cut(net.HERE, far.port)


def _etcd_is_killed_behind_the_cut(far: Far) -> None:
    net.cut(net.HERE, far.port)
    far.server.kill()
    far.server.start()


def _etcd_is_killed_and_forgets_behind_the_cut(far: Far) -> None:
    _etcd_is_killed_behind_the_cut(far)
    far.client.compact(far.client.put("/another", "thing"))


@pytest.mark.parametrize(
    "vanish",
    [
        pytest.param(_link_is_cut, id="link-is-cut"),
        pytest.param(_etcd_is_killed_behind_the_cut, id="etcd-is-killed"),
        pytest.param(_etcd_is_killed_and_forgets_behind_the_cut, id="etcd-compacts"),
    ],
)
def test_what_happens_behind_a_cut_link_is_done_once_it_heals(
    far: Far, vanish: Callable[[Far], None]
) -> None:
    """Commands of that time run exactly once, and none before it runs again."""
    names = [f"unheard-{number}" for number in range(5)]

    vanish(far)
    far.command(names)
    net.heal(net.HERE, far.port)
    far.await_results(["first", *names])

    assert far.ran() == ["first", *names]


def test_an_address_that_vanishes_is_left_for_another(far: Far) -> None:
    """Nobody says that it is gone: silence is noticed, and the other address is dialled."""
    names = [f"elsewhere-{number}" for number in range(5)]

    net.delete_address(net.HERE, far.port, f"{_SECOND}/32")
    far.command(names)
    far.await_results(["first", *names])

    assert far.ran() == [*names, "first"]
