"""The zipapp."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import zipfile

import pytest
from drone_harness import wait_for

from pitrix_drone import __version__
from pitrix_drone.build import build


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A zipapp, just built; the tests only read it."""
    target = tmp_path_factory.mktemp("zipapp") / "new/drone.pyz"
    build(target)
    return target


def test_it_is_the_same_every_time(zipapp: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Byte for byte, so that its checksum says what it is."""
    build(tmp_path / "again.pyz")

    assert (tmp_path / "again.pyz").read_bytes() == zipapp.read_bytes()


def test_it_is_small_and_nothing_but_python(zipapp: pathlib.Path) -> None:
    """One file serves every machine and architecture."""
    names = zipfile.ZipFile(zipapp).namelist()

    assert zipapp.stat().st_size < 150_000
    assert {pathlib.Path(name).suffix for name in names} == {".py", ""}
    assert "tomli/_parser.py" in names
    assert names == sorted(names)


def test_it_can_be_called_by_its_name(zipapp: pathlib.Path) -> None:
    """It is executable and says which interpreter it wants."""
    assert os.access(zipapp, os.X_OK)
    assert zipapp.read_bytes().startswith(b"#!/usr/bin/env python3\n")


#: Where pyenv and uv keep interpreters that are not on PATH.
_KEPT = (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin")


def interpreter(name: str) -> str:
    """Return an interpreter that runs; the test is skipped where there is none."""
    kept = [
        each for folder in _KEPT for each in sorted(pathlib.Path.home().glob(f"{folder}/{name}"))
    ]
    for candidate in (shutil.which(name), *kept):
        if candidate and not subprocess.run([candidate, "-V"], check=False).returncode:
            return str(candidate)
    pytest.skip(f"needs {name}: uv python install {name.removeprefix('python')}")


def drone(python: str, *arguments: str | pathlib.Path) -> str:
    """Run the zipapp with nothing installed beside it; return what it writes."""
    done = subprocess.run(
        [python, "-I", "-S", *arguments], check=True, timeout=60, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


@pytest.mark.parametrize("name", [f"python3.{minor}" for minor in range(9, 14)])
def test_it_runs_on_every_python(zipapp: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    """It reads TOML, renders, and writes YAML on each."""
    python = interpreter(name)
    confd = tmp_path / "etc/confd"
    (confd / "conf.d").mkdir(parents=True)
    (confd / "templates").mkdir()
    (confd / "conf.d/a.toml").write_text('[template]\nsrc = "a"\ndest = "/a"\n', "utf-8")
    source = '{{getvs "/host/*" | filter "^[[:digit:].]+$" | toYaml}}{{printf "%05.1f" 1.25}}'
    (confd / "templates/a").write_text(source, "utf-8")
    metadata = tmp_path / "m.json"
    metadata.write_text('{"host/ip": "192.0.2.1", "host/name": "x"}', "utf-8")

    what = ("--once", "--root", tmp_path, "--metadata", metadata, "--dialect", "appcenter")
    drone(python, zipapp, "render", *what)

    assert (tmp_path / "a").read_text("utf-8") == "- 192.0.2.1\n001.2"
    assert drone(python, zipapp, "version").strip() == __version__


def opened(pipe: pathlib.Path) -> int:
    """Open a pipe to write to, once somebody reads from it; 0 before."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return 0


@pytest.mark.parametrize("name", [f"python3.{minor}" for minor in range(9, 14)])
def test_what_runs_for_long_has_python_start_once_more(
    zipapp: pathlib.Path, tmp_path: pathlib.Path, name: str
) -> None:
    """As the same process, which says what is wrong as ever."""
    config = tmp_path / "drone.json"
    os.mkfifo(config)
    process = subprocess.Popen(
        [interpreter(name), "-I", "-S", zipapp, "run", "--config", config],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        writer = wait_for(lambda: opened(config), "the drone to read its configuration")
        environment = pathlib.Path(f"/proc/{process.pid}/environ").read_bytes()
        os.close(writer)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()

    assert b"PITRIX_DRONE_" in environment
    assert process.returncode == 1
    assert said.startswith(f"drone: {config}: cannot be read: ")


def test_the_version_is_that_of_the_distribution() -> None:
    """The zipapp has no metadata to read it from."""
    assert importlib.metadata.version("pitrix-drone") == __version__


def test_the_entry_point_is_the_builder() -> None:
    """The core finds the agent by it."""
    (found,) = importlib.metadata.entry_points(group="pitrix.agents", name="drone")

    assert found.load() is build
