"""Nodes exchange a one-time token for a login: the drone's side and the Frontgate's, over TLS."""

import datetime as dt
import http.client
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from authority import Authority
from frontgate_harness import (
    Json,
    Keeper,
    Store,
    enrolling,
    eventually,
    metadata,
    own_loopback,
    sha256,
    token_of,
)
from frontgate_harness import Login as MakeClient

from pitrix_drone.config import Config
from pitrix_drone.etcd import EtcdError, EtcdUnavailableError
from pitrix_drone.login import Login, RefusedError
from pitrix_frontgate.archives import Archives
from pitrix_frontgate.enrol_server import ENROL_PORT, EnrolServer, Faults
from pitrix_frontgate.enrolment import Enrolment
from pitrix_frontgate.frames import Frame
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.rbac import AccessControl, NodeUser


class World(NamedTuple):
    """A Frontgate that nodes can enrol at."""

    address: str
    authority: Authority
    identity: Path
    handlers: Handlers
    keeper: Keeper
    clock: dict[str, dt.datetime]
    store: Store

    def put(self, body: Json) -> None:
        """Give it a cluster's metadata."""
        answer = self.handlers.handle(Frame(secrets.token_hex(8), "metadata.put", body))
        assert answer is not None
        assert answer.type == "metadata.stored", answer

    def ask(self, path: str, body: Any) -> tuple[int, Json]:
        """Send one question as anybody can."""
        context = ssl.create_default_context(cadata=self.authority.pem)
        connection = http.client.HTTPSConnection(
            self.address, ENROL_PORT, timeout=20, context=context
        )
        try:
            connection.request("POST", path, body if isinstance(body, str) else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def config(self, cluster_id: str) -> Config:
        """Make the configuration of a cluster's first node."""
        node_id = f"{cluster_id}-n1"
        return Config(
            protocol=2,
            cluster_id=cluster_id,
            node_id=node_id,
            role="main",
            endpoints=("https://192.0.2.1:2381",),
            ca=self.authority.pem,
            enrol_url=f"https://{self.address}:{ENROL_PORT}",
            enrolment=token_of(node_id),
        )

    def report(self, cluster_id: str) -> Json:
        """Tell what the Pilot is told of the first node's enrolment."""
        found = self.store.client.get(f"/c/{cluster_id}/reports/{cluster_id}-n1/enrolment")
        return {} if found is None else json.loads(found.value)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def world(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A Frontgate with a certificate, whose clock stands still until it is moved."""
    address, authority, keeper = own_loopback(), Authority(), Keeper()
    identity = tmp_path_factory.mktemp("identity") / "identity.pem"
    access = AccessControl(store.client, cut=keeper.cut)
    clock = {"now": dt.datetime.now(dt.UTC)}
    enrolment = Enrolment(store.client, access, clock=lambda: clock["now"])
    archives = Archives("", folder=identity.parent / "agents", proxy=lambda _url: None)
    server = EnrolServer(enrolment, archives, address=address, identity=identity)
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    identity.write_text("".join(authority.identity(address)))
    handlers = Handlers(store.client, access, keeper)
    made = World(address, authority, identity, handlers, keeper, clock, store)
    eventually(lambda: _answers(made))
    yield made
    stop.set()
    thread.join()


def _answers(world: World) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((world.address, ENROL_PORT)) == 0


@pytest.fixture
def cluster(world: World) -> str:
    """A cluster whose one node is to enrol."""
    cluster_id = f"cl-{secrets.token_hex(4)}"
    world.put(enrolling(cluster_id, 1))
    return cluster_id


def _enrol(cluster_id: str, **more: str) -> Json:
    node_id = f"{cluster_id}-n1"
    return {"cluster_id": cluster_id, "node_id": node_id, "enrolment": token_of(node_id), **more}


def test_a_drone_gets_a_login_for_its_token(
    world: World, cluster: str, login: MakeClient, tmp_path: Path
) -> None:
    """It opens the node's part of etcd, and the Pilot gets its digest."""
    password = Login(world.config(cluster), tmp_path / "login.json").password(None)

    node = login(f"{cluster}-n1", password)
    assert node.get(f"/c/{cluster}/shared/revision") is not None
    report = world.report(cluster)
    assert (report["state"], report["credential_sha256"]) == ("enrolled", sha256(password))
    assert password not in json.dumps(report)


def test_the_login_is_private_and_survives_a_restart(
    world: World, cluster: str, tmp_path: Path
) -> None:
    """Only its owner may read it, and a drone that starts again asks nobody."""
    path = tmp_path / "login.json"
    first = Login(world.config(cluster), path).password(None)
    offline = world.config(cluster)._replace(enrol_url="https://127.0.0.1:1")

    second = Login(offline, path).password(None)

    assert second == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_used_token_is_refused(world: World, cluster: str, tmp_path: Path) -> None:
    """Whoever reads it in the user-data later gets nothing, and the Pilot hears of it."""
    Login(world.config(cluster), tmp_path / "login.json").password(None)

    status, answer = world.ask("/v1/enrol", _enrol(cluster))

    assert (status, answer["code"]) == (403, "enrolment-used")
    assert world.report(cluster)["code"] == "enrolment-used"


def test_an_expired_token_is_refused(
    world: World, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason and what to do are for the node's log and for the Pilot."""
    later = world.clock["now"] + dt.timedelta(days=2)
    monkeypatch.setitem(world.clock, "now", later)

    status, answer = world.ask("/v1/enrol", _enrol(cluster))

    assert (status, answer["code"]) == (403, "enrolment-expired")
    assert world.report(cluster)["message"] == answer["message"]
    assert "only a new machine gets a new token" in answer["message"]


def test_a_later_put_does_not_make_a_token_last_longer(
    world: World, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first end that came with a token counts."""
    far = {"expires_at": "2999-01-01T00:00:00Z"}
    world.put(enrolling(cluster, 2, **far))
    monkeypatch.setitem(world.clock, "now", world.clock["now"] + dt.timedelta(days=2))

    status, answer = world.ask("/v1/enrol", _enrol(cluster))

    assert (status, answer["code"]) == (403, "enrolment-expired")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda own, _: own[:-1] + "x", id="almost-right"),
        pytest.param(lambda _, other: token_of(f"{other}-n1"), id="of-another-node"),
        pytest.param(lambda own, _: sha256(own), id="its-digest"),
    ],
)
def test_a_wrong_token_is_refused(
    world: World, cluster: str, wrong: Callable[[str, str], str]
) -> None:
    """Nothing but the node's own token will do, and strangers change nothing."""
    other = f"cl-{secrets.token_hex(4)}"
    world.put(enrolling(other, 1))
    token = wrong(token_of(f"{cluster}-n1"), other)

    status, answer = world.ask("/v1/enrol", _enrol(cluster, enrolment=token))

    assert (status, answer["code"]) == (403, "enrolment-wrong")
    assert world.report(cluster) == {}


def test_a_token_is_good_in_its_own_cluster_alone(world: World, cluster: str) -> None:
    """Nothing is said of where the node is."""
    status, answer = world.ask("/v1/enrol", {**_enrol(cluster), "cluster_id": "cl-another"})

    assert (status, answer["code"]) == (404, "unknown-node")
    assert world.report(cluster) == {}


def test_a_node_that_is_not_known_yet_is_asked_to_wait(world: World, tmp_path: Path) -> None:
    """The machine may be faster than its metadata; the drone goes on asking."""
    config = world.config("cl-unheard")
    drone = Login(config, tmp_path / "login.json", clock=iter(range(0, 9999, 60)).__next__)

    with pytest.raises(EtcdUnavailableError, match="unknown-node"):
        drone.password(None)
    world.put(enrolling("cl-unheard", 1))

    assert drone.password(None)


def test_a_lost_answer_to_the_token_does_no_harm(
    world: World, cluster: str, login: MakeClient, tmp_path: Path
) -> None:
    """It may be shown again until the login is confirmed; only the last password is good."""
    _, lost = world.ask("/v1/enrol", _enrol(cluster))

    password = Login(world.config(cluster), tmp_path / "login.json").password(None)

    assert login(f"{cluster}-n1", password).get(f"/c/{cluster}/shared/revision") is not None
    with pytest.raises(EtcdError):
        login(f"{cluster}-n1", lost["password"]).get(f"/c/{cluster}/shared/revision")


def test_a_drone_that_ended_before_it_confirmed_does_so_later(
    world: World, cluster: str, tmp_path: Path
) -> None:
    """What it wrote down stays its login, and the token dies."""
    path = tmp_path / "login.json"
    _, answer = world.ask("/v1/enrol", _enrol(cluster))
    saved = {"node_id": f"{cluster}-n1", "password": answer["password"], "is_confirmed": False}
    path.write_text(json.dumps(saved))

    password = Login(world.config(cluster), path).password(None)

    assert password == answer["password"]
    assert json.loads(path.read_text())["is_confirmed"] is True
    assert world.report(cluster)["state"] == "enrolled"


def test_a_lost_answer_to_the_confirmation_does_no_harm(world: World, cluster: str) -> None:
    """It may be sent again and again."""
    _, answer = world.ask("/v1/enrol", _enrol(cluster))
    said = {**_enrol(cluster), "password": answer["password"]}
    del said["enrolment"]
    first = world.ask("/v1/enrolled", said)

    second = world.ask("/v1/enrolled", said)

    assert first == second == (200, {})


def test_a_login_that_another_one_took_the_place_of_is_not_confirmed(
    world: World, cluster: str, tmp_path: Path
) -> None:
    """The drone gets a new one for its token, which was not used up."""
    path = tmp_path / "login.json"
    saved = {"node_id": f"{cluster}-n1", "password": "a-lost-password", "is_confirmed": False}
    path.write_text(json.dumps(saved))

    password = Login(world.config(cluster), path).password(None)

    assert world.report(cluster)["credential_sha256"] == sha256(password)


def test_the_login_of_another_node_is_left_out(world: World, cluster: str, tmp_path: Path) -> None:
    """A machine made from a copy of another one's disk enrols for itself."""
    path = tmp_path / "login.json"
    path.write_text(json.dumps({"node_id": "other", "password": "x" * 43, "is_confirmed": True}))

    password = Login(world.config(cluster), path).password(None)

    assert password != "x" * 43


def test_a_new_store_takes_a_node_back(world: World, login: MakeClient, tmp_path: Path) -> None:
    """The Pilot knows the digest of its password, which opens the door once more."""
    cluster, path = f"cl-{secrets.token_hex(4)}", tmp_path / "login.json"
    password = "the-password-of-an-earlier-store"
    saved = {"node_id": f"{cluster}-n1", "password": password, "is_confirmed": True}
    path.write_text(json.dumps(saved))
    world.put(enrolling(cluster, 1, credential_sha256=sha256(password)))
    drone = Login(world.config(cluster), path)

    again = drone.password(refused=drone.password(None))

    assert again == password
    assert login(f"{cluster}-n1", password).get(f"/c/{cluster}/shared/revision") is not None


def test_in_a_new_store_the_token_stays_dead(world: World) -> None:
    """A node that has a login needs no token, so that whoever shows it is somebody else."""
    cluster = f"cl-{secrets.token_hex(4)}"
    world.put(enrolling(cluster, 1, credential_sha256=sha256("some-password")))

    status, answer = world.ask("/v1/enrol", _enrol(cluster))

    assert (status, answer["code"]) == (403, "enrolment-used")


def test_a_new_machine_enrols_with_a_new_token(
    world: World, cluster: str, login: MakeClient, tmp_path: Path
) -> None:
    """The old machine's login ends, and it is cut off."""
    old = Login(world.config(cluster), tmp_path / "old.json").password(None)
    token, cuts = "the-token-of-the-new-machine".ljust(32, "-"), world.keeper.cuts
    world.put(enrolling(cluster, 2, enrolment_sha256=sha256(token)))
    config = world.config(cluster)._replace(enrolment=token)

    new = Login(config, tmp_path / "new.json").password(None)

    assert world.keeper.cuts == cuts + 1
    assert login(f"{cluster}-n1", new).get(f"/c/{cluster}/shared/revision") is not None
    with pytest.raises(EtcdError):
        login(f"{cluster}-n1", old).get(f"/c/{cluster}/shared/revision")


def test_a_node_whose_access_is_being_changed_is_asked_to_wait(
    world: World, cluster: str, tmp_path: Path
) -> None:
    """A Frontgate that was interrupted goes on with the next put."""
    Login(world.config(cluster), tmp_path / "old.json").password(None)
    token = "the-token-of-the-new-machine".ljust(32, "-")
    body = enrolling(cluster, 2, enrolment_sha256=sha256(token))
    interrupted = AccessControl(world.store.client, cut=world.keeper.cut, cut_others=_interrupt)
    with pytest.raises(EtcdUnavailableError):
        interrupted.apply(cluster, [NodeUser(**each) for each in body["users"]])

    early = world.ask("/v1/enrol", _enrol(cluster, enrolment=token))
    world.put(body)
    late = world.ask("/v1/enrol", _enrol(cluster, enrolment=token))

    assert (early[0], early[1]["code"]) == (404, "unknown-node")
    assert late[0] == 200


def _interrupt() -> None:
    raise EtcdUnavailableError(None, "etcd is away")


def test_a_refused_drone_does_not_hammer(world: World, cluster: str, tmp_path: Path) -> None:
    """It repeats what it was told without asking, for half a minute."""
    now, token = [0.0], "a-token-of-a-later-put".ljust(32, "-")
    config = world.config(cluster)._replace(enrolment=token)
    drone = Login(config, tmp_path / "login.json", clock=lambda: now[0])
    with pytest.raises(RefusedError):
        drone.password(None)
    world.put(enrolling(cluster, 2, enrolment_sha256=sha256(token)))

    with pytest.raises(RefusedError):
        drone.password(None)

    now[0] = 31.0
    assert drone.password(None)


def test_a_drone_trusts_its_own_authority_alone(world: World, cluster: str, tmp_path: Path) -> None:
    """To somebody else's server it does not even show the token."""
    config = world.config(cluster)._replace(ca=Authority().pem)

    with pytest.raises(EtcdUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        Login(config, tmp_path / "login.json").password(None)

    assert world.report(cluster) == {}


def test_a_renewed_certificate_is_shown_at_once(world: World) -> None:
    """No restart is needed."""
    before = _serial(world)
    fresh = world.identity.with_name("fresh.pem")
    fresh.write_text("".join(world.authority.identity(world.address)))
    fresh.replace(world.identity)

    after = _serial(world)

    assert after != before


def _serial(world: World) -> str:
    context = ssl.create_default_context(cadata=world.authority.pem)
    with (
        socket.create_connection((world.address, ENROL_PORT), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=world.address) as tls,
    ):
        return str((tls.getpeercert() or {})["serialNumber"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("/v1/other", {}, 404, id="another-path"),
        pytest.param("/v1/enrol", "not json", 400, id="no-json"),
        pytest.param("/v1/enrol", "[" * 4000, 400, id="nested-deeply"),
        pytest.param("/v1/enrol", [], 400, id="no-object"),
        pytest.param("/v1/enrol", {"cluster_id": "c", "node_id": "n"}, 400, id="no-token"),
        pytest.param("/v1/enrol", _enrol("../c"), 400, id="names-that-are-none"),
        pytest.param("/v1/enrol", _enrol("c", node_id="root"), 400, id="root"),
        pytest.param("/v1/enrol", "x" * 5000, 413, id="too-long"),
    ],
)
def test_what_is_no_question_is_refused(world: World, path: str, body: Any, status: int) -> None:
    """Strangers may send anything; each gets an answer in bounded time."""
    answer = world.ask(path, body)

    assert answer[0] == status
    assert answer[1]["code"]


@pytest.mark.parametrize("length", ["5000", "0000000009999999", "9" * 30, "-1", "1e3", "\u0663"])
def test_a_body_is_never_longer_than_it_may_be(world: World, length: str) -> None:
    """However its length is written, the Frontgate does not even begin to read."""
    context = ssl.create_default_context(cadata=world.authority.pem)
    with (
        socket.create_connection((world.address, ENROL_PORT), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=world.address) as tls,
    ):
        tls.sendall(f"POST /v1/enrol HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode())
        heard = tls.recv(64)

    assert heard.startswith(b"HTTP/1.0 413 ")


def test_who_says_nothing_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are few, and nobody may keep one."""
    monkeypatch.setattr("pitrix_frontgate.enrol_server._REQUEST_S", 0.5)

    with socket.create_connection((world.address, ENROL_PORT), timeout=20) as silent:
        heard = silent.recv(1)

    assert heard == b""


@pytest.mark.parametrize("limit", ["_MOST_OF_ADDRESS", "_MOST_CONNECTIONS"])
def test_there_are_so_many_connections_only(
    world: World, cluster: str, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Of an address, and altogether; the others are closed at once, later ones served again."""
    monkeypatch.setattr(f"pitrix_frontgate.enrol_server.{limit}", 5)
    silent = [socket.create_connection((world.address, ENROL_PORT), timeout=20) for _ in range(6)]

    heard = silent[-1].recv(1)

    assert heard == b""
    for each in silent:
        each.close()
    eventually(lambda: _is_served(world, cluster))


def _is_served(world: World, cluster: str) -> bool:
    try:
        return world.ask("/v1/enrol", _enrol(cluster))[0] == 200
    except OSError:
        return False


def test_wrong_guesses_are_counted_by_address() -> None:
    """Thirty within a minute are enough; nobody else is hindered, and not for longer."""
    now = [0.0]
    faults = Faults(clock=lambda: now[0])
    for _ in range(30):
        faults.add("192.0.2.1")

    held, other = faults.are_too_many("192.0.2.1"), faults.are_too_many("192.0.2.2")
    now[0] = 61.0

    assert (held, other) == (True, False)
    assert not faults.are_too_many("192.0.2.1")


def test_guesses_from_everywhere_take_bounded_memory() -> None:
    """The oldest addresses are forgotten first."""
    faults = Faults(clock=lambda: 0.0)
    for _ in range(30):
        faults.add("first")

    for number in range(4096):
        faults.add(f"2001:db8::{number:x}")

    assert not faults.are_too_many("first")


def test_a_node_of_version_1_has_no_token_to_guess(world: World) -> None:
    """Its user has a password from the Pilot; nothing is exchanged for it."""
    cluster = f"cl-{secrets.token_hex(4)}"
    world.put(metadata(cluster, 1))

    status, answer = world.ask("/v1/enrol", _enrol(cluster))

    assert (status, answer["code"]) == (403, "enrolment-wrong")
    assert world.keeper.is_plain
