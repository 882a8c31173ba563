"""Pilot, Frontgate and drone together: the real agents, from their zipapps, by the protocol."""

import contextlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from authority import Authority
from frontgate_harness import (
    FrontgateProcess,
    Json,
    Pilot,
    command,
    enrolling,
    eventually,
    metadata,
    own_loopback,
    password_of,
    token_of,
)
from protocol_schemas import validator

from pitrix_drone.build import build as build_drone
from pitrix_drone.config import Config
from pitrix_drone.etcd import EtcdClient, EtcdError, EtcdUnavailableError
from pitrix_drone.login import Login

RESOURCE: Final = """\
[template]
src = "app.tmpl"
dest = "/opt/app.conf"
keys = ["/"]
"""
NODE: Final = "cl-1-n1"
SUPERVISION: Final = {
    "health_check": {
        "check_cmd": "true",
        "interval_s": 1,
        "timeout_s": 20,
        "action_timeout_s": 20,
        "healthy_threshold": 1,
        "unhealthy_threshold": 3,
    },
    "monitor": {
        "cmd": "echo '{\"load\": 5}'",
        "items": {"load": {"value_type": "int", "statistics": "latest"}},
    },
}
TEMPLATE: Final = '{{getv "/cluster/name"}} {{getv "/env/size"}} {{getv "/host/ip"}}\n'


@pytest.fixture(scope="module")
def drone_zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drone as one file."""
    target = tmp_path_factory.mktemp("drone") / "drone.pyz"
    build_drone(target)
    return target


@pytest.fixture(autouse=True)
def _authority(pilot: Pilot) -> None:
    """The Pilot signs certificates from the beginning."""
    pilot.authority = Authority()


@pytest.fixture(params=[1, 2], ids=["drone-of-version-1", "drone-of-version-2"])
def version(request: pytest.FixtureRequest) -> int:
    """The version of the protocol that the drone's configuration is of."""
    return int(request.param)


@pytest.fixture
def machine(
    pilot: Pilot, frontgate: FrontgateProcess, drone_zipapp: Path, tmp_path: Path, version: int
) -> Iterator[Path]:
    """The root of a machine with one confd resource, whose drone runs."""
    authority = pilot.authority
    assert authority is not None
    root = tmp_path / "machine"
    _write(root / "etc/confd/conf.d/app.toml", RESOURCE)
    _write(root / "etc/confd/templates/app.tmpl", TEMPLATE)
    (root / "opt").mkdir()
    config = _members(frontgate, authority, version)
    validator("drone-config", version).validate(config)
    _write(root / "etc/pitrix/drone.json", json.dumps(config))
    with (root / "drone.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(drone_zipapp), "run"],
            stderr=log,
            env={"PITRIX_ROOT": str(root), "PATH": os.environ["PATH"]},
        )
    yield root
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _members(frontgate: FrontgateProcess, authority: Authority, version: int) -> Json:
    """Return a drone's configuration."""
    if version == 1:
        way = {"endpoints": [frontgate.endpoint], "user": NODE, "password": password_of(NODE)}
    else:
        way = {
            "endpoints": [frontgate.tls_endpoint],
            "ca": authority.pem,
            "enrol_url": frontgate.enrol_url,
            "enrolment": token_of(NODE),
        }
    who = {"protocol": version, "cluster_id": "cl-1", "node_id": NODE, "role": "main"}
    return {**who, **way, "prefix": "/self", "dialect": "confd"}


def _config(frontgate: FrontgateProcess, authority: Authority, version: int) -> Config:
    return Config(**_members(frontgate, authority, version))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def _put(pilot: Pilot, version: int, revision: int, name: str) -> None:
    body = metadata("cl-1", revision) if version == 1 else enrolling("cl-1", revision)
    pilot.ask("metadata.put", {**body, "shared": {"cluster/name": name}})


def _configured(pilot: Pilot, revision: int) -> Json | None:
    reports = pilot.effects("node.status")
    wanted = ("configured", revision)
    return next((each for each in reports if (each["state"], each["revision"]) == wanted), None)


def test_metadata_becomes_a_file_and_a_status(pilot: Pilot, machine: Path, version: int) -> None:
    """The Pilot hears ``configured`` for each revision once it is rendered."""
    _put(pilot, version, 1, "one")
    eventually(lambda: _configured(pilot, 1))
    first = (machine / "opt/app.conf").read_text()

    _put(pilot, version, 2, "two")
    found = eventually(lambda: _configured(pilot, 2))

    assert first == "one 1 127.0.0.1\n"
    assert (machine / "opt/app.conf").read_text() == "two 1 127.0.0.1\n"
    assert (found["cluster_id"], found["node_id"]) == ("cl-1", "cl-1-n1")


def test_a_command_runs_once_and_its_result_arrives(
    pilot: Pilot, machine: Path, version: int
) -> None:
    """What it printed and how it ended; a second frame for it changes nothing."""
    _put(pilot, version, 1, "one")
    eventually(lambda: _configured(pilot, 1))
    wanted = {**command("cl-1", "c-1"), "cmd": f"echo hello; echo x >> {machine}/ran; exit 3"}

    pilot.ask("command.run", wanted)
    eventually(lambda: pilot.effects("command.result"))
    pilot.ask("command.run", wanted)
    pilot.ask("command.run", {**wanted, "command_id": "c-2", "cmd": "true"})
    eventually(lambda: len(pilot.effects("command.result")) == 2)

    first = pilot.effects("command.result")[0]
    assert (first["state"], first["exit_code"], first["output"]) == ("done", 3, "hello\n")
    assert (machine / "ran").read_text() == "x\n"


@pytest.mark.skipif(
    sys.platform != "linux", reason="on Linux, for /proc: pytest tests/test_with_drone.py"
)
@pytest.mark.parametrize("version", [2], indirect=True)
def test_an_idle_drone_is_small(pilot: Pilot, machine: Path, version: int) -> None:
    """With 20 keys, a health check that reported and a monitor."""
    body = enrolling("cl-1", 1)
    body["nodes"][NODE]["agent/supervision"] = json.dumps(SUPERVISION)
    keys = {f"key-{number}": "value" for number in range(18)}
    pilot.ask("metadata.put", {**body, "shared": {"cluster/name": "one", **keys}})
    eventually(lambda: _configured(pilot, 1))
    eventually(lambda: pilot.effects("node.health"))

    taken = _resident_bytes(_pid_of(machine))

    assert taken < 25_000_000


def _pid_of(machine: Path) -> int:
    """Find the drone by its environment; its commands' processes have others for parents."""
    wanted = f"PITRIX_ROOT={machine}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[-2:] == [b"run", b""] and wanted in (folder / "environ").read_bytes():
                return int(folder.name)
    raise AssertionError("no drone runs")


def _resident_bytes(pid: int) -> int:
    """Source: proc_pid_smaps(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (rss,) = (line.split()[1] for line in lines if line.startswith("Rss:"))
    return int(rss) * 1024


@pytest.mark.parametrize("version", [2], indirect=True)
def test_what_the_user_data_holds_is_dead_after_the_first_contact(
    pilot: Pilot, machine: Path, version: int, frontgate: FrontgateProcess
) -> None:
    """Neither at the Frontgate nor at its etcd does anything of it open a door."""
    _put(pilot, version, 1, "one")
    eventually(lambda: _configured(pilot, 1))
    config = json.loads((machine / "etc/pitrix/drone.json").read_text())

    again = Login(Config(**{**config, "endpoints": (frontgate.tls_endpoint,)}), machine / "thief")

    with pytest.raises(EtcdError, match="enrolment-used"):
        again.password(None)
    for secret in config.values():
        client = EtcdClient(
            [frontgate.tls_endpoint], user=NODE, password=str(secret), ca=config["ca"]
        )
        with pytest.raises(EtcdError, match="authentication failed"):
            client.get("/c/cl-1/shared/revision")
        client.close()


def test_a_drone_is_let_in_again_after_the_frontgate_lost_everything(
    pilot: Pilot, machine: Path, version: int, frontgate: FrontgateProcess
) -> None:
    """The Pilot fills the new store: with the password, or with the digest of the node's own."""
    _put(pilot, version, 1, "one")
    eventually(lambda: _configured(pilot, 1))
    enrolled = pilot.effects("node.enrolment")
    frontgate.terminate()
    shutil.rmtree(frontgate.places.state)
    frontgate.start()
    body = metadata("cl-1", 2)
    if version != 1:
        digest = enrolled[-1]["credential_sha256"]
        body = enrolling("cl-1", 2, credential_sha256=digest)

    pilot.ask("metadata.put", {**body, "shared": {"cluster/name": "two"}})

    eventually(lambda: _configured(pilot, 2))
    assert (machine / "opt/app.conf").read_text() == "two 1 127.0.0.1\n"


def _moved(frontgate: FrontgateProcess) -> str:
    """Start a Frontgate again at another address; returns the endpoint there."""
    frontgate.terminate()
    frontgate.address = own_loopback()
    frontgate.start()
    return frontgate.tls_endpoint


@pytest.mark.parametrize("version", [2], indirect=True)
def test_a_drone_that_was_told_follows_its_frontgate_to_another_address(
    pilot: Pilot, frontgate: FrontgateProcess, machine: Path, version: int
) -> None:
    """Without being started again; it would come back to the new address after a start, too."""
    there = own_loopback()
    body = enrolling("cl-1", 1)
    told = {"endpoints": [f"https://{there}:2381", frontgate.tls_endpoint]}
    body["nodes"][NODE]["agent/frontgate"] = json.dumps(told)
    pilot.ask("metadata.put", {**body, "shared": {"cluster/name": "one"}})
    eventually(lambda: _configured(pilot, 1))
    frontgate.terminate()
    frontgate.address = there
    frontgate.start()

    pilot.ask("metadata.put", {**body, "revision": 2, "shared": {"cluster/name": "two"}})

    eventually(lambda: _configured(pilot, 2), within_s=60)
    written = json.loads((machine / "var/lib/pitrix/drone/gates.json").read_text())
    assert written == {"node_id": NODE, **told}


@pytest.mark.parametrize("version", [2], indirect=True)
def test_an_operator_tells_a_drone_that_reaches_nobody(
    pilot: Pilot, frontgate: FrontgateProcess, drone_zipapp: Path, tmp_path: Path, version: int
) -> None:
    """Its Frontgate moved before it was told; its one-time token is good there as well."""
    authority = pilot.authority
    assert authority is not None
    pilot.ask("metadata.put", enrolling("cl-1", 1))
    members = _members(frontgate, authority, version)
    _write(tmp_path / "machine/etc/pitrix/drone.json", json.dumps(members))
    there = _moved(frontgate)
    environment = {"PITRIX_ROOT": str(tmp_path / "machine"), "PATH": os.environ["PATH"]}
    drone = [sys.executable, "-I", "-S", str(drone_zipapp)]

    subprocess.run([*drone, "reach", there], env=environment, check=True, stdout=subprocess.DEVNULL)

    with subprocess.Popen([*drone, "run"], env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: pilot.effects("node.enrolment"), within_s=60)
            assert eventually(lambda: _configured(pilot, 1), within_s=60)
        finally:
            process.terminate()


@pytest.mark.parametrize("version", [2], indirect=True)
def test_a_frontgate_killed_between_the_steps_of_an_enrolment_goes_on(
    pilot: Pilot, frontgate: FrontgateProcess, tmp_path: Path, version: int
) -> None:
    """What it told the node is good after its death; what the node confirmed stays used."""
    authority = pilot.authority
    assert authority is not None
    pilot.ask("metadata.put", enrolling("cl-1", 1))
    config = _config(frontgate, authority, version)
    path = tmp_path / "login.json"
    told = eventually(lambda: _enrolled(config))
    path.write_text(json.dumps({"node_id": NODE, "password": told, "is_confirmed": False}))
    _kill_and_start(frontgate)

    password = eventually(lambda: _password(config, path))
    _kill_and_start(frontgate)

    assert password == told
    assert eventually(lambda: _refusal(config, tmp_path / "thief.json")) == "enrolment-used"


def _kill_and_start(frontgate: FrontgateProcess) -> None:
    frontgate.kill()
    eventually(lambda: frontgate.etcd_pid() is None)
    frontgate.start()


def _enrolled(config: Config) -> str | None:
    """Ask for a login as a drone does that dies before it has written the answer down."""
    host, port = urlsplit(config.enrol_url).hostname, urlsplit(config.enrol_url).port
    context = ssl.create_default_context(cadata=config.ca)
    who = {name: getattr(config, name) for name in ("cluster_id", "node_id", "enrolment")}
    connection = http.client.HTTPSConnection(host or "", port, timeout=10, context=context)
    try:
        connection.request("POST", "/v1/enrol", json.dumps(who))
        found: str | None = json.loads(connection.getresponse().read()).get("password")
    except OSError:
        return None
    finally:
        connection.close()
    return found


def _password(config: Config, path: Path) -> str | None:
    try:
        return Login(config, path).password(None)
    except EtcdUnavailableError:
        return None


def _refusal(config: Config, path: Path) -> str | None:
    try:
        Login(config, path).password(None)
    except EtcdUnavailableError:
        return None
    except EtcdError as ex:
        return ex.message.split(": ")[1]
    return "let in"
