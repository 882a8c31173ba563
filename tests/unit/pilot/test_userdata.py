"""The user-data get, check, configure and start an agent, with a shell and Python alone."""

import contextlib
import datetime as dt
import hashlib
import http.server
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import zipapp
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pitrix_core.model import AgentStart
from pitrix_core.pilot.packing import packed
from pitrix_core.pilot.userdata import AgentFile, FetchRules, make_user_data

#: An agent that writes down how it was started; it takes a configuration, and has an etcd, where a
#: file says so.
AGENT = """
import json, os, sys
mask, root, verb = os.umask(0), os.environ["PITRIX_ROOT"], sys.argv[1]
if verb != "run":
    sys.exit(0 if os.path.exists(root + "/" + verb) else "no " + verb)
config = sys.argv[sys.argv.index("--config") + 1]
said = {"arguments": sys.argv[1:], "umask": mask, "config": json.load(open(config)),
        "mode": os.stat(config).st_mode & 0o777}
json.dump(said, open(root + "/said.json", "w"))
"""

#: A program that writes down how it was called.
RECORDER = """#!/bin/sh
echo "${0##*/} $*" >> "$PITRIX_ROOT/calls"
"""

HOSTILE = [
    "PITRIX_CONFIG",
    "\nPITRIX_CONFIG\ntouch /tmp/owned\n",
    "$(touch /tmp/owned) `id` ${HOME} \\ \" ' ; & |",
    "{{ agent }} {% raw %} ünïcödé \u2028 \x07",
]


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, as wrongly as a test wants."""

    content = b""
    #: Answers given before the right one.
    before: list[Callable[[http.server.BaseHTTPRequestHandler], None]] = []  # noqa: RUF012
    #: What was asked for.
    paths: list[str] = []  # noqa: RUF012

    @property
    def requests(self) -> int:
        """How often it was asked."""
        return len(self.paths)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from the server's list."""

    server: Server

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        if self.server.before:
            self.server.before.pop(0)(self)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def agent(tmp_path: Path) -> bytes:
    """The archive of an agent."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "__main__.py").write_text(AGENT)
    zipapp.create_archive(source, tmp_path / "agent.pyz")
    return (tmp_path / "agent.pyz").read_bytes()


@pytest.fixture
def server(agent: bytes) -> Iterator[Server]:
    """A server with the agent."""
    made = Server(("127.0.0.1", 0), Handler)
    made.content, made.before, made.paths = agent, [], []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


class Machine:
    """A machine that boots with some user-data, below a folder."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.root = folder / "root"
        self.programs = folder / "programs"
        for made in (self.root, self.programs):
            made.mkdir()
        self.file = AgentFile(
            url=f"http://127.0.0.1:{server.server_port}/$HOME;a?c='d'&e=(f)",
            sha256=hashlib.sha256(server.content).hexdigest(),
            size_bytes=len(server.content),
            packed=packed(server.content),
        )

    def script(self, config: Any = None, *, agent: str = "drone", **rules: Any) -> str:
        """Return the user-data of an agent, which is fetched."""
        start = AgentStart(agent=agent, config=config or {})
        again_s = rules.pop("again_s", 3)
        limit_bytes = rules.pop("limit_bytes", 0)
        return make_user_data(
            start,
            self.file,
            limit_bytes=limit_bytes,
            rules=FetchRules(**{"tries": 3, **rules}),
            again_s=again_s,
        )

    def boot(
        self, script: str, *, shell: str = "/bin/sh", instance: str = "i-1", path: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Run user-data for real.

        :param instance: as a guest of this name; empty for a machine of its own.
        :param path: where programs are; empty for the usual places.
        """
        environment = {
            "PATH": path or f"{self.programs}:{os.environ['PATH']}",
            "PITRIX_ROOT": str(self.root),
            "PITRIX_INSTANCE": instance,
        }
        return subprocess.run(
            [*shell.split(), "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def add_program(self, name: str, text: str = RECORDER) -> None:
        """Put a program in front of all others."""
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def put_systemd_in_charge(self) -> None:
        """Have services started by a stand-in that writes down what it was told."""
        (self.root / "run/systemd/system").mkdir(parents=True)
        self.add_program("systemctl")
        self.add_program("sync", "#!/bin/sh\n")

    def calls(self) -> list[str]:
        """Return what was called since the last time."""
        calls = self.root / "calls"
        found = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return found

    @property
    def agent(self) -> Path:
        """The drone's archive."""
        return self.root / "opt/pitrix/drone.pyz"

    @property
    def said(self) -> Any:
        """What the agent wrote down."""
        return json.loads((self.root / "said.json").read_text())


@pytest.fixture
def machine(tmp_path: Path, server: Server) -> Machine:
    """A machine."""
    return Machine(tmp_path, server)


@pytest.mark.parametrize("agent_name", ["drone", "frontgate", "other"])
@pytest.mark.parametrize("value", HOSTILE, ids=["marker", "line", "shell", "template"])
def test_the_script_is_sound_whatever_is_in_the_configuration(
    machine: Machine, value: str, agent_name: str
) -> None:
    """The shell can read it to its end."""
    script = machine.script({"password": value}, agent=agent_name)

    checked = subprocess.run(
        ["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False
    )

    assert script.startswith("#!/bin/sh\n")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox sh"])
def test_the_agent_is_started_with_its_configuration(machine: Machine, shell: str) -> None:
    """Which only its user may read, and which arrives as it was, whatever is in it."""
    program = shell.partition(" ")[0]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: apt-get install {program}")
    config = {f"value-{number}": value for number, value in enumerate(HOSTILE)}

    done = machine.boot(machine.script(config), shell=shell)

    assert done.returncode == 0, done.stderr
    assert machine.said["config"] == config
    assert machine.said["mode"] == 0o600
    assert machine.said["arguments"] == [
        "run",
        "--config",
        f"{machine.root}/etc/pitrix/drone.json",
    ]
    assert (machine.root / "var/lib/pitrix/drone").is_dir()
    assert not Path("/tmp/owned").exists()  # noqa: S108  # what the hostile values would make


def test_what_the_agent_writes_is_readable_as_usual(machine: Machine) -> None:
    """The mask that keeps its configuration private is not handed on to the application."""
    machine.boot(machine.script())

    assert machine.said["umask"] == 0o022


def test_a_machine_without_python_is_told_so(machine: Machine) -> None:
    """There is nothing to run the agent with."""
    for name in ("sh", "cat", "mkdir", "mv"):
        (machine.programs / name).symlink_to(shutil.which(name) or "")

    done = machine.boot(machine.script(), path=str(machine.programs))

    assert done.returncode == 1
    assert "needs Python 3.9 or newer" in done.stderr


# -- getting the agent -----------------------------------------------------------------------------


def test_an_agent_that_fits_into_the_user_data_is_not_fetched(
    machine: Machine, server: Server
) -> None:
    """A machine need not reach the API then."""
    script = machine.script(limit_bytes=64 * 1024)

    done = machine.boot(script)

    assert done.returncode == 0, done.stderr
    assert machine.said["arguments"][0] == "run"
    assert server.requests == 0


def test_user_data_keep_within_what_the_cloud_takes(machine: Machine) -> None:
    """To the byte: the agent is inside if there is room, and fetched if not."""
    inline = machine.script(limit_bytes=64 * 1024)
    size = len(inline.encode())

    exact = machine.script(limit_bytes=size)
    short = machine.script(limit_bytes=size - 1)

    assert exact == inline
    assert machine.file.url not in inline
    assert machine.file.url.partition("?")[0] in short


def test_an_agent_that_arrives_damaged_is_not_started(machine: Machine) -> None:
    """Be it inside the user-data."""
    machine.file = attrs.evolve(
        machine.file, packed=attrs.evolve(machine.file.packed, sha256="0" * 64)
    )

    done = machine.boot(machine.script(limit_bytes=64 * 1024))

    assert done.returncode == 1
    assert "inline: its SHA-256 is not the one expected" in done.stderr
    assert not machine.agent.exists()


def test_a_wrong_archive_is_refused_after_some_tries(machine: Machine, server: Server) -> None:
    """It is never started, and nothing of it stays under the agent's name."""
    machine.file = attrs.evolve(machine.file, sha256="0" * 64)

    done = machine.boot(machine.script(tries=2))

    assert done.returncode == 1
    assert done.stderr.count("its SHA-256 is not the one expected") == 2
    assert server.requests == 2
    assert not machine.agent.exists()
    assert not (machine.root / "said.json").exists()


def test_no_more_is_read_than_the_agent_has(machine: Machine, server: Server) -> None:
    """Whoever answers in the API's place cannot fill the memory."""
    server.content += b"more" * 1024

    done = machine.boot(machine.script(tries=1))

    assert done.returncode == 1
    assert "its SHA-256 is not the one expected" in done.stderr


def _unavailable(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_error(503)


def _cut_off(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"half")


def _no_http(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"hello\r\n\r\n")
    with contextlib.suppress(OSError):
        handler.connection.shutdown(1)


@pytest.mark.parametrize("wrong", [_unavailable, _cut_off, _no_http])
def test_what_goes_wrong_on_the_way_is_tried_again(
    machine: Machine, server: Server, wrong: Callable[[Any], None]
) -> None:
    """A network may come up later than the machine."""
    server.before = [wrong]

    done = machine.boot(machine.script())

    assert done.returncode == 0, done.stderr
    assert server.requests == 2
    assert "cannot fetch" in done.stderr


def test_an_archive_that_is_there_is_not_fetched_again(machine: Machine, server: Server) -> None:
    """User-data may run at every boot."""
    machine.boot(machine.script())

    again = machine.boot(machine.script())

    assert again.returncode == 0
    assert server.requests == 1


@pytest.mark.parametrize(
    ("takes_it", "requests"), [pytest.param(True, 0, id="fit"), pytest.param(False, 1, id="old")]
)
def test_an_agent_of_the_image_will_do_if_it_takes_the_configuration(
    machine: Machine, server: Server, *, takes_it: bool, requests: int
) -> None:
    """Of whatever version it is; otherwise the installation's own takes its place."""
    machine.agent.parent.mkdir(parents=True)
    baked = server.content + b"another version"
    machine.agent.write_bytes(baked)
    if takes_it:
        (machine.root / "check").touch()

    done = machine.boot(machine.script())

    assert done.returncode == 0, done.stderr
    assert server.requests == requests
    assert (machine.agent.read_bytes() == baked) is takes_it


# -- over TLS --------------------------------------------------------------------------------------


def certificate(folder: Path) -> Path:
    """Make a key and a certificate that it has signed itself, for loopback; in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def public_part(file: Path) -> str:
    """Return a certificate without its key."""
    return "-----BEGIN CERTIFICATE" + file.read_text().partition("-----BEGIN CERTIFICATE")[2]


@pytest.fixture
def tls(tmp_path: Path, server: Server, machine: Machine) -> str:
    """The authority of the server, which speaks TLS from now on."""
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    machine.file = attrs.evolve(
        machine.file, url=f"https://127.0.0.1:{server.server_port}/v1/agents/drone"
    )
    return public_part(file)


def test_the_agent_is_fetched_over_tls(machine: Machine, server: Server, tls: str) -> None:
    """From who shows a certificate of the authority that is named."""
    done = machine.boot(machine.script(authority=tls))

    assert done.returncode == 0, done.stderr
    assert server.requests == 1


def test_another_authority_is_not_trusted(
    machine: Machine, server: Server, tls: str, tmp_path: Path
) -> None:
    """Nothing is asked of a server that cannot show who it is."""
    other = public_part(certificate(tmp_path))

    done = machine.boot(machine.script(authority=other, tries=1))

    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert server.requests == 0


def test_a_node_gets_from_its_frontgate_what_the_api_does_not_give_it(
    machine: Machine, server: Server, tls: str
) -> None:
    """By the authority in its configuration, which is not the one that the API is known by."""
    enrol_url = f"https://127.0.0.1:{server.server_port}"
    machine.file = attrs.evolve(machine.file, url="https://127.0.0.1:1/v1/agents/drone")
    config = {"enrol_url": enrol_url, "ca": tls}

    done = machine.boot(machine.script(config))

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot fetch https://127.0.0.1:1/v1/agents/drone") == 1
    assert server.paths == [f"/v1/agents/drone/{machine.file.sha256}"]
    assert machine.said["config"] == config


def test_the_api_and_the_frontgate_are_asked_in_turn(machine: Machine, server: Server) -> None:
    """Until one of them has what was expected."""
    url = f"http://127.0.0.1:{server.server_port}"
    machine.file = attrs.evolve(machine.file, url=f"{url}/api")
    server.before = [_unavailable, _cut_off]

    done = machine.boot(machine.script({"enrol_url": url}))

    assert done.returncode == 0, done.stderr
    assert server.paths == ["/api", f"/v1/agents/drone/{machine.file.sha256}", "/api"]


def test_a_frontgate_cannot_pass_another_agent_off(machine: Machine, server: Server) -> None:
    """The digest is the installation's word."""
    machine.file = attrs.evolve(machine.file, url="http://127.0.0.1:1/", sha256="0" * 64)

    done = machine.boot(
        machine.script({"enrol_url": f"http://127.0.0.1:{server.server_port}"}, tries=1)
    )

    assert done.returncode == 1
    assert "its SHA-256 is not the one expected" in done.stderr
    assert not machine.agent.exists()


# -- keeping it running ----------------------------------------------------------------------------


#: An agent that is killed the first time, fails the second, and ends well the third.
_DYING = """
import os, signal, sys
with open(os.environ["PITRIX_ROOT"] + "/starts", "a+") as file:
    file.write("x")
    file.flush()
    file.seek(0)
    starts = len(file.read())
if starts == 1:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(1 if starts == 2 else 0)
"""


def test_an_agent_that_dies_is_started_again(
    machine: Machine, server: Server, tmp_path: Path
) -> None:
    """Until it ends well, as it does when it is told to end."""
    (tmp_path / "source/__main__.py").write_text(_DYING)
    zipapp.create_archive(tmp_path / "source", tmp_path / "dying.pyz")
    server.content = (tmp_path / "dying.pyz").read_bytes()
    machine.file = attrs.evolve(
        machine.file,
        sha256=hashlib.sha256(server.content).hexdigest(),
        size_bytes=len(server.content),
    )

    done = machine.boot(machine.script(again_s=0))

    assert done.returncode == 0
    assert (machine.root / "starts").read_text() == "xxx"
    assert done.stderr.count("the drone ended; it is started again in 0 s") == 2


def test_systemd_gets_a_unit_that_a_reboot_starts(machine: Machine) -> None:
    """The script itself ends, so that the machine's start can go on."""
    machine.put_systemd_in_charge()

    done = machine.boot(machine.script(), instance="")

    assert done.returncode == 0, done.stderr
    assert machine.calls() == [
        "systemctl daemon-reload",
        "systemctl enable pitrix-drone.service",
        "systemctl --no-block restart pitrix-drone.service",
    ]
    unit = (machine.root / "etc/systemd/system/pitrix-drone.service").read_text()
    assert f"-I -S {machine.agent} run --config {machine.root}/etc/pitrix/drone.json\n" in unit


def test_a_second_run_disturbs_no_agent_at_work(machine: Machine) -> None:
    """One that stands still is started."""
    machine.put_systemd_in_charge()
    machine.boot(machine.script(), instance="")
    machine.calls()

    machine.boot(machine.script(), instance="")

    assert machine.calls()[-1] == "systemctl --no-block start pitrix-drone.service"


def test_a_new_configuration_is_taken_up(machine: Machine) -> None:
    """By an agent that is at work already."""
    machine.put_systemd_in_charge()
    machine.boot(machine.script(), instance="")
    machine.calls()

    machine.boot(machine.script({"role": "web"}), instance="")

    assert machine.calls()[-1] == "systemctl --no-block restart pitrix-drone.service"


def test_an_image_may_run_its_agent_its_own_way(machine: Machine, server: Server) -> None:
    """A unit that it brings is given a configuration, and started; that is all."""
    machine.put_systemd_in_charge()
    own = machine.root / "usr/lib/systemd/system/pitrix-drone.service"
    own.parent.mkdir(parents=True)
    own.touch()

    done = machine.boot(machine.script({"role": "web"}), instance="")

    assert done.returncode == 0, done.stderr
    assert server.requests == 0
    assert not machine.agent.exists()
    assert not (machine.root / "etc/systemd").exists()
    config = json.loads((machine.root / "etc/pitrix/drone.json").read_text())
    assert config == {"role": "web"}
    assert machine.calls()[-1] == "systemctl --no-block restart pitrix-drone.service"


@pytest.mark.parametrize("agent_name", ["drone", "frontgate", "other"])
def test_systemd_understands_the_unit(machine: Machine, agent_name: str) -> None:
    """Every word of it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    machine.put_systemd_in_charge()
    (machine.root / "etcd").touch()
    machine.boot(machine.script(agent=agent_name), instance="")
    unit = machine.root / f"etc/systemd/system/pitrix-{agent_name}.service"

    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    about_it = [line for line in found.stderr.splitlines() if "pitrix" in line]
    assert about_it == []
    assert "ExecStart=" in unit.read_text()


# -- a Frontgate's etcd ----------------------------------------------------------------------------

#: Installs an etcd, as far as the agent of these tests can tell.
_APT_GET = (
    RECORDER
    + """
case "$*" in *install*) touch "$PITRIX_ROOT/etcd";; esac
"""
)


def test_a_frontgate_without_etcd_has_it_installed(machine: Machine) -> None:
    """The package's own service is kept from taking its place."""
    machine.add_program("apt-get", _APT_GET)

    done = machine.boot(machine.script(agent="frontgate"), instance="")

    assert done.returncode == 0, done.stderr
    update, install = machine.calls()
    assert update.endswith(" update")
    assert install.endswith(" install --no-install-recommends etcd-server")
    masked = machine.root / "etc/systemd/system/etcd.service"
    assert masked.readlink() == Path("/dev/null")
    assert machine.said["arguments"][0] == "run"


@pytest.mark.parametrize("instance", ["", "i-1"], ids=["own-machine", "guest"])
def test_nothing_is_installed_that_is_there(machine: Machine, instance: str) -> None:
    """Nor on a system that has other guests, where it is the operator's business."""
    machine.add_program("apt-get")
    if not instance:
        (machine.root / "etcd").touch()

    done = machine.boot(machine.script(agent="frontgate"), instance=instance)

    assert done.returncode == 0, done.stderr
    assert machine.calls() == []


@pytest.mark.parametrize(
    ("apt_get", "said"),
    [
        pytest.param("#!/bin/sh\nexit 100\n", "etcd-server could not be installed", id="fails"),
        pytest.param(RECORDER, "the etcd of this distribution is not fit", id="too-old"),
    ],
)
def test_a_frontgate_that_cannot_have_etcd_says_so(
    machine: Machine, apt_get: str, said: str
) -> None:
    """And what to do about it."""
    machine.add_program("apt-get", apt_get)

    done = machine.boot(machine.script(agent="frontgate"), instance="")

    assert done.returncode == 1
    assert said in done.stderr
    assert "use an image" in done.stderr


@pytest.mark.parametrize("apt_get", [RECORDER, "#!/bin/sh\nexit 100\n"], ids=["there", "fails"])
def test_a_frontgate_gets_a_registry_where_images_are_mirrored(
    machine: Machine, apt_get: str
) -> None:
    """As far as there is one: nothing else depends on it."""
    (machine.root / "etcd").touch()
    machine.add_program("apt-get", apt_get)
    script = machine.script({"image_mirror": "https://mirror.example"}, agent="frontgate")

    done = machine.boot(script, instance="", path=_without("docker-registry", machine.programs))

    assert done.returncode == 0, done.stderr
    assert [call.split()[-1] for call in machine.calls()] in (["docker-registry"], [])
    assert ("could not be installed" in done.stderr) is (apt_get is not RECORDER)
    assert machine.said["arguments"][0] == "run"


def _without(program: str, folder: Path) -> str:
    """Return a PATH that lacks a program, which this machine may have."""
    for name in ("sh", "cat", "mkdir", "mv", "rm", "ln"):
        (folder / name).symlink_to(shutil.which(name) or "")
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    assert not (folder / program).exists()
    return str(folder)
