"""Starts a process that outlives the one that asked for it, and lets it tell who it is first.

The asking process runs a short launcher and waits for its end. The launcher forks; the child leaves
the session, writes its record and only then lets the launcher end. So whoever asked finds the
record, and no zombie is left to anybody.
"""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

_TOLD = b"."


def detach(introduce: Callable[[], None], work: Callable[[], None]) -> int:
    """Run ``work`` in a detached process once ``introduce`` has succeeded there.

    :returns: exit code of the launcher: 0 once the child has introduced itself.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        told = os.read(reader, 1)
        if told == _TOLD:
            return 0
        os.waitpid(child, 0)
        return 1
    os.close(reader)
    return _be_daemon(writer, introduce, work)


def _be_daemon(writer: int, introduce: Callable[[], None], work: Callable[[], None]) -> NoReturn:
    exit_code = 1
    try:
        os.setsid()
        introduce()
        os.write(writer, _TOLD)
        os.close(writer)
        work()
        exit_code = 0
    except Exception:  # noqa: BLE001 - the end of a process: the console is told everything
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
