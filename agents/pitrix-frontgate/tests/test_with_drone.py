"""Pilot, Frontgate and drone together: the real agents, from their zipapps, by the protocol."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from frontgate_harness import (
    FrontgateProcess,
    Json,
    Pilot,
    command,
    eventually,
    metadata,
    password_of,
)
from protocol_schemas import validator

from pitrix_drone.build import build as build_drone

RESOURCE: Final = """\
[template]
src = "app.tmpl"
dest = "/opt/app.conf"
keys = ["/"]
"""
TEMPLATE: Final = '{{getv "/cluster/name"}} {{getv "/env/size"}} {{getv "/host/ip"}}\n'


@pytest.fixture(scope="module")
def drone_zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drone as one file."""
    target = tmp_path_factory.mktemp("drone") / "drone.pyz"
    build_drone(target)
    return target


@pytest.fixture
def machine(frontgate: FrontgateProcess, drone_zipapp: Path, tmp_path: Path) -> Iterator[Path]:
    """The root of a machine with one confd resource, whose drone runs."""
    root = tmp_path / "machine"
    _write(root / "etc/confd/conf.d/app.toml", RESOURCE)
    _write(root / "etc/confd/templates/app.tmpl", TEMPLATE)
    (root / "opt").mkdir()
    config = {
        "protocol": 1,
        "cluster_id": "cl-1",
        "node_id": "cl-1-n1",
        "role": "main",
        "endpoints": [frontgate.endpoint],
        "user": "cl-1-n1",
        "password": password_of("cl-1-n1"),
        "prefix": "/self",
        "dialect": "confd",
    }
    validator("drone-config", 1).validate(config)
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


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def _put(pilot: Pilot, revision: int, name: str) -> None:
    shared = {"cluster/name": name}
    pilot.ask("metadata.put", metadata("cl-1", revision, shared=shared))


def _configured(pilot: Pilot, revision: int) -> Json | None:
    reports = pilot.effects("node.status")
    wanted = ("configured", revision)
    return next((each for each in reports if (each["state"], each["revision"]) == wanted), None)


def test_metadata_becomes_a_file_and_a_status(pilot: Pilot, machine: Path) -> None:
    """The Pilot hears ``configured`` for each revision once it is rendered."""
    _put(pilot, 1, "one")
    eventually(lambda: _configured(pilot, 1))
    first = (machine / "opt/app.conf").read_text()

    _put(pilot, 2, "two")
    found = eventually(lambda: _configured(pilot, 2))

    assert first == "one 1 127.0.0.1\n"
    assert (machine / "opt/app.conf").read_text() == "two 1 127.0.0.1\n"
    assert (found["cluster_id"], found["node_id"]) == ("cl-1", "cl-1-n1")


def test_a_command_runs_once_and_its_result_arrives(pilot: Pilot, machine: Path) -> None:
    """What it printed and how it ended; a second frame for it changes nothing."""
    _put(pilot, 1, "one")
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
