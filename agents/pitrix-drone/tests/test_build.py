"""The zipapp."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from pitrix_drone import __version__
from pitrix_drone.build import build


@pytest.fixture
def zipapp(tmp_path: pathlib.Path) -> pathlib.Path:
    """A zipapp, just built."""
    build(tmp_path / "new/drone.pyz")
    return tmp_path / "new/drone.pyz"


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


@pytest.mark.parametrize("python", ["python3.9", "python3.10", "python3.12", "python3.13", ""])
def test_it_renders_on_every_python(
    zipapp: pathlib.Path, tmp_path: pathlib.Path, python: str
) -> None:
    """With nothing installed beside it."""
    interpreter = shutil.which(python) if python else sys.executable
    if interpreter is None or subprocess.run([interpreter, "-V"], check=False).returncode:
        pytest.skip(f"needs {python}: uv python install {python.removeprefix('python')}")
    confd = tmp_path / "etc/confd"
    (confd / "conf.d").mkdir(parents=True)
    (confd / "templates").mkdir()
    (confd / "conf.d/a.toml").write_text('[template]\nsrc = "a"\ndest = "/a"\n', "utf-8")
    (confd / "templates/a").write_text('{{getv "/host/ip"}}', "utf-8")
    (tmp_path / "m.json").write_text('{"host/ip": "192.0.2.1"}', "utf-8")

    arguments: list[str | pathlib.Path] = [
        "render",
        "--once",
        "--root",
        tmp_path,
        "--metadata",
        tmp_path / "m.json",
    ]
    subprocess.run([interpreter, "-I", "-S", zipapp, *arguments], check=True, timeout=30)

    assert (tmp_path / "a").read_text("utf-8") == "192.0.2.1"


def test_the_version_is_that_of_the_distribution() -> None:
    """The zipapp has no metadata to read it from."""
    assert importlib.metadata.version("pitrix-drone") == __version__


def test_the_entry_point_is_the_builder() -> None:
    """The core finds the agent by it."""
    (found,) = importlib.metadata.entry_points(group="pitrix.agents", name="drone")

    assert found.load() is build
