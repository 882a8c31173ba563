"""A Frontgate's etcd with one cluster in it, for ``python -m bench agents``."""

import concurrent.futures
import contextlib
import datetime as dt
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from bench.results import MeasurementError
from pitrix_core.pilot.authority import make_authority
from pitrix_drone.etcd import EtcdClient, EtcdError, op_put
from pitrix_frontgate.errors import FrontgateError
from pitrix_frontgate.etcd_binary import find_etcd
from pitrix_frontgate.etcd_server import Doors, EtcdServer
from pitrix_frontgate.rbac import open_store

CLUSTER: Final = "cl-bench"
ROLE: Final = "web"
TOP: Final = f"/c/{CLUSTER}"
_PASSWORD: Final = "a-password-of-the-bench"  # noqa: S105  nobody else reaches this etcd
_READY_S: Final = 60.0
_AT_ONCE: Final = 8
_PORTS: Final = (2378, 2379, 2380, 2381)


@attrs.frozen(kw_only=True)
class Store:
    """One etcd that runs as a Frontgate runs it, guarded, with a user for each node."""

    server: EtcdServer
    root: EtcdClient
    version: str
    #: What drones know it by.
    ca: str

    @property
    def endpoint(self) -> str:
        """Where drones reach it."""
        return self.server.tls_endpoint

    def add_nodes(self, count: int) -> None:
        """Make users, as a Frontgate does, for nodes numbered from 0."""
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            for done in [pool.submit(self._add_node, node_of(n)) for n in range(count)]:
                done.result()

    def put(self, revision: int) -> None:
        """Change the cluster's metadata for all of its nodes, in one transaction."""
        text = str(revision)
        self.root.txn([], [op_put(f"{TOP}/shared/{key}", text) for key in ("change", "revision")])

    def login_of(self, number: int) -> tuple[str, str]:
        """Return the name and the password of a node's user."""
        return node_of(number), _PASSWORD

    def _add_node(self, node_id: str) -> None:
        self.root.role_add(node_id)
        for part in ("shared", f"roles/{ROLE}", f"nodes/{node_id}", f"commands/{node_id}"):
            self.root.role_grant_prefix(node_id, f"{TOP}/{part}/", permission="READ")
        own = f"{TOP}/reports/{node_id}/"
        self.root.role_grant_prefix(node_id, own, permission="READWRITE")
        self.root.user_add(node_id, _PASSWORD)
        self.root.user_grant_role(node_id, node_id)


def node_of(number: int) -> str:
    """Return the name of a node."""
    return f"node-{number:04}"


@contextlib.contextmanager
def running_store(folder: Path) -> Iterator[Store]:
    """Run a Frontgate's etcd inside the block.

    :raises MeasurementError: there is none that is fit, or it does not start or answer.
    """
    address, now = _address(), dt.datetime.now(dt.UTC)
    certificate = make_authority("bench", now=now).issue([address], now=now)
    identity = folder / "identity.pem"
    identity.write_text(certificate.key + certificate.certificate)
    doors = Doors(identity=identity, is_plain=False)
    try:
        binary = find_etcd(throw_away=True)
        server = EtcdServer(
            binary, address=address, data=folder / "etcd", throw_away=False, doors=doors
        )
        with _started(server):
            version = ".".join(map(str, binary.version))
            with contextlib.closing(open_store(server.endpoint, folder / "root-password")) as root:
                yield Store(server=server, root=root, version=version, ca=certificate.ca)
    except (FrontgateError, EtcdError) as ex:
        raise MeasurementError(str(ex)) from ex


@contextlib.contextmanager
def _started(server: EtcdServer) -> Iterator[None]:
    server.start()
    try:
        server.await_ready(within_s=_READY_S, stop=threading.Event())
        yield
    finally:
        server.stop()


def _address() -> str:
    """Pick a loopback address at which a Frontgate's ports are free."""
    while True:
        address = "127." + ".".join(str(128 + secrets.randbelow(120)) for _ in range(3))
        with contextlib.suppress(OSError):
            for port in _PORTS:
                socket.create_server((address, port)).close()
            return address
