"""The zipapp is one file that needs nothing but Python, and always the same one."""

import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

from pitrix_frontgate import __version__
from pitrix_frontgate.build import build


def test_it_runs_isolated_from_everything_installed(zipapp: Path, tmp_path: Path) -> None:
    """Neither the environment nor site-packages is asked."""
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(zipapp), "version"],
        capture_output=True,
        cwd=tmp_path,
        env={},
        check=True,
    )

    assert answer.stdout.decode().strip() == __version__


def test_it_is_the_same_each_time(zipapp: Path, tmp_path: Path) -> None:
    """Byte for byte, whatever its name."""
    build(tmp_path / "again.pyz")

    assert (tmp_path / "again.pyz").read_bytes() == zipapp.read_bytes()


def test_it_holds_python_and_licenses_alone(zipapp: Path) -> None:
    """Nothing compiled, nothing of the drone but what is shared."""
    names = zipfile.ZipFile(zipapp).namelist()

    assert {Path(name).suffix for name in names} == {".py", ""}
    assert "websockets/LICENSE" in names
    assert all(
        Path(name).name.startswith(("etcd", "files", "__init__"))
        for name in names
        if name.startswith("pitrix_drone/")
    )


def test_the_core_finds_the_builder() -> None:
    """Under the entry point that the core looks at."""
    (found,) = entry_points(group="pitrix.agents", name="frontgate")

    assert found.load() is build
