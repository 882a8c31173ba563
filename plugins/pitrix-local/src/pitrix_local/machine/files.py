"""Small files that survive a crash: records replaced as a whole, and locks."""

import contextlib
import fcntl
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

#: Seconds between two looks at a lock that somebody else holds.
_LOCK_LOOK_S: Final = 0.01
#: First characters of the name of a folder that is being removed.
_DOOMED: Final = ".gone-"


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file so that after a crash the old or the new one is there, never a part.

    :raises OSError: it cannot be written; the old one is untouched.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON object as :func:`write_text` does."""
    write_text(path, json.dumps(record, indent=1, sort_keys=True) + "\n")


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a JSON object, or None when the file is not there or was never completely written."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@contextlib.contextmanager
def locked(folder: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a folder, which has to exist; threads and processes exclude one another.

    The lock is on the folder itself and ends with the process, so nothing is left behind.

    :raises TimeoutError: somebody else held it all the time.
    :raises FileNotFoundError: the folder is not there, or was replaced in the meantime.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor, folder, deadline=time.monotonic() + timeout_s)
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):
            raise FileNotFoundError(f"{folder} was replaced")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, *, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{folder} is locked by another process") from None
            time.sleep(_LOCK_LOOK_S)
        else:
            return


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, also where its folders cannot be written.

    Links are removed, not followed. What is not there is no error.

    :raises OSError: something cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        if sys.version_info >= (3, 12):
            shutil.rmtree(folder, onexc=_open_up)
        else:
            shutil.rmtree(folder, onerror=lambda *said: _open_up(said[0], said[1], said[2][1]))


def put_away(folder: Path) -> None:
    """Take a folder out of sight at once; :func:`remove_put_away` does the rest.

    :raises OSError: it cannot be renamed.
    """
    folder.rename(folder.with_name(f"{_DOOMED}{folder.name}-{time.monotonic_ns()}"))


def find_put_away(folder: Path) -> Path | None:
    """Return where a folder is that was put away and is not removed yet, or None."""
    return next(folder.parent.glob(f"{_DOOMED}{folder.name}-*"), None)


def remove_put_away(parent: Path) -> None:
    """Remove all folders that were put away in a parent, also what a crash left of them.

    :raises OSError: something cannot be removed.
    """
    for doomed in parent.glob(f"{_DOOMED}*"):
        remove_tree(doomed)


def _open_up(function: Callable[..., Any], path: str, problem: BaseException) -> None:
    """Make the folder of what could not be removed writable, and try once more."""
    if isinstance(problem, FileNotFoundError):
        return
    if not isinstance(problem, PermissionError):
        raise problem
    for place in (os.path.dirname(path), path):  # noqa: PTH120 - rmtree speaks in strings
        if not os.path.islink(place):  # noqa: PTH114 - as above
            os.chmod(place, stat.S_IRWXU)  # noqa: PTH101 - as above
    if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - as above
        shutil.rmtree(path)
    else:
        function(path)
