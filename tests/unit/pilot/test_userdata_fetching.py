"""The user-data bring the agent, or fetch it from the API or the Frontgate, by its digest."""

import contextlib
import http.server
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from booting import Machine, Server
from certificates import self_signed


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


def public_part(file: Path) -> str:
    """Return a certificate without its key."""
    return "-----BEGIN CERTIFICATE" + file.read_text().partition("-----BEGIN CERTIFICATE")[2]


@pytest.fixture
def tls(tmp_path: Path, server: Server, machine: Machine) -> str:
    """The authority of the server, which speaks TLS from now on."""
    file = self_signed(tmp_path)
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
    other = public_part(self_signed(tmp_path))

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
