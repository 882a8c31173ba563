"""Builds the Frontgate as one file that runs with nothing but Python.

The file is the same, byte for byte, whenever and wherever it is built from the same sources: names
are sorted, times are fixed, and nothing is compressed, since zlib's output differs between its
versions.
"""

import importlib.metadata
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

_SHEBANG: Final = b"#!/usr/bin/env python3\n"

_MAIN: Final = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("frontgate: needs Python 3.11 or newer; this is " + sys.version.split()[0])
from pitrix_frontgate.cli import main

sys.exit(main())
"""

#: What of websockets a client with threads never imports.
_UNUSED: Final = frozenset(
    {
        "websockets/__main__.py",
        "websockets/asyncio/",
        "websockets/cli.py",
        "websockets/legacy/",
        "websockets/server.py",
        "websockets/sync/router.py",
        "websockets/sync/server.py",
        "websockets/trio/",
    }
)

#: Modules of the drone that a Frontgate shares, beside those of its client of etcd.
_SHARED: Final = frozenset({"__init__.py", "files.py"})

#: The first time that a zip file can hold.
_TIME: Final = (1980, 1, 1, 0, 0, 0)

_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


def build(target: Path) -> None:
    """Write the zipapp, wholly or not at all.

    :param target: the file, such as ``frontgate.pyz``; replaced when it is there.
    """
    content = {
        "__main__.py": _MAIN.encode(),
        **dict(_sources("pitrix_frontgate")),
        **dict(_sources("websockets")),
        **{name: data for name, data in _sources("pitrix_drone") if _is_shared(name)},
        **_license_of("websockets"),
    }
    staged = target.with_name(f"{target.name}.new")
    with staged.open("wb") as file:
        file.write(_SHEBANG)
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(content):
                archive.writestr(_member(name), content[name])
    staged.chmod(0o755)
    staged.replace(target)


def _sources(package: str) -> Iterator[tuple[str, bytes]]:
    """Find a package's own Python files, in a wheel's folder as in a checkout."""
    yield from _walk(files(package), f"{package}/")


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        name = f"{prefix}{item.name}/" if item.is_dir() else prefix + item.name
        if name in _UNUSED:
            continue
        if item.is_dir():
            yield from _walk(item, name)
        elif name.endswith(".py"):
            yield name, item.read_bytes()


def _is_shared(name: str) -> bool:
    module = name.removeprefix("pitrix_drone/")
    return module in _SHARED or (module.startswith("etcd") and "/" not in module)


def _license_of(distribution: str) -> dict[str, bytes]:
    """Find the words that must go wherever the code goes."""
    listed = importlib.metadata.distribution(distribution).files or []
    found = (file for file in listed if file.name == "LICENSE")
    return {f"{distribution}/LICENSE": file.read_binary() for file in found}


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _TIME)
    member.create_system = _UNIX
    member.external_attr = _MODE
    return member
