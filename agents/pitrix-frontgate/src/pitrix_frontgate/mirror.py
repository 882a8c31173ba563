"""Mirrors Docker's registry for the nodes behind the Frontgate, with Debian's docker-registry.

The mirror gets an image when the first node asks for it, and keeps it for the others. It is a
convenience: nodes that do not find it, or do not find an image in it, ask elsewhere. So whatever
goes wrong with it is logged and tried again, and stops nothing else.
"""

import json
import logging
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pitrix_drone.files import write_durably
from pitrix_frontgate.children import end_child, start_child

log = logging.getLogger(__name__)

#: Where drones look for it. Source: agents/protocol/README.md, section 6.
PORT: Final = 5000

#: Docker's own registry. Source: https://docs.docker.com/docker-hub/mirror/, read 2026-11.
_UPSTREAM: Final = "https://registry-1.docker.io"

#: Debian's name of it, and its own.
_PROGRAMS: Final = ("docker-registry", "registry")

#: Of the disk, what it may take at most: so many bytes, and such a part of what was free.
_MOST_BYTES: Final = 40 * 1024**3
_MOST_PART: Final = 0.5

_SHOWN_CHARS: Final = 500
_LOOK_S: Final = 15.0
_END_S: Final = 4.0
_FIRST_PAUSE_S: Final = 1.0
_LAST_PAUSE_S: Final = 300.0
_STEADY_S: Final = 60.0


def find_registry() -> str | None:
    """Find the program on ``PATH``."""
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), None)


class Mirror:
    """A registry that runs as long as :meth:`run` does, once there is a certificate for it.

    :param program: Debian's ``docker-registry``.
    :param address: it listens there, at :data:`PORT`.
    :param upstream: URL of what it mirrors; empty for Docker's own registry.
    :param identity: its certificate and key; read again when they change.
    :param folder: for what it keeps.
    :param most_bytes: it is emptied when it has grown beyond this, or beyond half of what was free.
    :param look_s: seconds between looks at certificate and size.
    """

    def __init__(  # noqa: PLR0913  # what it is made of
        self,
        program: str,
        *,
        address: str,
        port: int = PORT,
        upstream: str,
        identity: Path,
        folder: Path,
        most_bytes: int = _MOST_BYTES,
        look_s: float = _LOOK_S,
    ) -> None:
        self._program = program
        self._address = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self._upstream = upstream or _UPSTREAM
        self._identity = identity
        self._folder = folder
        self._most_bytes = most_bytes
        self._look_s = look_s
        self._said = folder / "registry.log"

    def run(self, stop: threading.Event) -> None:
        """Mirror until *stop* is set; never raises."""
        if urlsplit(self._upstream).path.strip("/"):
            log.info("no mirror is run: docker-registry mirrors no part of %s", self._upstream)
            stop.wait()
            return
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            began_s = time.monotonic()
            try:
                self._run_once(stop)
            except OSError as ex:
                log.warning("the mirror of images does not run: %s", ex)
            if time.monotonic() - began_s > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, _LAST_PAUSE_S)

    def _run_once(self, stop: threading.Event) -> None:
        """Run the registry until it ends, has to have another certificate, or is too big."""
        while not self._identity.exists():
            if stop.wait(self._look_s):
                return
        data = self._folder / "data"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        limit = min(
            self._most_bytes, int(_MOST_PART * (shutil.disk_usage(data).free + _size(data)))
        )
        certified = _stamp(self._identity)
        file = self._folder / "registry.yml"
        write_durably(file, json.dumps(self._settings(data)))
        with self._said.open("wb") as errors:
            argv = [self._program, "serve", str(file)]
            process = start_child(argv, environment=_environment(), errors=errors.fileno())
        try:
            while not self._is_over(process, stop) and _stamp(self._identity) == certified:
                if _size(data) + self._said.stat().st_size > limit:
                    log.info("the mirror of images has grown beyond %d bytes and is emptied", limit)
                    break
            else:
                return
        finally:
            end_child(process, name="the mirror of images", within_s=_END_S)
        shutil.rmtree(data)

    def _is_over(self, process: "subprocess.Popen[bytes]", stop: threading.Event) -> bool:
        """Wait a while for the end of the registry or of the Frontgate."""
        if stop.wait(self._look_s):
            return True
        code = process.poll()
        if code is not None:
            with self._said.open(encoding="utf-8", errors="replace") as file:
                reason = file.read(_SHOWN_CHARS).partition("\n")[0]
            log.warning("the mirror of images ended with %s: %s", code, reason)
        return code is not None

    def _settings(self, data: Path) -> dict[str, object]:
        """Return the registry's configuration; YAML takes JSON.

        Source: https://distribution.github.io/distribution/about/configuration/, read 2026-11.
        """
        identity = str(self._identity)
        return {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {
                "filesystem": {"rootdirectory": str(data)},
                "delete": {"enabled": True},
            },
            "http": {
                "addr": self._address,
                "tls": {"certificate": identity, "key": identity},
            },
            "proxy": {"remoteurl": self._upstream},
        }


def _environment() -> dict[str, str]:
    """Leave out what would change its configuration. Source: as above, "Override"."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}


def _stamp(file: Path) -> tuple[int, int]:
    facts = file.stat()
    return facts.st_mtime_ns, facts.st_ino


def _size(folder: Path) -> int:
    """Return what the files of a folder take; those that vanish meanwhile take nothing."""
    total = 0
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
