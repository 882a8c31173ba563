"""Starts programs that never outlive the Frontgate, and ends them.

A program is started through a short-lived Python that asks the kernel to end it with its parent and
then becomes the program: ``preexec_fn`` is not safe in a process with threads. The kernel watches
the *thread* that started it: start it in one that lives as long as it is needed.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

log = logging.getLogger(__name__)

#: 1: PR_SET_PDEATHSIG, 9: SIGKILL. Source: prctl(2). The parent may have died before the call.
_LAUNCH: Final = """\
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def start_child(
    argv: Sequence[str], *, environment: Mapping[str, str], errors: int | None = None
) -> "subprocess.Popen[bytes]":
    """Start a program.

    :param errors: the file that its standard error goes to; by default to this process's own.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid())]
    return subprocess.Popen(
        [*launcher, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=environment,
        process_group=0,
    )


def end_child(process: "subprocess.Popen[bytes]", *, name: str, within_s: float) -> None:
    """Ask a program to end, and kill it when that takes too long."""
    process.terminate()
    try:
        process.wait(timeout=within_s)
    except subprocess.TimeoutExpired:
        log.warning("%s did not end within %.0f s and is killed", name, within_s)
        process.kill()
        process.wait()
