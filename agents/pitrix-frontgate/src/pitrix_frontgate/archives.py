"""Gets agents' archives from the installation, for nodes that reach nothing but their Frontgate.

Nodes that ask are strangers still, so what they can have done is bounded: an archive comes from one
place that ``frontgate.json`` names, by a name and a digest and nothing else, is never redirected,
and is only kept and handed out if it has that digest. One is got at a time, and few are kept.
"""

import contextlib
import hashlib
import http.client
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from pitrix_drone.files import put_in_place, staged
from pitrix_frontgate.enrolment import RefusedError
from pitrix_frontgate.longpoll import line_to

log = logging.getLogger(__name__)

#: Source: agents/protocol/README.md, section 4.
_PATH: Final = re.compile(r"/v1/agents/([a-z][a-z0-9-]{0,62})/([0-9a-f]{64})")

#: An agent takes well under 1 MiB.
_MOST_BYTES: Final = 4 * 1024 * 1024
#: Two agents, of two versions each.
_MOST_FILES: Final = 4

_FETCH_S: Final = 60.0
#: After a failure, nothing is asked for so long: whoever hurries need not hurry others.
_PAUSE_S: Final = 1.0
_CHUNK_BYTES: Final = 65_536

_PASSING: Final = "the archive cannot be had now; ask again in a moment"


class Archives:
    """Archives in a folder, ``NAME-DIGEST.pyz``. Thread-safe.

    :param url: what ``/NAME/DIGEST`` is added to; empty: there are none.
    :param ca: certificates, PEM, of the only authorities that are trusted there; empty: the
        machine's are.
    :param proxy: returns the URL of the proxy that leads to a URL, if there is one.
    """

    def __init__(
        self, url: str, *, folder: Path, ca: str = "", proxy: Callable[[str], str | None]
    ) -> None:
        self._url = url.rstrip("/")
        self._folder = folder
        self._ca = ca
        self._proxy = proxy
        self._fetching = threading.Lock()
        self._not_before_s = 0.0

    def open(self, path: str) -> BinaryIO:
        """Open the archive that a path of a request names, getting it first if need be.

        :raises RefusedError: there is no such archive (``unknown-agent``), or it cannot be had now
            (``unavailable``).
        """
        asked = _PATH.fullmatch(path)
        if asked is None or not self._url:
            raise RefusedError("unknown-agent", "no such agent: GET /v1/agents/NAME/SHA256")
        name, digest = asked.groups()
        kept = self._folder / f"{name}-{digest}.pyz"
        try:
            with contextlib.suppress(FileNotFoundError):
                return kept.open("rb")
            self._get(name, digest, kept)
            return kept.open("rb")
        except (OSError, http.client.HTTPException, ValueError) as ex:
            self._not_before_s = time.monotonic() + _PAUSE_S
            log.warning("agent %s could not be got for a node: %s", name, ex)
            raise RefusedError("unavailable", _PASSING) from ex

    def _get(self, name: str, digest: str, target: Path) -> None:
        is_pausing = time.monotonic() < self._not_before_s
        if is_pausing or not self._fetching.acquire(blocking=False):
            raise RefusedError("unavailable", _PASSING)
        try:
            if target.exists():
                return  # it came meanwhile
            content = self._fetched(f"{self._url}/{name}/{digest}")
            if hashlib.sha256(content).hexdigest() != digest:
                raise OSError("its SHA-256 is not the one that was asked for")
            self._keep(target, content)
        finally:
            self._fetching.release()
        log.info("agent %s was got for the nodes, %d bytes", name, len(content))

    def _fetched(self, url: str) -> bytes:
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        tls = ssl.create_default_context(cadata=self._ca or None) if is_secure else None
        line = line_to(parts, tls, self._proxy(url))
        try:
            line.request("GET", parts.path, headers={"Connection": "close"})
            with line.getresponse() as answer:
                return _read(answer)
        finally:
            line.close()

    def _keep(self, target: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with staged(target, content) as stage:
            put_in_place(stage, target)
        by_age = sorted(self._folder.glob("*.pyz"), key=lambda path: path.stat().st_mtime_ns)
        others = [path for path in by_age if path != target]
        for old in others[: max(0, len(by_age) - _MOST_FILES)]:
            old.unlink()


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Read an answer to its end.

    :raises RefusedError: it says that there is no such archive.
    :raises OSError: it says anything else, is too long, or takes too long.
    """
    if answer.status == HTTPStatus.NOT_FOUND:
        raise RefusedError("unknown-agent", "the installation has no such agent")
    if answer.status != HTTPStatus.OK:
        raise OSError(f"the installation answers HTTP {answer.status}")
    ends_s = time.monotonic() + _FETCH_S
    content = bytearray()
    while chunk := answer.read1(_CHUNK_BYTES):
        content += chunk
        if len(content) > _MOST_BYTES:
            raise OSError(f"it is larger than {_MOST_BYTES} bytes")
        if time.monotonic() > ends_s:
            raise OSError(f"it takes longer than {_FETCH_S:.0f} s")
    return bytes(content)
