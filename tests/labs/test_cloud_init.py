"""A stock image with cloud-init and Python becomes a node by user-data alone."""

import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import attrs
import lab_needs
import pytest
from lab_identity import write_identity
from lab_machine import Machine, require_machines

from pitrix_core.model import AgentStart
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.pilot.userdata import AgentFile, FetchRules, make_user_data
from pitrix_drone.build import build
from pitrix_frontgate.build import build as build_frontgate

#: As in agents/protocol/examples/v2/valid/drone-config.
EXAMPLES = Path(__file__).parents[2] / "agents/protocol/examples/v2/valid/drone-config"
CONFIG = json.loads((EXAMPLES / "full.json").read_text())
START = AgentStart(agent="drone", config=CONFIG)
#: Of clouds that take much.
LIMIT_BYTES = 128 * 1024


@pytest.fixture(autouse=True)
def _can_be_tried() -> None:
    require_machines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has not booted yet."""
    return Machine(tmp_path / "root")


@pytest.fixture(scope="module")
def drone(tmp_path_factory: pytest.TempPathFactory) -> AgentFile:
    """The drone's archive."""
    folder = tmp_path_factory.mktemp("agents")
    files = AgentFiles(folder, builder=lambda _name: build, public_url="http://127.0.0.1:9")
    return files.file_of("drone")


def plain(script: str) -> bytes:
    """Return user-data as they are."""
    return script.encode()


def multipart(script: str) -> bytes:
    """Return user-data as one of several parts, as clouds and operators add parts of their own."""
    parts = MIMEMultipart()
    parts.attach(MIMEText("#cloud-config\n{}\n", "cloud-config"))
    parts.attach(MIMEText(script, "x-shellscript"))
    return parts.as_bytes()


def becomes_a_node(machine: Machine) -> list[str]:
    """Say what is missing on a machine."""
    agent = ["python3", "-I", "-S", "/opt/pitrix/drone.pyz"]
    checked = machine.run(*agent, "check", "--config", "/etc/pitrix/drone.json")
    version = machine.run(*agent, "version")
    unit = machine.root / "etc/systemd/system/pitrix-drone.service"
    found = {
        "configuration": json.loads((machine.root / "etc/pitrix/drone.json").read_text()) == CONFIG,
        "mode": (machine.root / "etc/pitrix/drone.json").stat().st_mode & 0o777 == 0o600,
        "agent": (checked.returncode, version.returncode) == (0, 0),
        "unit": "/usr/bin/python3 -I -S /opt/pitrix/drone.pyz run" in unit.read_text(),
        "started": machine.told()
        == [
            "daemon-reload",
            "enable pitrix-drone.service",
            "--no-block restart pitrix-drone.service",
        ],
    }
    return [name for name, is_right in found.items() if not is_right]


@pytest.mark.parametrize("wrapped", [plain, multipart])
def test_the_agent_comes_with_the_user_data(
    machine: Machine, drone: AgentFile, wrapped: Callable[[str], bytes]
) -> None:
    """Nothing is fetched: nobody is there who could be asked."""
    script = make_user_data(START, drone, limit_bytes=LIMIT_BYTES)

    machine.boot(wrapped(script))

    assert becomes_a_node(machine) == []


def test_a_second_run_does_no_harm(machine: Machine, drone: AgentFile) -> None:
    """The agent goes on where it is at work."""
    machine.boot(plain(make_user_data(START, drone, limit_bytes=LIMIT_BYTES)))
    before = (machine.root / "opt/pitrix/drone.pyz").stat()
    machine.told()

    machine.run_again()

    assert machine.told()[-1] == "--no-block start pitrix-drone.service"
    after = (machine.root / "opt/pitrix/drone.pyz").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_stock_image_with_etcd_becomes_a_frontgate(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Debian's etcd and docker-registry will do, so that nothing is installed."""
    lab_needs.program("etcd", package="etcd-server")
    lab_needs.program("docker-registry", package="docker-registry")
    files = AgentFiles(
        tmp_path_factory.mktemp("agents"),
        builder=lambda _name: build_frontgate,
        public_url="http://127.0.0.1:9",
    )
    config = json.loads((EXAMPLES.parent / "frontgate-config/full.json").read_text())
    start = AgentStart(agent="frontgate", config=config)

    machine.boot(plain(make_user_data(start, files.file_of("frontgate"), limit_bytes=LIMIT_BYTES)))

    assert machine.told()[-1] == "--no-block restart pitrix-frontgate.service"
    assert "apt-get" not in (machine.root / "var/log/cloud-init.log").read_text()
    agent = ["python3", "-I", "-S", "/opt/pitrix/frontgate.pyz"]
    found = machine.run(*agent, "etcd", "--config", "/etc/pitrix/frontgate.json")
    assert (found.returncode, found.stdout) == (0, "/usr/bin/etcd\n")


# -- over TLS --------------------------------------------------------------------------------------


class Api(http.server.BaseHTTPRequestHandler):
    """Hands the drone out."""

    archive = b""

    def do_GET(self) -> None:
        """Answer every request with it."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.archive)))
        self.end_headers()
        self.wfile.write(self.archive)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URL of an API, and the authority it is known by."""
    build(tmp_path / "drone.pyz")
    identity = write_identity(tmp_path)
    handler = type("Handler", (Api,), {"archive": (tmp_path / "drone.pyz").read_bytes()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    url = f"https://127.0.0.1:{server.server_port}/v1/agents/drone"
    yield url, identity.authority.read_text()
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_the_agent_is_fetched_where_the_cloud_takes_little(
    machine: Machine, drone: AgentFile, api: tuple[str, str]
) -> None:
    """From an API that is known by the authority in the user-data, which leave room yet."""
    url, pem = api
    file = attrs.evolve(drone, url=url)
    script = make_user_data(START, file, limit_bytes=16 * 1024, rules=FetchRules(authority=pem))

    machine.boot(plain(script))

    assert len(script.encode()) < 16 * 1024
    assert becomes_a_node(machine) == []
