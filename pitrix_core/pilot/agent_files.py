"""Builds the agents' archives once, and hands them out by their digests."""

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pitrix_core.errors import NotFoundError
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
        self._public_url = public_url.rstrip("/")
        self._built: dict[str, AgentFile] = {}
        self._lock = threading.Lock()

    def file_of(self, name: str) -> AgentFile:
        """Return where machines fetch an agent, building it on first use.

        :raises PluginError: no sound distribution brings this agent.
        """
        with self._lock:
            if name not in self._built:
                digest = self._build(name)
                url = f"{self._public_url}/v1/agents/{name}/{digest}"
                self._built[name] = AgentFile(url=url, sha256=digest)
            return self._built[name]

    def read(self, name: str, digest: str) -> bytes:
        """Return an archive.

        :raises NotFoundError: it was never built here.
        """
        if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
            raise NotFoundError("There is no such agent.")
        try:
            return self._path(name, digest).read_bytes()
        except FileNotFoundError as ex:
            raise NotFoundError(f"There is no agent {name} with this digest.") from ex

    def _build(self, name: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{name}-{threading.get_ident()}.part"
        try:
            self._builder(name)(draft)
            digest = hashlib.sha256(draft.read_bytes()).hexdigest()
            draft.replace(self._path(name, digest))
        finally:
            draft.unlink(missing_ok=True)
        return digest

    def _path(self, name: str, digest: str) -> Path:
        return self._folder / f"{name}-{digest}.pyz"
