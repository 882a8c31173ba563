"""The mirror of images is run as long as the Frontgate, with its certificate, and kept small."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frontgate_harness import eventually

from pitrix_frontgate.mirror import Mirror

#: Stands in for docker-registry: writes down how it was started, keeps something, and stays.
REGISTRY = """#!/bin/sh
cp "$2" "{world}/settings.json"
if [ -e "{world}/grows" ]; then
  echo more than is allowed > "{world}/mirror/data/blob"
fi
echo "$$ $*" >> "{world}/starts"
[ ! -e "{world}/dies" ] || {{ echo "panic: no upstream" >&2; exit 3; }}
trap 'exit 0' TERM
while :; do sleep 0.05; done
"""


class World:
    """What the stand-in sees and leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = folder / "identity.pem"
        self.data = folder / "mirror/data"
        self.program = folder / "docker-registry"
        self.program.write_text(REGISTRY.format(world=folder))
        self.program.chmod(0o755)

    def mirror(self, **members: Any) -> Mirror:
        """Return a mirror that looks often."""
        return Mirror(
            str(self.program),
            **{
                "address": "127.0.0.1",
                "upstream": "",
                "identity": self.identity,
                "folder": self.folder / "mirror",
                "look_s": 0.05,
                **members,
            },
        )

    def starts(self) -> int:
        """Count how often it was started."""
        return len(self.processes())

    def processes(self) -> list[str]:
        """List the processes that it was, by their numbers."""
        file = self.folder / "starts"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.split()[0] for line in lines]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A Frontgate's folder."""
    return World(tmp_path)


class Stop(threading.Event):
    """Counts how often it was waited for: a mirror looks around in between."""

    waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        return super().wait(timeout)


class Run:
    """Runs mirrors in threads of their own."""

    def __init__(self) -> None:
        self.stop = Stop()
        self.threads: list[threading.Thread] = []

    def __call__(self, mirror: Mirror) -> None:
        self.threads.append(threading.Thread(target=mirror.run, args=(self.stop,)))
        self.threads[-1].start()


@pytest.fixture
def running() -> Iterator[Run]:
    """Run mirrors until the test ends, and see them end."""
    run = Run()
    yield run
    run.stop.set()
    for thread in run.threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in run.threads)


def test_it_waits_for_a_certificate(world: World, running: Run) -> None:
    """Nodes would not trust it without; it comes from the Pilot."""
    running(world.mirror())
    eventually(lambda: running.stop.waits >= 3)
    before = world.starts()

    world.identity.touch()

    eventually(lambda: world.starts() == 1)
    assert before == 0


def test_it_mirrors_dockers_registry_with_the_frontgates_certificate(
    world: World, running: Run
) -> None:
    """At its address; another one's where the runtime names it."""
    world.identity.touch()
    running(world.mirror(upstream="https://mirror.example", address="10.0.0.2"))
    eventually(lambda: world.starts() == 1)

    settings = json.loads((world.folder / "settings.json").read_text())

    assert settings["proxy"] == {"remoteurl": "https://mirror.example"}
    assert settings["http"] == {
        "addr": "10.0.0.2:5000",
        "tls": {"certificate": str(world.identity), "key": str(world.identity)},
    }


@pytest.mark.parametrize("change", ["certificate", "death"])
def test_it_is_started_again(world: World, running: Run, change: str) -> None:
    """With another certificate, and whenever it ends."""
    world.identity.write_text("one")
    if change == "death":
        (world.folder / "dies").touch()
    running(world.mirror())
    eventually(lambda: world.starts() == 1)

    if change == "certificate":
        (world.folder / "new.pem").write_text("two")
        (world.folder / "new.pem").replace(world.identity)

    first, second = eventually(lambda: world.starts() >= 2 and world.processes()[:2])
    assert first != second


def test_it_is_emptied_when_it_is_too_big(world: World, running: Run) -> None:
    """What it had is got again when it is asked for."""
    world.identity.touch()
    (world.folder / "grows").touch()
    running(world.mirror(most_bytes=10))
    eventually(lambda: world.starts() == 1)
    (world.folder / "grows").unlink()

    eventually(lambda: world.starts() == 2)

    assert list(world.data.iterdir()) == []


def test_a_part_of_a_registry_is_not_mirrored(world: World, running: Run) -> None:
    """docker-registry cannot; nodes go there themselves."""
    world.identity.touch()
    running(world.mirror(upstream="https://mirror.example/cache"))

    eventually(lambda: running.stop.waits == 1)

    assert world.starts() == 0


def test_a_disk_that_is_full_stops_nothing(
    world: World, running: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again."""
    world.identity.touch()
    (world.folder / "mirror").write_text("in the way")
    running(world.mirror())
    eventually(lambda: "does not run" in caplog.text)
    (world.folder / "mirror").unlink()

    eventually(lambda: world.starts() == 1)


def test_it_is_said_why_it_ended(
    world: World, running: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """In its own words; it ends at once where what it mirrors cannot be reached."""
    world.identity.touch()
    (world.folder / "dies").touch()

    running(world.mirror())

    eventually(lambda: "ended with 3: panic: no upstream" in caplog.text)
    assert world.starts() >= 1
