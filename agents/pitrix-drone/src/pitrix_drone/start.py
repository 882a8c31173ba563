"""Starts the zipapp so that a drone that runs stays small.

Compiling leaves holes in a process's memory that it never gives back. So what runs for long is
compiled by a process that then becomes the drone: it hands the code over in a file without a name
and executes Python anew. That also is the moment to choose how memory is allocated. All of this
saves some 2 MB of 27; where it cannot be done, the drone runs without it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import types
import zipimport
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from typing import Final

#: Names the file with the code, from one process to the next.
_HANDED_OVER: Final = "PITRIX_DRONE_CODE"
#: The drone's threads wait; heaps of their own would only cost. Source: mallopt(3).
_ALLOCATION: Final = {"MALLOC_ARENA_MAX": "1"}
#: shutil would load them for archives, and does without.
_UNUSED: Final = ("bz2", "lzma")

_Codes = dict[str, bytes]


def main() -> int:
    """Carry out the command of the zipapp's command line, and return the exit code."""
    archive, arguments = sys.argv[0], sys.argv[1:]
    handed_over = os.environ.pop(_HANDED_OVER, None)
    if handed_over is not None:
        _take_over(archive, int(handed_over))
    elif arguments[:1] == ["run"]:
        with contextlib.suppress(OSError, AttributeError):  # another system than Linux
            _become(archive, arguments)
    from pitrix_drone.cli import main as carry_out  # noqa: PLC0415  # its code is in place now

    return carry_out(arguments)


def _become(archive: str, arguments: Sequence[str]) -> None:
    """Compile everything and execute Python anew; returns only by an error."""
    added = {name: value for name, value in _ALLOCATION.items() if name not in os.environ}
    descriptor = os.memfd_create("code")
    with os.fdopen(descriptor, "w+b") as file:
        marshal.dump((list(added), compiled(archive)), file)
        file.flush()
        os.set_inheritable(descriptor, True)
        environment = {**os.environ, **added, _HANDED_OVER: str(descriptor)}
        command = (sys.executable, "-I", "-S", archive, *arguments)
        os.execve(sys.executable, command, environment)  # noqa: S606


def _take_over(archive: str, descriptor: int) -> None:
    """Import from what the process before this one compiled."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        added, codes = marshal.load(file)  # noqa: S302  # written by the process before
    for name in added:
        del os.environ[name]  # the application's processes are none of ours
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # "not there", to import
    sys.meta_path.insert(0, CodeFinder(archive, codes))


def compiled(archive: str) -> _Codes:
    """Compile the modules of a zipapp, without docstrings.

    :returns: marshalled code by name in the archive.
    """
    from zipfile import ZipFile  # noqa: PLC0415  # only the process that compiles has it

    with ZipFile(archive) as file:
        return {
            name: marshal.dumps(
                compile(file.read(name), f"{archive}/{name}", "exec", dont_inherit=True, optimize=2)
            )
            for name in file.namelist()
            if name.endswith(".py")
        }


class CodeFinder:
    """Finds modules among code that is compiled, and loads each once."""

    def __init__(self, archive: str, codes: _Codes) -> None:
        self._archive = archive
        self._codes = codes

    def find_spec(
        self, name: str, path: object = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module. Source: importlib.abc.MetaPathFinder."""
        stem = name.replace(".", "/")
        for file, is_package in ((f"{stem}.py", False), (f"{stem}/__init__.py", True)):
            if file in self._codes:
                origin = f"{self._archive}/{file}"
                spec = ModuleSpec(
                    name,
                    self,  # type: ignore[arg-type]  # what Python asks of one
                    origin=origin,
                    is_package=is_package,
                )
                spec.loader_state = file
                spec.has_location = True
                return spec
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run a module's code, which is not kept."""
        file = module.__spec__.loader_state  # type: ignore[union-attr]  # find_spec made it
        exec(marshal.loads(self._codes.pop(file)), module.__dict__)  # noqa: S102, S302

    def get_source(self, name: str) -> str | None:
        """Read a module's source, for tracebacks."""
        folder = name.rpartition(".")[0].replace(".", "/")
        return zipimport.zipimporter(f"{self._archive}/{folder}").get_source(name)
