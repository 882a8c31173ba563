"""What a node logs in with: got once for the token of its user-data, and kept on its disk.

An answer can get lost, and the machine can end between any two steps. So the login is written down
before it is confirmed, and confirmed before it is used; until it is confirmed the token is good for
another one. What was written down counts for more than the token from then on.

A Frontgate with a new store does not know the login; it lets the node in again for it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import pathlib
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any, Callable, Final, NamedTuple

from pitrix_drone.config import Config, ConfigError
from pitrix_drone.etcd_connection import FORBIDDEN, OK, Connection
from pitrix_drone.etcd_http import tls_context
from pitrix_drone.etcd_wire import UNAVAILABLE, EtcdError, EtcdUnavailableError
from pitrix_drone.files import write_durably

log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 5.0
_MOST_BYTES: Final = 16 * 1024

#: Between two questions, whichever threads want to log in.
_PAUSE_S: Final = 0.3
#: After a refusal: only the operator, or new metadata, can make it good.
_REFUSED_PAUSE_S: Final = 30.0


class RefusedError(EtcdError):
    """The Frontgate does not let this node in."""


class _Saved(NamedTuple):
    password: str
    is_confirmed: bool


class Login:
    """Gets the password of a node of protocol 2. One thread at a time.

    :param path: where it is kept.
    :param enrol_urls: tells where to ask, in turn; only where the configuration says, by default.
    :param clock: monotonic seconds.
    :raises ConfigError: the authority's certificate is none.
    """

    def __init__(
        self,
        config: Config,
        path: pathlib.Path,
        *,
        enrol_urls: Callable[[], Sequence[str]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._enrol_urls = enrol_urls or (lambda: (config.enrol_url,))
        self._path = path
        self._clock = clock
        try:
            self._tls = tls_context(config.ca)
        except ValueError as ex:
            raise ConfigError(f"drone.json: /ca: {ex}") from ex
        self._failure: EtcdError | None = None
        self._again_at_s = 0.0
        self._saved = self._load()

    def password(self, refused: str | None) -> str:
        """Return what to log in with, asking the Frontgate where that is needed.

        :param refused: the password that etcd does not take.
        :raises EtcdError: there is none now; ask again.
        """
        saved = self._saved
        if saved is not None and saved.is_confirmed and saved.password != refused:
            return saved.password
        if self._failure is not None and self._clock() < self._again_at_s:
            raise self._failure
        try:
            return self._asked(refused)
        except EtcdError as ex:
            self._note(ex)
            raise

    def _asked(self, refused: str | None) -> str:
        saved = self._saved
        if saved is None:
            return self._enrolled()
        try:
            if saved.is_confirmed and saved.password == refused:
                self._ask("/v1/enrol", {"password": saved.password})
                log.info("let in again by a Frontgate that did not know this node")
                return saved.password
            return self._confirmed(saved.password)
        except RefusedError as ex:
            log.info("%s; the token of the configuration is tried", ex)
        return self._enrolled()

    def _enrolled(self) -> str:
        answer = self._ask("/v1/enrol", {"enrolment": self._config.enrolment})
        password = answer.get("password")
        if answer.get("user") != self._config.node_id or not isinstance(password, str):
            raise EtcdError(None, f"{self._config.enrol_url}: not the answer of a Frontgate")
        self._save(_Saved(password, is_confirmed=False))
        return self._confirmed(password)

    def _confirmed(self, password: str) -> str:
        self._ask("/v1/enrolled", {"password": password})
        self._save(_Saved(password, is_confirmed=True))
        self._failure = None
        return password

    def _ask(self, path: str, secret: dict[str, str]) -> dict[str, Any]:
        """Send one question, to whom answers first.

        :raises RefusedError: the Frontgate says no.
        :raises EtcdUnavailableError: it does not answer, or not now.
        """
        *others, last = self._enrol_urls()
        for url in others:
            with contextlib.suppress(EtcdUnavailableError):
                return self._ask_at(url, path, secret)
        return self._ask_at(last, path, secret)

    def _ask_at(self, enrol_url: str, path: str, secret: dict[str, str]) -> dict[str, Any]:
        who = {"cluster_id": self._config.cluster_id, "node_id": self._config.node_id}
        url = urllib.parse.urlsplit(enrol_url)
        connection = Connection(url.hostname or "", url.port, timeout_s=_TIMEOUT_S, tls=self._tls)
        headers = {"Content-Type": "application/json"}
        try:
            connection.connect()
            body = json.dumps({**who, **secret})
            response = connection.post(url.path.rstrip("/") + path, body, headers)
            status, raw = response.status, response.read(_MOST_BYTES)
        except OSError as ex:
            reason = f"{enrol_url}: {type(ex).__name__}: {ex}"
            raise EtcdUnavailableError(UNAVAILABLE, reason) from ex
        finally:
            connection.close()
        return _answer(enrol_url, status, raw)

    def _note(self, ex: EtcdError) -> None:
        """Hold back what would be asked in vain, and log each problem once."""
        if self._failure is None or self._failure.message != ex.message:
            log.info("not let in: %s; it is tried until it works", ex.message)
        self._failure = ex
        pause_s = _REFUSED_PAUSE_S if isinstance(ex, RefusedError) else _PAUSE_S
        self._again_at_s = self._clock() + pause_s

    def _load(self) -> _Saved | None:
        """Read what was written down; that of another node, as in a copied image, is not ours."""
        try:
            data = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as ex:
            log.warning("%s: cannot be read and is left out: %s", self._path, ex)
            return None
        if not isinstance(data, dict) or data.get("node_id") != self._config.node_id:
            log.warning("%s: not this node's and left out", self._path)
            return None
        return _Saved(str(data.get("password")), data.get("is_confirmed") is True)

    def _save(self, saved: _Saved) -> None:
        try:
            data = {"node_id": self._config.node_id, **saved._asdict()}
            write_durably(self._path, json.dumps(data))
        except OSError as ex:
            raise EtcdUnavailableError(UNAVAILABLE, f"{self._path}: {ex}") from ex
        self._saved = saved


def _answer(where: str, status: int, raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise EtcdUnavailableError(UNAVAILABLE, f"{where}: HTTP {status}: not a Frontgate's answer")
    if status == OK:
        return body
    words = f"{where}: {body.get('code')}: {body.get('message')}"
    if status == FORBIDDEN:
        raise RefusedError(None, words, status)
    raise EtcdUnavailableError(UNAVAILABLE, words)
