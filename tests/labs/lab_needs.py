"""What a test here needs of the machine: it is skipped without, and fails in CI."""

import functools
import importlib.util
import os
import shutil
import subprocess
from typing import Final, NoReturn

import pytest

#: A name that no interface of this machine has.
_PROBE: Final = f"pitrix-probe-{os.getpid()}"
_LIMIT_S: Final = 30


def program(name: str, *, package: str) -> str:
    """Return where a program is.

    :param package: Debian's package that has it; it belongs into ``packages.txt``.
    """
    found = shutil.which(name)
    if found is None:
        _miss(f"needs {name}: apt-get install {package}")
    return found


def library(name: str, *, package: str) -> None:
    """Ask for a library.

    :param package: PyPI's package that has it; it belongs into tox's environment ``labs``.
    """
    if importlib.util.find_spec(name) is None:
        _miss(f"needs {name}: pip install {package}")


def network_namespaces() -> None:
    """Ask for the right to make network namespaces.

    That a machine does not give it is no fault of anybody, so that CI skips, too.
    """
    program("ip", package="iproute2")
    refusal = _refusal()
    if refusal:
        skip_for_rights("make network namespaces", refusal)


def skip_for_rights(right: str, refusal: str) -> NoReturn:
    """Skip for a right that this process does not have.

    :param refusal: in the words of the machine.
    """
    pytest.skip(f"needs the right to {right}: sudo make labs ({refusal})")


@functools.cache
def _refusal() -> str:
    """Try a namespace with a pair of interfaces, which is what the tests make."""
    pair = ["ip", "-n", _PROBE, "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"]
    try:
        for command in (["ip", "netns", "add", _PROBE], pair):
            made = subprocess.run(
                command, capture_output=True, text=True, timeout=_LIMIT_S, check=False
            )
            if made.returncode:
                return made.stderr.strip() or f"{command[1:]} ended with {made.returncode}"
    finally:
        delete = ["ip", "netns", "delete", _PROBE]
        subprocess.run(delete, capture_output=True, timeout=_LIMIT_S, check=False)
    return ""


def _miss(what: str) -> NoReturn:
    """Skip, or fail where everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; .ci/packages installs it", pytrace=False)
    pytest.skip(what)
