"""Runs an etcd, and keeps it running."""

import logging
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_frontgate.children import end_child, start_child
from pitrix_frontgate.config import is_loopback
from pitrix_frontgate.errors import EtcdServerError
from pitrix_frontgate.etcd_binary import EtcdBinary

log = logging.getLogger(__name__)

#: Without TLS: for this machine alone, unless drones of version 1 are to be let in.
CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380
#: With TLS. A port of its own: etcd 3.4 cannot speak both on one.
TLS_PORT: Final = 2381
_LOOPBACK: Final = "127.0.0.1"

#: Steps of one transaction.
MAX_TXN_OPS: Final = 10_000

#: Metadata arrives in frames of up to 4 MiB and is written in one transaction.
_MAX_REQUEST_BYTES: Final = 6 * 1024 * 1024

#: Heartbeat and election, in ms. A single member has nobody to wait for; etcd's defaults, which are
#: right for several, cost a second at each start.
_ALONE: Final = (20, 200)
_AMONG_OTHERS: Final = (100, 1000)

_FIRST_PAUSE_S: Final = 0.1
_LAST_PAUSE_S: Final = 10.0
_STEADY_S: Final = 30.0
_PORT_WAIT_S: Final = 5.0
_LEAVE_S: Final = 4.0


class Doors(NamedTuple):
    """How drones get in.

    :param identity: PEM file with the certificate and its key, for HTTPS; etcd reads it anew for
        each connection, so that replacing it is enough. None: no HTTPS.
    :param is_plain: plain HTTP from the network, for drones of version 1.
    :param peers: PEM file with the authority that signs the certificates of this store's other
        members, who are let in by these alone; None: there are no others.
    """

    identity: Path | None
    is_plain: bool
    peers: Path | None = None


#: As version 1 of the protocol has it.
PLAIN: Final = Doors(identity=None, is_plain=True)


def client_urls(address: str, doors: Doors) -> tuple[str, ...]:
    """List where etcd listens for clients: always for this machine alone, and at its doors."""
    urls = [_url(_own_address(address), CLIENT_PORT)]
    if doors.is_plain:
        urls.append(_url(address, CLIENT_PORT))
    if doors.identity is not None:
        urls.append(_url(address, TLS_PORT, scheme="https"))
    return tuple(dict.fromkeys(urls))


class EtcdServer:
    """One etcd, started again whenever it dies.

    :param address: drones reach it there, through its doors; whatever they are, this machine
        reaches it without TLS. :data:`PEER_PORT` is only open to this machine.
    :param throw_away: do not wait for the disk.
    :param member: its number, where it is one of several; all of them have the same content.
    :param initial_cluster: the members there were when this one was let in, as etcd writes them;
        empty for the first one.
    """

    def __init__(
        self,
        binary: EtcdBinary,
        *,
        address: str,
        data: Path,
        throw_away: bool,
        doors: Doors = PLAIN,
        member: int | None = None,
        initial_cluster: str = "",
    ) -> None:
        self._binary = binary
        self._name = "frontgate" if member is None else member_name(member)
        self._timing = _ALONE if member is None else _AMONG_OTHERS
        self._initial_cluster = initial_cluster
        self.address = address
        self._data = data
        self._throw_away = throw_away
        self._doors = doors
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        #: The process that is being ended only to be started again.
        self._leaving: subprocess.Popen[bytes] | None = None
        self._guard = threading.Thread(target=self._keep_running, name="etcd-guard", daemon=True)

    @property
    def endpoint(self) -> str:
        """The URL at which this machine reaches it."""
        return _url(_own_address(self.address), CLIENT_PORT)

    @property
    def plain_endpoint(self) -> str:
        """The URL at which drones of version 1 reach it."""
        return _url(self.address, CLIENT_PORT)

    @property
    def tls_endpoint(self) -> str:
        """The URL at which drones reach it."""
        return _url(self.address, TLS_PORT, scheme="https")

    @property
    def peer_url(self) -> str:
        """The URL at which other members reach it."""
        return peer_url(self.address)

    @property
    def doors(self) -> Doors:
        """How drones get in now."""
        return self._doors

    @property
    def pid(self) -> int | None:
        """The running etcd's process, if there is one."""
        process = self._process
        return None if process is None else process.pid

    def start(self) -> None:
        """Start it and guard it from now on.

        :raises EtcdServerError: its ports are in use and do not become free.
        """
        self._await_ports()
        self._guard.start()

    def await_ready(self, *, within_s: float, stop: threading.Event) -> None:
        """Wait until it answers; also returns when *stop* is set.

        :raises EtcdServerError: it did not within the time.
        """
        probe = EtcdClient([self.endpoint], timeout_s=1.0)
        deadline = time.monotonic() + within_s
        try:
            while not stop.wait(0.01) and not _has_leader(probe):
                if time.monotonic() > deadline:
                    raise EtcdServerError(
                        f"etcd does not answer at {self.endpoint} after {within_s:.0f} s; "
                        f"its reasons are above; its data is in {self._data}"
                    )
        finally:
            probe.close()

    def open(self, doors: Doors) -> None:
        """Let drones in through these doors; etcd starts again where it has to listen elsewhere."""
        before, self._doors = self._doors, doors
        is_elsewhere = client_urls(self.address, before) != client_urls(self.address, doors)
        if is_elsewhere or before.peers != doors.peers:
            self.restart()

    def restart(self) -> None:
        """End every connection, and with them every watch: etcd starts again at once.

        Takes it away for about half a second. Any thread may, before :meth:`stop`.
        """
        with self._lock:
            process = self._leaving = self._process
        if process is not None:
            end_child(process, name="etcd", within_s=_LEAVE_S)

    def stop(self, *, within_s: float = 4.0) -> None:
        """End it: asked to first, killed when that takes too long."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            end_child(process, name="etcd", within_s=within_s)
        if self._guard.is_alive():
            self._guard.join(timeout=2.0)

    def _keep_running(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._run_once()
            if self._stopping.is_set():
                return
            if self._is_leaving():
                continue
            if time.monotonic() - started > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            log.error("etcd ended with %s; it is started again in %.1f s", code, pause_s)
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, _LAST_PAUSE_S)

    def _is_leaving(self) -> bool:
        with self._lock:
            return self._leaving is self._process

    def _run_once(self) -> int | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._process = process = start_child(
                [self._binary.path, *self._arguments()], environment=_environment(os.environ)
            )
        return process.wait()

    def _arguments(self) -> list[str]:
        peer = _url(_own_address(self.address), PEER_PORT)
        if self._doors.peers is not None:
            peer = self.peer_url
        heartbeat_ms, election_ms = self._timing
        arguments = {
            "name": self._name,
            "data-dir": str(self._data),
            "listen-client-urls": ",".join(client_urls(self.address, self._doors)),
            "advertise-client-urls": self.endpoint,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": self._initial_cluster or f"{self._name}={peer}",
            "initial-cluster-state": "existing" if self._initial_cluster else "new",
            # Only counts for a store that is made: watchers tell it from an earlier one by that.
            "initial-cluster-token": secrets.token_hex(8),
            "auth-token": "simple",
            "bcrypt-cost": "4",
            "max-txn-ops": str(MAX_TXN_OPS),
            "max-request-bytes": str(_MAX_REQUEST_BYTES),
            "auto-compaction-mode": "periodic",
            "auto-compaction-retention": "1h",
            "heartbeat-interval": str(heartbeat_ms),
            "election-timeout": str(election_ms),
            "logger": "zap",
            "log-outputs": "stderr",
            "log-level": "error",
        }
        if self._doors.identity is not None:
            # Both in one file: it is replaced as a whole, and each reader takes what it needs.
            arguments |= dict.fromkeys(("cert-file", "key-file"), str(self._doors.identity))
        if self._doors.peers is not None:
            own = ("peer-cert-file", "peer-key-file")
            arguments |= dict.fromkeys(own, str(self._doors.identity)) | {
                "peer-trusted-ca-file": str(self._doors.peers),
                "peer-client-cert-auth": "true",
            }
        if self._throw_away and self._binary.version >= (3, 5, 0):
            arguments["unsafe-no-fsync"] = "true"
        return [f"--{name}={value}" for name, value in arguments.items()]

    def _await_ports(self) -> None:
        """Wait for the ports: a killed Frontgate's etcd may hold them for a moment."""
        deadline = time.monotonic() + _PORT_WAIT_S
        own_address = _own_address(self.address)
        own = ((own_address, CLIENT_PORT), (own_address, PEER_PORT))
        for_drones = ((self.address, CLIENT_PORT), (self.address, TLS_PORT))
        places = dict.fromkeys((*own, *for_drones))
        for address, port in places:
            while (obstacle := _bind_obstacle(address, port)) is not None:
                if time.monotonic() > deadline:
                    raise EtcdServerError(
                        f"etcd cannot listen at {address}:{port}: {obstacle}; end what "
                        "listens there, or set PITRIX_ADDRESS to an address of this machine"
                    )
                time.sleep(0.05)


def member_name(number: int) -> str:
    """Return what etcd calls a member."""
    return f"member-{number}"


def peer_url(address: str) -> str:
    """Return where other members reach the one at an address."""
    return _url(address, PEER_PORT, scheme="https")


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would change etcd.

    It refuses to start when an ETCD_ variable stands beside the same flag, and its JSON gateway
    would dial etcd itself through a proxy.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("ETCD_") and not name.lower().endswith("_proxy")
    }


def _has_leader(probe: EtcdClient) -> bool:
    try:
        return probe.status().has_leader
    except EtcdError:
        return False


def _bind_obstacle(address: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as ex:
            return ex.strerror or str(ex)
    return None


def _own_address(address: str) -> str:
    """Tell where what is for this machine alone listens.

    A single member has no peers, and their port knows no passwords: nobody may reach it.
    """
    return address if is_loopback(address) else _LOOPBACK


def _url(address: str, port: int, *, scheme: str = "http") -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}:{port}"
