"""How another machine becomes part of a Frontgate: what it shows, what it is given.

The Pilot says which numbers there are, and by which one-time token each is known. A machine that
shows its token gets a certificate by the Frontgate's own authority, which the Pilot signs, the
password of etcd's root, and its place among the members. The token is worth nothing once the
machine is a full member.
"""

import datetime as dt
import hashlib
import hmac
import http.client
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pitrix_drone.etcd import EtcdClient, op_delete, op_put
from pitrix_drone.files import write_durably
from pitrix_frontgate import shapes, tree
from pitrix_frontgate.config import FrontgateConfig, Places
from pitrix_frontgate.doors import note_certificate
from pitrix_frontgate.enrolment import RefusedError
from pitrix_frontgate.errors import FrontgateError
from pitrix_frontgate.etcd_server import member_name, peer_url
from pitrix_frontgate.members import Members

log = logging.getLogger(__name__)

#: A certificate that lasts no longer than this is asked for anew; the machine's own has the same.
_RENEW_BEFORE: Final = dt.timedelta(days=30)
_ASK_AGAIN_S: Final = 60.0
_MEMBER: Final = member_name(0)[:-1]
_TIMEOUT_S: Final = 10.0
_MOST_BYTES: Final = 256 * 1024
_PAUSE_S: Final = 1.0
_REFUSED_PAUSE_S: Final = 30.0


class Entrance:
    """Lets other machines in. Thread-safe by its lock.

    :param client: with root's rights.
    :param number: of this machine.
    :param root_password: the file with the password of etcd's root.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        client: EtcdClient,
        members: Members,
        *,
        number: int,
        root_password: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._members = members
        self._number = number
        self._root_password = root_password
        self._clock = clock
        self._asked_at_s: dict[int, float] = {}
        self._lock = threading.Lock()

    def expect(self, body: Mapping[str, Any]) -> None:
        """Take note of who may join, as ``etcd.members`` has it; of nobody else from now on."""
        wanted = {str(each["number"]): each for each in body["members"]}
        with self._lock:
            known = self._entries()
            steps = [op_delete(tree.MEMBERS + number) for number in known.keys() - wanted.keys()]
            for number, each in wanted.items():
                before = known.get(number, {})
                is_same = before.get("enrolment_sha256") == each["enrolment_sha256"]
                entry = {
                    "enrolment_sha256": each["enrolment_sha256"],
                    "expires_at": each["expires_at"],
                    "address": before.get("address", ""),
                    # of a number that has another token, the machine is another one, too
                    "is_new": before["is_new"] if is_same else True,
                }
                steps.append(op_put(tree.MEMBERS + number, json.dumps(entry)))
            self._client.txn([], steps)

    def keep(self, body: Mapping[str, Any]) -> None:
        """Keep a certificate for another machine, as ``tls.put`` has it."""
        self._client.put(f"{tree.CERTIFICATES}{body['member']}", json.dumps(dict(body)))

    def wishes(self) -> list[dict[str, Any]]:
        """List what certificates are to be asked for now, each once a minute at most.

        :raises EtcdError: etcd cannot be asked.
        """
        due = []
        for number, address in self._addresses().items():
            asked_at_s = self._asked_at_s.get(number)
            is_early = asked_at_s is not None and self._clock() - asked_at_s < _ASK_AGAIN_S
            if not is_early and self._certificate(str(number), address) is None:
                self._asked_at_s[number] = self._clock()
                due.append({"member": number, "hosts": [address]})
        return due

    def _addresses(self) -> dict[int, str]:
        """Return where the other machines are, also the one that was let in by nobody."""
        named = {
            int(each.name.rpartition("-")[2]): urlsplit(each.peer_url).hostname or ""
            for each in self._members.listed()
            if each.name.startswith(_MEMBER) and each.name != member_name(self._number)
        }
        entries = self._entries().items()
        return {**named, **{int(n): entry["address"] for n, entry in entries if entry["address"]}}

    def join(self, *, member: int, token: str, address: str) -> dict[str, Any]:
        """Give a machine what it needs to be one of them.

        :raises RefusedError: it is not to be, or not yet.
        :raises EtcdError: not now; it asks again.
        """
        with self._lock:
            key = f"{tree.MEMBERS}{member}"
            entry = self._require(key, token)
            url = peer_url(address)
            if entry["is_new"] or entry["address"] != address:
                self._members.remove(member, peer_url(entry["address"]))
                changed = {**entry, "address": address, "is_new": False}
                # no two machines have the same key
                own = op_delete(f"{tree.CERTIFICATES}{member}")
                self._client.txn([], [op_put(key, json.dumps(changed)), own])
                self._asked_at_s.pop(member, None)
            elif any(
                each.peer_url == url and not each.is_learner for each in self._members.listed()
            ):
                raise RefusedError(
                    "enrolment-used", f"member {member} is one of this Frontgate already"
                )
            certificate = self._certificate(str(member), address)
            if certificate is None:
                raise RefusedError("unavailable", "its certificate is being signed; ask again")
            initial = self._members.admit(member, url)
        password = self._root_password.read_text(encoding="utf-8").strip()
        return {**certificate, "root_password": password, "initial_cluster": initial}

    def _require(self, key: str, token: str) -> dict[str, Any]:
        found = self._client.get(key)
        entry: dict[str, Any] = {} if found is None else json.loads(found.value)
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        if not hmac.compare_digest(digest, entry.get("enrolment_sha256", "")):
            raise RefusedError("enrolment-wrong", "no machine with this token is expected here")
        if dt.datetime.fromisoformat(entry["expires_at"]) <= dt.datetime.now(dt.UTC):
            raise RefusedError("enrolment-expired", f"the token expired at {entry['expires_at']}")
        return entry

    def _entries(self) -> dict[str, dict[str, Any]]:
        items = self._client.get_prefix(tree.MEMBERS).items
        return {item.key.removeprefix(tree.MEMBERS): json.loads(item.value) for item in items}

    def _certificate(self, number: str, address: str) -> dict[str, Any] | None:
        """Read the certificate of a machine; None where there is none that lasts."""
        found = self._client.get(tree.CERTIFICATES + number)
        body: dict[str, Any] = {} if found is None else json.loads(found.value)
        if body.get("hosts") != [address]:
            return None
        left = dt.datetime.fromisoformat(body["not_after"]) - dt.datetime.now(dt.UTC)
        return body if left > _RENEW_BEFORE else None


_GIVEN: Final[Mapping[str, shapes.Check]] = {
    **shapes.TLS_PUT,
    "root_password": shapes.is_password,
    "initial_cluster": shapes.text(4096, least=1),
}


def join(config: FrontgateConfig, places: Places, *, address: str, stop: threading.Event) -> None:
    """Ask the others until this machine is let in, and write down what they give it.

    :raises FrontgateError: the authority that they are to be known by is none.
    """
    try:
        tls = ssl.create_default_context(cadata=config.join_ca)
    except ValueError as ex:
        raise FrontgateError(f"frontgate.json: /join_ca: {ex}") from ex
    question = {"member": config.member, "enrolment": config.secret, "address": address}
    said = ""
    pause_s = 0.0
    while not stop.wait(pause_s):
        for url in config.join_urls:
            status, answer = _asked(url, question, tls)
            if status == HTTPStatus.OK and not shapes.open_findings(answer, _GIVEN):
                _write_down(places, answer, address=address)
                log.info("let in by %s", url)
                return
            pause_s = _REFUSED_PAUSE_S if status == HTTPStatus.FORBIDDEN else _PAUSE_S
            problem = f"{url}: {answer.get('code')}: {answer.get('message')}"
            if problem != said:
                log.info("not let in: %s; it is tried until it works", problem)
            said = problem


def _asked(
    url: str, question: Mapping[str, Any], tls: ssl.SSLContext
) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, timeout=_TIMEOUT_S, context=tls
    )
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/join", json.dumps(question), headers)
        response = connection.getresponse()
        answer = json.loads(response.read(_MOST_BYTES))
        return response.status, answer if isinstance(answer, dict) else {}
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as ex:
        return 0, {"code": type(ex).__name__, "message": str(ex)}
    finally:
        connection.close()


def _write_down(places: Places, answer: Mapping[str, Any], *, address: str) -> None:
    """Write the list of members last: it says that all else is there."""
    write_durably(places.root_password, answer["root_password"])
    write_durably(places.identity, f"{answer['key']}\n{answer['certificate']}\n")
    note_certificate(places, answer, endpoint=f"https://{address}:2381")
    write_durably(places.initial_cluster, answer["initial_cluster"])
