"""Builds the agents' archives once, and hands them out by their digests."""

import hashlib
import re
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pitrix_core.errors import NotFoundError, PluginError
from pitrix_core.pilot.packing import packed
from pitrix_core.pilot.userdata import AgentFile

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class AgentFiles:
    """Archives in a folder, ``NAME-DIGEST.pyz``; several processes may share the folder."""

    def __init__(
        self, folder: Path, *, builder: Callable[[str], Callable[[Path], None]], public_url: str
    ) -> None:
        """Keep where archives are; build nothing yet.

        :param builder: agent's name → function that writes its archive.
        :param public_url: where machines reach this installation's API.
        """
        self._folder = folder
        self._builder = builder
        #: Where archives are handed out; ``/NAME/DIGEST`` is added to it.
        self.url = public_url.rstrip("/") + "/v1/agents"
        self._built: dict[str, AgentFile] = {}
        self._lock = threading.Lock()

    def file_of(self, name: str) -> AgentFile:
        """Return an agent as machines get it, building it on first use.

        :raises PluginError: no sound distribution brings this agent, or it cannot be built.
        """
        with self._lock:
            known = self._built.get(name)
            if known is None or not self._path(name, known.sha256).exists():
                known = self._built[name] = self._build(name)
            return known

    def read(self, name: str, digest: str) -> bytes:
        """Return an archive; one that another machine's runner has built is built here as well.

        :raises NotFoundError: there is none with this digest.
        """
        if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
            raise NotFoundError("There is no such agent.")
        path = self._path(name, digest)
        try:
            if not path.exists():
                self.file_of(name)
            return path.read_bytes()
        except (FileNotFoundError, PluginError) as ex:
            raise NotFoundError(f"There is no agent {name} with this digest.") from ex

    def _build(self, name: str) -> AgentFile:
        self._folder.mkdir(parents=True, exist_ok=True)
        builder = self._builder(name)
        # A folder of its own: several processes may build the same agent at a time.
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".building-") as folder:
            draft = Path(folder) / f"{name}.pyz"
            try:
                builder(draft)
                file = self._described(name, draft.read_bytes())
            except Exception as ex:
                raise PluginError(
                    f"Agent {name} could not be built: {type(ex).__name__}: {ex}",
                    next_step="Look at the installed plugins: pitrix plugins",
                ) from ex
            draft.replace(self._path(name, file.sha256))
        return file

    def _described(self, name: str, archive: bytes) -> AgentFile:
        digest = hashlib.sha256(archive).hexdigest()
        return AgentFile(
            url=f"{self.url}/{name}/{digest}",
            sha256=digest,
            size_bytes=len(archive),
            packed=packed(archive),
        )

    def _path(self, name: str, digest: str) -> Path:
        return self._folder / f"{name}-{digest}.pyz"
