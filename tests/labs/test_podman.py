"""A drone runs containers with Debian's podman, and gets their images through the Frontgate."""

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab_needs
import pytest
from lab_etcd import eventually, free_port
from lab_identity import write_identity
from lab_podman import APPLICATION, Podman, podman_in

from pitrix_drone.config import Layout
from pitrix_drone.container import Application
from pitrix_drone.mirrors import MIRROR_PORT, frontgate_mirror
from pitrix_drone.processes import Outcome, run_shell
from pitrix_frontgate.mirror import Mirror

LOCAL = "localhost/app:1"
PUBLISHED = "docker.io/example/app:1"
RESOURCES = {
    "etc/confd/conf.d/app.toml": """
[template]
src = "app.tmpl"
dest = "/etc/app.conf"
mode = "0640"
uid = 7
gid = 8
reload_cmd = "echo reloaded $(cat /etc/app.conf) >> /data/reloads"
""",
    "etc/confd/templates/app.tmpl": '{{getv "/env/size"}}',
}
#: The Frontgate of these tests; its port for images is always the same.
ADDRESS = "127.0.0.77"


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Podman]:
    """Podman, found before any docker."""
    for made in podman_in(tmp_path / "podman"):
        (made.programs / "docker").write_text("#!/bin/sh\nexit 1\n")
        (made.programs / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{made.programs}:{os.environ['PATH']}")
        yield made


@pytest.fixture
def busybox() -> str:
    """The program that images are made of."""
    return lab_needs.program("busybox", package="busybox-static")


class Drone:
    """A drone's part that is about containers."""

    def __init__(self, root: Path, podman: Podman, *, mirror: Callable[[], str]) -> None:
        self._podman = podman
        self._scratch = root / "scratch"
        self._application = Application(
            Layout(root=str(root)),
            node_id="cln-lab",
            prefix="/self",
            dialect="confd",
            stop=threading.Event(),
            mirror=mirror,
        )

    def render(self, image: str, **environment: str) -> tuple[str, ...]:
        """Bring the container up to date, and return what went wrong.

        The engine knows the data at the same path as the container.
        """
        asked = {"image": image, "mount_points": [str(self._podman.data)]}
        values = {f"/self/env/{name}": value for name, value in environment.items()}
        return self._application.render(json.dumps(asked), values).problems

    def remove(self) -> tuple[str, ...]:
        """Have no container any more."""
        return self._application.render(None, {}).problems

    def run(self, command: str, *, timeout_s: float = 60.0) -> Outcome:
        """Run a command of the package."""
        return run_shell(
            command,
            timeout_s=timeout_s,
            stop=threading.Event(),
            scratch=self._scratch,
            shell=self._application.shell,
        )


@pytest.fixture
def drone(tmp_path: Path, podman: Podman) -> Drone:
    """A drone in a network without a mirror."""
    return Drone(tmp_path / "machine", podman, mirror=lambda: "")


def with_data_at(podman: Podman, text: str) -> str:
    """Say where the data are."""
    return text.replace("/data", str(podman.data))


def add_application(podman: Podman, busybox: str, name: str = LOCAL) -> None:
    """Make the image, with resources."""
    files = {path: with_data_at(podman, text) for path, text in RESOURCES.items()}
    start = with_data_at(podman, APPLICATION)
    podman.add_image(name, files={**files, "bin/app": start}, busybox=busybox)


def test_a_container_lives_as_its_metadata_say(podman: Podman, drone: Drone, busybox: str) -> None:
    """From its first start to its end: one test, for each step takes seconds."""
    add_application(podman, busybox)
    starts, reloads = podman.data / "starts", podman.data / "reloads"

    assert drone.render(LOCAL, colour="red", size="1") == ()
    eventually(starts.exists, "it starts")
    assert starts.read_text() == "red 1\n"
    assert drone.run("stat -c '%a %u %g' /etc/app.conf").output == "640 7 8\n"

    assert drone.render(LOCAL, colour="red", size="2") == ()
    assert reloads.read_text() == "reloaded 2\n"

    done = drone.run("echo $colour; exit 3")
    assert (done.exit_code, done.output) == (3, "red\n")

    running = podman.run("inspect", "--format", "{{.State.Pid}}", "pitrix-cln-lab").strip()
    os.kill(int(running), 9)
    eventually(lambda: drone.render(LOCAL, colour="red", size="2") == (), "it is made anew")
    eventually(lambda: starts.read_text() == "red 1\nred 2\n", "it starts again")

    assert drone.remove() == ()
    assert podman.run("ps", "--all", "--quiet") == ""


def test_what_takes_too_long_ends_inside(podman: Podman, drone: Drone, busybox: str) -> None:
    """Though the engine's own program has no say in it."""
    add_application(podman, busybox)
    assert drone.render(LOCAL, colour="red", size="1") == ()

    outcome = drone.run("setsid sleep 4321 & wait", timeout_s=3.0)

    assert outcome.exit_code is None
    eventually(lambda: b"sleep\x004321\0" not in _command_lines(), "it has ended")


def _command_lines() -> bytes:
    """Return what runs on this machine, in its containers too."""
    lines = b""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines += file.read_bytes()
    return lines


# -- through the Frontgate -------------------------------------------------------------------------


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A registry of the wide world."""
    program = lab_needs.program("docker-registry", package="docker-registry")
    port = free_port("127.0.0.1")
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "upstream")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (tmp_path / "upstream.yml").write_text(json.dumps(settings))
    process = subprocess.Popen([program, "serve", str(tmp_path / "upstream.yml")])
    try:
        eventually(lambda: _answers("127.0.0.1", port), "the registry listens")
        yield f"127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def _answers(address: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


@pytest.fixture
def authority(tmp_path: Path, upstream: tuple[str, Any]) -> Iterator[str]:
    """What a Frontgate whose mirror runs is known by."""
    program = lab_needs.program("docker-registry", package="docker-registry")
    identity = write_identity(tmp_path, address=ADDRESS)
    mirror = Mirror(
        program,
        address=ADDRESS,
        upstream=f"http://{upstream[0]}",
        identity=identity.file,
        folder=tmp_path / "mirror",
    )
    stop = threading.Event()
    thread = threading.Thread(target=mirror.run, args=(stop,))
    thread.start()
    try:
        eventually(lambda: _answers(ADDRESS, MIRROR_PORT), "the mirror listens")
        yield identity.authority.read_text()
    finally:
        stop.set()
        thread.join(20)


def test_images_come_through_the_frontgate_and_stay_there(
    podman: Podman, tmp_path: Path, busybox: str, upstream: tuple[str, Any], authority: str
) -> None:
    """Over TLS, by nothing but the drone's own configuration; also when the world is away."""
    add_application(podman, busybox)
    published = f"{upstream[0]}/example/app:1"
    podman.run("push", "--tls-verify=false", LOCAL, published)
    podman.run("rmi", "--force", LOCAL)
    # What is written below the machine's root is seen by podman.
    (tmp_path / "machine/etc").mkdir(parents=True)
    (tmp_path / "machine/etc/containers").symlink_to(podman.folder / "containers")
    drone = Drone(
        tmp_path / "machine",
        podman,
        mirror=lambda: frontgate_mirror(
            f"https://{ADDRESS}:2381", authority=authority, root=str(tmp_path / "machine")
        ),
    )

    assert drone.render(PUBLISHED, colour="red", size="1") == ()
    eventually((podman.data / "starts").exists, "it starts")

    drone.remove()
    podman.run("rmi", "--all", "--force")
    upstream[1].kill()
    upstream[1].wait()
    assert drone.render(PUBLISHED, colour="red", size="1") == ()
