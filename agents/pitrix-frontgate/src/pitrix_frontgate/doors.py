"""Decides through which doors drones get in, and cuts off those who may not stay.

The certificate comes from the Pilot, signed by this Frontgate's own authority. Certificate and key
stand in one file, so that a crash never leaves one without the other; etcd and the enrolment read
it anew for each connection.
"""

import datetime as dt
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pitrix_drone.files import put_in_place, staged, write_durably
from pitrix_frontgate import shapes
from pitrix_frontgate.config import Places
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.etcd_server import Doors, EtcdServer

log = logging.getLogger(__name__)

#: A certificate is renewed when it lasts no longer than this.
_RENEW_BEFORE: Final = dt.timedelta(days=30)

#: etcd takes half a second to come back; more on a machine that is busy.
_BACK_S: Final = 30.0

#: The Pilot is asked again after so long.
_ASK_AGAIN_S: Final = 60.0


class Doorkeeper:
    """The one who changes etcd's doors. Thread-safe.

    :param server: whose doors they are; started with :func:`first_doors`.
    :param is_plain_always: the Frontgate itself is of version 1.
    :param is_member: it is one of several machines, whose etcds speak with one another.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        server: EtcdServer,
        places: Places,
        *,
        is_plain_always: bool = False,
        is_member: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._places = places
        self._is_plain_always = is_plain_always
        self._is_member = is_member
        self._clock = clock
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._ask_at_s = 0.0
        self._not_after = _not_after(places, server.tls_endpoint)

    def certify(self, body: Mapping[str, Any]) -> None:
        """Take a certificate of the Pilot, as ``tls.put`` has it, and open the door for it.

        :raises FrameError: it cannot be used; the one before stays.
        """
        with self._lock:
            identity = self._places.identity
            content = f"{body['key']}\n{body['certificate']}\n".encode("utf-8", "replace")
            with staged(identity, content) as stage:
                try:
                    server_context(stage)
                except (OSError, ValueError) as ex:
                    message = f"tls.put: certificate and key cannot be used: {ex}"
                    raise FrameError("bad-certificate", message) from ex
                put_in_place(stage, identity)
            note_certificate(self._places, body, endpoint=self._server.tls_endpoint)
            self._not_after = _time(body["not_after"])
            peers = self._places.authority if self._is_member else None
            self._server.open(self._server.doors._replace(identity=identity, peers=peers))
            log.info("the certificate is good until %s", body["not_after"])

    def is_newer(self, body: Mapping[str, Any]) -> bool:
        """Tell whether a certificate lasts longer than the one there is."""
        with self._lock:
            return self._not_after is None or _time(body["not_after"]) > self._not_after

    def is_renewal_due(self) -> bool:
        """Tell whether to ask for a certificate now; says so once a minute at most."""
        with self._lock:
            now = dt.datetime.now(dt.UTC)
            if self._not_after is not None and self._not_after - now > _RENEW_BEFORE:
                return False
            if self._clock() < self._ask_at_s:
                return False
            self._ask_at_s = self._clock() + _ASK_AGAIN_S
            return True

    def set_plain(self, *, is_needed: bool) -> None:
        """Open or close the door of version 1."""
        with self._lock:
            if is_needed:
                self._places.plain.touch(mode=0o600)
            else:
                self._places.plain.unlink(missing_ok=True)
            is_plain = is_needed or self._is_plain_always
            self._server.open(self._server.doors._replace(is_plain=is_plain))

    def close(self) -> None:
        """Wait for etcd no more."""
        self._stop.set()

    def cut(self) -> None:
        """End every connection: a watch goes on when its user is removed, and etcd ends no single
        one. Drones are back within seconds, and miss nothing.

        :raises EtcdServerError: etcd did not come back within half a minute.
        """
        log.info("a node lost its access: every connection is cut")
        self._server.restart()
        self._server.await_ready(within_s=_BACK_S, stop=self._stop)


def first_doors(places: Places, *, is_plain_always: bool, is_member: bool = False) -> Doors:
    """Tell how drones get in as long as the Pilot has not said anything new."""
    identity = places.identity if places.identity.exists() else None
    has_peers = is_member and identity is not None and places.authority.exists()
    return Doors(
        identity=identity,
        is_plain=is_plain_always or places.plain.exists(),
        peers=places.authority if has_peers else None,
    )


def note_certificate(places: Places, body: Mapping[str, Any], *, endpoint: str) -> None:
    """Write down what is known of a certificate that was put in its place."""
    write_durably(places.authority, body["ca"])
    said = {"not_after": body["not_after"], "endpoint": endpoint}
    write_durably(places.certificate, json.dumps(said))


def server_context(identity: Path) -> ssl.SSLContext:
    """Read certificate and key.

    :raises OSError: there are none that belong together; ``ssl.SSLError`` is one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identity)
    return context


def certificate_end(places: Places) -> str | None:
    """Tell until when the certificate is good; None when there is none."""
    return _noted(places).get("not_after")


def _not_after(places: Places, endpoint: str) -> dt.datetime | None:
    """Read how long the certificate is good; None when there is none for this address."""
    noted = _noted(places)
    return _time(noted["not_after"]) if noted.get("endpoint") == endpoint else None


def _noted(places: Places) -> dict[str, str]:
    """Read what was noted of the certificate; nothing where it makes no sense."""
    try:
        noted = json.loads(places.certificate.read_bytes())
    except (OSError, ValueError):
        return {}
    shape = {"not_after": shapes.is_time, "endpoint": shapes.text(512)}
    return noted if isinstance(noted, dict) and not shapes.open_findings(noted, shape) else {}


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
