"""A provider of somebody else's distribution appears without any change of the core."""

import json
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

PROVIDER = '''
from pitrix_core import Finding, Provider


class TinyProvider(Provider):
    """A cloud with nothing in it."""

    name = "tiny"

    def check(self) -> list[Finding]:
        return []

    def owned(self, *, cluster_id=None):
        return ()
'''

LOOK = """
import json
from pitrix_core.plugins import PluginRegistry

registry = PluginRegistry()
tiny = [found for found in registry.report() if found.name == "tiny"]
loaded = registry.provider_class("tiny")
print(json.dumps([tiny[0].distribution, tiny[0].version, tiny[0].status, loaded.__doc__]))
"""


def build_wheel(folder: Path) -> Path:
    """Write the wheel that any build tool would make of a module and one entry point."""
    files = {
        "tiny_cloud.py": PROVIDER,
        "tiny_cloud-0.7.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: tiny-cloud\nVersion: 0.7\n"
        ),
        "tiny_cloud-0.7.dist-info/WHEEL": textwrap.dedent(
            """\
            Wheel-Version: 1.0
            Generator: pitrix-tests
            Root-Is-Purelib: true
            Tag: py3-none-any
            """
        ),
        "tiny_cloud-0.7.dist-info/entry_points.txt": (
            "[pitrix.providers]\ntiny = tiny_cloud:TinyProvider\n"
        ),
    }
    wheel = folder / "tiny_cloud-0.7-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        record = "".join(f"{name},,\n" for name in (*files, "tiny_cloud-0.7.dist-info/RECORD"))
        archive.writestr("tiny_cloud-0.7.dist-info/RECORD", record)
    return wheel


def install(wheel: Path, target: Path) -> None:
    """Install a wheel into a folder with pip, or uv where the environment has no pip."""
    options = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    pip = [sys.executable, "-m", "pip", *options]
    uv = [sys.executable, "-m", "uv", "pip", *options]
    for command in (pip, uv):
        if subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0:
            return
    pytest.skip(f"needs pip or uv beside {sys.executable}: {sys.executable} -m ensurepip")


def test_a_provider_from_a_wheel_appears(tmp_path: Path) -> None:
    """Installed from a wheel, it is listed with distribution and version, and can be loaded."""
    install(build_wheel(tmp_path), tmp_path / "site")

    looked = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(tmp_path / 'site')!r})\n{LOOK}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(looked.stdout.splitlines()[-1]) == [
        "tiny-cloud",
        "0.7",
        "ok",
        "A cloud with nothing in it.",
    ]
