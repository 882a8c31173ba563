"""Several machines that are one Frontgate take turns: the one whose etcd leads is the Frontgate.

It alone speaks with the Pilot, lets nodes in, and changes users; the others keep its etcd with it,
serve drones that read there, and wait. A machine that leads no more gives up before another one
begins: that one waits for a while. What it must have in common with the others stands in etcd.
"""

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pitrix_drone.etcd import EtcdClient, EtcdError, if_mod_revision, op_delete
from pitrix_frontgate import tree
from pitrix_frontgate.config import Places
from pitrix_frontgate.doors import Doorkeeper
from pitrix_frontgate.errors import FrameError
from pitrix_frontgate.etcd_server import TLS_PORT, EtcdServer, member_name
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.joining import Entrance
from pitrix_frontgate.members import Members
from pitrix_frontgate.status import Presence

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
#: A machine that begins to lead waits so long: the one before notices within :data:`_LOOK_S`.
_SETTLED_S: Final = 3.0
#: How long each of the others may take to cut its connections; one that does not is away.
_CUT_S: Final = 5.0


class Turn:
    """What the machine whose turn it is has to do with the others.

    :param number: of this machine.
    :param address: of this machine.
    """

    def __init__(
        self,
        members: Members,
        client: EtcdClient,
        *,
        number: int,
        address: str,
        places: Places,
    ) -> None:
        self._members = members
        self._client = client
        self._number = number
        self._own = _endpoint(address)
        self.endpoints = self._endpoints()
        self.entrance = Entrance(client, members, number=number, root_password=places.root_password)

    def is_over(self) -> bool:
        """Tell whether another machine leads, or drones are to be told of other machines."""
        if not self._members.leads():
            return True
        try:
            self._members.settle()
            return self._endpoints() != self.endpoints
        except EtcdError as ex:
            log.info("the members cannot be looked at now: %s", ex)
            return False

    def wishes(self) -> list[dict[str, Any]]:
        """List what certificates other machines need; none where etcd cannot be asked now."""
        try:
            return self.entrance.wishes()
        except EtcdError:
            return []

    def adopt(self, identity: Identity) -> None:
        """Show the Pilot what the machine before was given last."""
        try:
            found = self._client.get(tree.SHOWN)
            if found is not None:
                identity.take(json.loads(found.value))
        except (EtcdError, FrameError, OSError, ValueError) as ex:
            log.warning("the token of the others cannot be used: %s", ex)

    def share(self, token: Mapping[str, Any]) -> None:
        """Hand the newest token to the others; what does not arrive, the next one makes good."""
        try:
            self._client.put(tree.SHOWN, json.dumps(dict(token)))
        except EtcdError as ex:
            log.info("the token cannot be shared now: %s", ex)

    def cut_others(self) -> None:
        """End every connection of drones at the other machines, at one after the other.

        One that is away does so when it is back.

        :raises EtcdError: the others cannot be told.
        """
        own = member_name(self._number)
        for name in [each.name for each in self._members.listed()]:
            if name and name != own:
                self._have_cut(tree.CUTS + name)

    def _have_cut(self, key: str) -> None:
        """Ask one machine, and wait for it: most of them have to be there at any time."""
        self._client.put(key, "")
        deadline_s = time.monotonic() + _CUT_S
        while time.monotonic() < deadline_s:
            with contextlib.suppress(EtcdError):  # whoever leads may change meanwhile
                if self._client.get(key) is None:
                    return
            time.sleep(_LOOK_S / 5)

    def _endpoints(self) -> tuple[str, ...]:
        """List where drones reach the full members, this one first."""
        urls = (each.peer_url for each in self._members.listed() if not each.is_learner)
        found = (_endpoint(urlsplit(url).hostname or "") for url in urls if url.startswith("https"))
        return tuple(dict.fromkeys((self._own, *found)))


def take_turns(  # noqa: PLR0913  # its parts
    members: Members,
    client: EtcdClient,
    server: EtcdServer,
    *,
    number: int,
    places: Places,
    keeper: Doorkeeper,
    presence: Presence,
    serve: Callable[[Turn], None],
    stop: threading.Event,
) -> None:
    """Stand by until this machine's etcd leads, be the Frontgate until it does not, and again.

    :param keeper: takes certificates as long as others lead.
    :param presence: tells how this machine fares as long as others lead.
    :param serve: returns when *stop* is set, or :meth:`Turn.is_over`.
    """
    for _ in _leading(members, _Follower(client, server, number, keeper), presence, stop):
        try:
            turn = Turn(members, client, number=number, address=server.address, places=places)
        except EtcdError as ex:
            log.info("this machine cannot begin now: %s", ex)
            continue
        log.info("this machine is the Frontgate now")
        serve(turn)


class _Follower:
    """Does what the machine that leads asks of the others. One thread at a time."""

    def __init__(
        self, client: EtcdClient, server: EtcdServer, number: int, keeper: Doorkeeper
    ) -> None:
        self._client = client
        self._server = server
        self._number = number
        self._keeper = keeper
        self._had: str | None = None
        #: Revision of the last request to cut connections that was carried out.
        self._cut_for = 0

    def follow(self) -> None:
        """Cut connections, and take a newer certificate, where that is due.

        :raises EtcdError: etcd cannot be asked.
        """
        self._cut()
        found = self._client.get(f"{tree.CERTIFICATES}{self._number}")
        if found is None or found.value == self._had:
            return
        self._had = found.value
        body = json.loads(found.value)
        if self._keeper.is_newer(body):
            self._keeper.certify(body)

    def _cut(self) -> None:
        """Restart etcd once for each time that it is asked for, and say so when it is back."""
        key = tree.CUTS + member_name(self._number)
        wanted = self._client.get(key)
        if wanted is None:
            return
        if wanted.mod_revision != self._cut_for:
            log.info("a node lost its access: every connection is cut")
            self._cut_for = wanted.mod_revision
            self._server.restart()
        self._client.txn([if_mod_revision(key, wanted.mod_revision)], [op_delete(key)])


def _leading(
    members: Members, follower: _Follower, presence: Presence, stop: threading.Event
) -> Iterator[None]:
    """Go on each time that this machine has led for a while."""
    since_s: float | None = None
    while not stop.wait(_LOOK_S):
        presence.write()
        try:
            follower.follow()  # also before it begins to lead: nobody else would do it
        except (EtcdError, FrameError, ValueError) as ex:
            log.info("what the others ask for cannot be looked at now: %s", ex)
        if not members.leads():
            since_s = None
            continue
        since_s = since_s or time.monotonic()
        if time.monotonic() - since_s >= _SETTLED_S:
            yield
            since_s = None


def _endpoint(address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"https://{host}:{TLS_PORT}"
