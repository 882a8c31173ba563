"""A provider that somebody else wrote, installed from a wheel beside the core."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REPOSITORY, SCRIPTS, Installation


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The wheel of the example in the docs."""
    source = REPOSITORY / "docs" / "examples" / "pitrix-tiny"
    command = ["uv", "build", "--wheel", "--no-build-isolation", "--python", sys.executable]
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    subprocess.run(
        [*command, "-o", str(tmp_path / "dist"), str(source)],
        check=True,
        capture_output=True,
        env=environment,
    )
    [built] = (tmp_path / "dist").glob("*.whl")
    return built


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A folder that the wheel is installed into."""
    target = tmp_path / "site"
    command = [sys.executable, "-m", "zipfile", "-e", str(wheel), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def test_it_appears_without_touching_the_core(installed: Path, tmp_path: Path, home: Path) -> None:
    """It is listed with distribution and version, and a runtime of it can be registered."""
    installation = _WithPath(data=tmp_path / "data", home=home, path=installed)
    installation.start()
    try:
        plugins = installation.run("plugins", "--json").json["items"]
        installation.run("runtime", "add", "odd", "--provider", "tiny", "--set", "greeting=hi")
        checked = installation.run("runtime", "check", "odd")
    finally:
        installation.stop()

    [tiny] = [plugin for plugin in plugins if plugin["name"] == "tiny"]
    assert tiny["distribution"] == "pitrix-tiny"
    assert tiny["version"] == "0.1.0"
    assert tiny["status"] == "ok"
    assert "hi" in checked.out


def test_a_broken_one_takes_nothing_down(installed: Path, tmp_path: Path, home: Path) -> None:
    """It is reported as broken, with its cause; the others work."""
    (installed / "pitrix_tiny" / "__init__.py").write_text("import no_such_library\n")
    installation = _WithPath(data=tmp_path / "data", home=home, path=installed)
    installation.start()
    try:
        listed = installation.run("plugins", "--json", check=False)
        refused = installation.run("runtime", "add", "odd", "--provider", "tiny", check=False)
    finally:
        installation.stop()

    assert listed.code == 1
    states = {plugin["name"]: plugin["status"] for plugin in listed.json["items"]}
    assert states["tiny"] == "broken"
    assert states["local"] == "ok"
    assert states["vm"] == "ok"
    assert refused.code == 1
    assert "pitrix-tiny 0.1.0" in refused.err
    assert "no_such_library" in refused.err


def test_its_conformance_tests_pass(installed: Path) -> None:
    """The suites that come with the core run against it, as its author would run them."""
    source = REPOSITORY / "docs" / "examples" / "pitrix-tiny"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    ran = subprocess.run(
        [str(SCRIPTS / "pytest"), "-q", "-p", "no:cacheprovider", "tests"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


class _WithPath(Installation):
    """An installation whose processes see one more folder of packages."""

    def __init__(self, *, data: Path, home: Path, path: Path) -> None:
        super().__init__(data=data, home=home)
        self._path = path

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "PYTHONPATH": str(self._path)}
