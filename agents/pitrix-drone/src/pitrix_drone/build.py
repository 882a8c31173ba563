"""Builds the drone's zipapp: one file of pure Python that is the same, byte for byte, every time.

tomli goes in with it, for Python before 3.11, which has no TOML reader of its own.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Final

_SHEBANG: Final = b"#!/usr/bin/env python3\n"
_MAIN: Final = b"""\
import sys

from pitrix_drone.start import main

sys.exit(main())
"""
#: The earliest moment a zip file can name.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16
_PACKAGES: Final = ("pitrix_drone", "tomli")
#: Not needed inside the zipapp.
_LEFT_OUT: Final = frozenset(("pitrix_drone/build.py",))


def build(target: pathlib.Path) -> None:
    """Write the zipapp; run it as ``python3 -I -S TARGET``.

    Reads the installed package, not a checkout.

    :raises FileNotFoundError: the package is not installed as plain files.
    """
    members = dict(_members())
    if "pitrix_drone/cli.py" not in members:
        raise FileNotFoundError("pitrix_drone is not installed as files; reinstall pitrix-drone")
    members["__main__.py"] = _MAIN
    archive = io.BytesIO()
    archive.write(_SHEBANG)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # Unix, whatever this is built on
            info.external_attr = _READABLE
            file.writestr(info, members[name])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive.getvalue())
    target.chmod(0o755)


def _members() -> Iterator[tuple[str, bytes]]:
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue  # tomli: then the zipapp needs Python 3.11
        folder = pathlib.Path(spec.origin).parent
        for path in folder.rglob("*.py"):
            name = f"{package}/{path.relative_to(folder).as_posix()}"
            if name not in _LEFT_OUT:
                yield name, path.read_bytes()
    yield from _license_of("tomli")


def _license_of(distribution: str) -> Iterator[tuple[str, bytes]]:
    """Find the words that must go wherever the code goes."""
    try:
        listed = importlib.metadata.distribution(distribution).files or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in listed:
        if file.name == "LICENSE":
            yield f"{distribution}/LICENSE", pathlib.Path(str(file.locate())).read_bytes()
