"""Who gets in by which door, and that nobody stays who may not."""

import datetime as dt
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from authority import Authority
from frontgate_harness import Json, enrolling, eventually, metadata, own_loopback, password_of

from pitrix_drone.etcd import EtcdClient, EtcdError, Event, Snapshot
from pitrix_frontgate.config import Places
from pitrix_frontgate.doors import Doorkeeper, certificate_end, first_doors
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.etcd_binary import EtcdBinary, find_etcd
from pitrix_frontgate.etcd_server import PLAIN, Doors, EtcdServer
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.rbac import AccessControl, open_store


class Gate(NamedTuple):
    """A Frontgate's etcd with everything that guards it."""

    server: EtcdServer
    places: Places
    keeper: Doorkeeper
    handlers: Handlers
    authority: Authority

    def put(self, body: Json) -> None:
        """Give it a cluster's metadata."""
        answer = self.handlers.handle(Frame(secrets.token_hex(8), "metadata.put", body))
        assert answer is not None
        assert answer.type == "metadata.stored", answer

    def client(self, node_id: str) -> EtcdClient:
        """Make the client of a node of version 1."""
        return EtcdClient([self.server.endpoint], user=node_id, password=password_of(node_id))


def tls_put(authority: Authority, address: str, *, days: int = 90) -> Json:
    """Make the body of ``tls.put``."""
    key, certificate = authority.identity(address)
    not_after = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return {
        "ca": authority.pem,
        "certificate": certificate,
        "key": key,
        "not_after": not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One that runs, before it has a certificate."""
    places = Places(tmp_path_factory.mktemp("gate"))
    places.state.mkdir(parents=True)
    server = EtcdServer(
        find_etcd(throw_away=True),
        address=own_loopback(),
        data=places.etcd_data,
        throw_away=True,
        doors=first_doors(places, is_plain_always=False),
    )
    server.start()
    server.await_ready(within_s=20, stop=threading.Event())
    client = open_store(server.endpoint, places.root_password)
    keeper = Doorkeeper(server, places)
    handlers = Handlers(client, AccessControl(client, cut=keeper.cut), keeper)
    yield Gate(server, places, keeper, handlers, Authority())
    keeper.close()
    client.close()
    server.stop()


class _Watch:
    """Follows a prefix as a node does that obeys nobody: it never looks whether it still may."""

    def __init__(self, client: EtcdClient, prefix: str) -> None:
        self.seen: list[str] = []
        self.snapshots = 0
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(prefix,))
        self._thread.start()

    def _run(self, prefix: str) -> None:
        self._client.watch(
            prefix, on_snapshot=self._on_snapshot, on_events=self._on_events, stop=self._stop
        )

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots += 1

    def _on_events(self, events: tuple[Event, ...]) -> None:
        self.seen += [event.kv.value for event in events]

    def end(self) -> None:
        """Stop it."""
        self._stop.set()
        self._thread.join()
        self._client.close()


@pytest.fixture
def watch() -> Iterator[Callable[[EtcdClient, str], _Watch]]:
    """Return what begins watches; they end with the test."""
    begun: list[_Watch] = []

    def begin(client: EtcdClient, prefix: str) -> _Watch:
        begun.append(_Watch(client, prefix))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


@pytest.mark.parametrize(
    "less",
    [
        pytest.param(lambda body: {**body, "users": body["users"][:1]}, id="is-left-out"),
        pytest.param(
            lambda body: {
                **body,
                "users": [body["users"][0], {**body["users"][1], "role": "other"}],
            },
            id="changes-its-role",
        ),
        pytest.param(
            lambda body: {**body, "users": [body["users"][0], enrolling("cl", 1)["users"][0]]},
            id="becomes-another-machine",
        ),
    ],
)
def test_a_running_watch_ends_with_the_access(
    gate: Gate, watch: Callable[[EtcdClient, str], _Watch], less: Callable[[Json], Json]
) -> None:
    """What is written afterwards does not reach it, while its neighbour misses nothing."""
    cluster = f"cl-{secrets.token_hex(4)}"
    body = metadata(cluster, 1, nodes=2)
    gate.put(body)
    path = f"/c/{cluster}/roles/main/"
    lost, stays = (watch(gate.client(f"{cluster}-n{number}"), path) for number in (2, 1))
    eventually(lambda: lost.snapshots and stays.snapshots)
    gate.put({**body, "revision": 2, "roles": {"main": {"env/size": "before"}}})
    eventually(lambda: "before" in lost.seen and "before" in stays.seen)
    changed = less({**body, "revision": 3})
    changed["users"][-1]["node_id"] = changed["users"][-1]["node_id"].replace(
        "cl-n1", cluster + "-n2"
    )
    secret = {"main": {"env/size": "a-new-secret"}}

    gate.put({**changed, "roles": secret})

    eventually(lambda: "a-new-secret" in stays.seen)
    assert "a-new-secret" not in lost.seen


def test_nobody_is_cut_off_when_nodes_join(gate: Gate) -> None:
    """Growing a cluster disturbs nobody."""
    pid = gate.server.pid
    gate.put(metadata("cl-grows", 1))

    gate.put(metadata("cl-grows", 2, nodes=3))

    assert gate.server.pid == pid


def test_nobody_is_cut_off_when_a_cluster_goes(gate: Gate) -> None:
    """Its whole tree goes with it: there is nothing more to see."""
    gate.put(metadata("cl-goes", 1))
    pid = gate.server.pid

    gate.handlers.handle(Frame("delete-1", "metadata.delete", {"cluster_id": "cl-goes"}))

    assert gate.server.pid == pid


def test_a_certificate_opens_the_door(gate: Gate) -> None:
    """Whoever trusts the authority gets in, with authentication as before."""
    gate.keeper.certify(tls_put(gate.authority, gate.server.address))
    gate.server.await_ready(within_s=20, stop=threading.Event())

    client = EtcdClient([gate.server.tls_endpoint], ca=gate.authority.pem)
    with pytest.raises(EtcdError, match="user name is empty"):
        client.get("/c/")
    client.close()
    assert gate.places.identity.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"certificate": "no certificate"}, id="no-certificate"),
        pytest.param({"key": "no key"}, id="no-key"),
        pytest.param({"key": "\ud800"}, id="no-text"),
        pytest.param({"key": Authority().identity("127.0.0.1")[0]}, id="another-ones-key"),
    ],
)
def test_a_certificate_that_is_none_changes_nothing(gate: Gate, broken: Json) -> None:
    """The Pilot is told, and the one before stays."""
    gate.keeper.certify(tls_put(gate.authority, gate.server.address))
    before = gate.places.identity.read_text()
    body = {**tls_put(gate.authority, gate.server.address), **broken}

    with pytest.raises(FrameError) as caught:
        gate.keeper.certify(body)

    assert caught.value.code == "bad-certificate"
    assert body["key"] not in caught.value.message
    assert gate.places.identity.read_text() == before


def test_a_certificate_is_asked_for_until_there_is_one(tmp_path: Path) -> None:
    """Once a minute, and not any more when there is a good one."""
    now, places, server = [0.0], Places(tmp_path), _idle_server(tmp_path)
    places.state.mkdir(parents=True)
    keeper = Doorkeeper(server, places, clock=lambda: now[0])

    asked = [keeper.is_renewal_due(), keeper.is_renewal_due()]
    now[0] = 61.0
    asked.append(keeper.is_renewal_due())
    keeper.certify(tls_put(Authority(), server.address))
    now[0] = 122.0

    assert [*asked, keeper.is_renewal_due()] == [True, False, True, False]


@pytest.mark.parametrize(
    ("days", "is_due"), [pytest.param(29, True, id="ends-soon"), pytest.param(31, False, id="long")]
)
def test_a_certificate_is_renewed_in_time(tmp_path: Path, days: int, is_due: bool) -> None:
    """A month before it ends, also by a Frontgate that was started anew."""
    places, server = Places(tmp_path), _idle_server(tmp_path)
    places.state.mkdir(parents=True)
    Doorkeeper(server, places).certify(tls_put(Authority(), server.address, days=days))

    later = Doorkeeper(server, places)

    assert later.is_renewal_due() is is_due


def test_another_address_needs_another_certificate(tmp_path: Path) -> None:
    """The one that is there is for the old address."""
    places, server = Places(tmp_path), _idle_server(tmp_path)
    places.state.mkdir(parents=True)
    Doorkeeper(server, places).certify(tls_put(Authority(), server.address))
    moved = EtcdServer(
        find_etcd(throw_away=True), address="127.9.9.9", data=tmp_path, throw_away=True
    )

    keeper = Doorkeeper(moved, places)

    assert keeper.is_renewal_due()


@pytest.mark.parametrize("text", ["", "[]", '{"not_after": "soon"}', "{"])
def test_notes_that_make_no_sense_are_left_out(tmp_path: Path, text: str) -> None:
    """A new certificate is asked for."""
    places = Places(tmp_path)
    places.state.mkdir(parents=True)
    places.certificate.write_text(text)

    keeper = Doorkeeper(_idle_server(tmp_path), places)

    assert keeper.is_renewal_due()


def test_the_door_of_version_1_stays_open_over_a_restart(tmp_path: Path) -> None:
    """As long as there are drones of version 1, and no longer."""
    places = Places(tmp_path)
    places.state.mkdir(parents=True)
    keeper = Doorkeeper(_idle_server(tmp_path), places)

    keeper.set_plain(is_needed=True)
    opened = first_doors(places, is_plain_always=False)
    keeper.set_plain(is_needed=False)
    closed = first_doors(places, is_plain_always=False)

    assert opened == PLAIN
    assert closed == Doors(identity=None, is_plain=False)


def _idle_server(folder: Path, *, address: str = "127.8.8.8") -> EtcdServer:
    """One that is not started."""
    return EtcdServer(
        EtcdBinary("etcd", (3, 5, 30)), address=address, data=folder / "etcd", throw_away=True
    )


def test_what_is_kept_of_a_certificate_holds_no_key(tmp_path: Path) -> None:
    """Certificate and key stand in the one private file only."""
    places, server = Places(tmp_path), _idle_server(tmp_path)
    places.state.mkdir(parents=True)

    Doorkeeper(server, places).certify(tls_put(Authority(), server.address))

    assert certificate_end(places)
    assert set(json.loads(places.certificate.read_text())) == {"not_after", "endpoint"}
