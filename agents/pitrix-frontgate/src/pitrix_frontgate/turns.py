"""Several machines that are one Frontgate take turns: the one whose etcd leads is the Frontgate.

It alone speaks with the Pilot, lets nodes in, and changes users; the others keep its etcd with it,
serve drones that read there, and wait. A machine that leads no more gives up before another one
begins: that one waits for a while. What it must have in common with the others stands in etcd.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pitrix_drone.etcd import EtcdClient, EtcdError
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
#: How long the others may take to cut their connections; one that does not is away.
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

    def cut(self, cut_own: Callable[[], None]) -> None:
        """End every connection of drones, at the other machines and then here.

        :raises EtcdError: the others cannot be told.
        """
        before = self._client.get(tree.CUTS)
        count = str(int(before.value) + 1 if before else 1)
        self._client.put(tree.CUTS, count)
        others = [each.name for each in self._members.listed() if each.name]
        waited_for = {_cut_by(name) for name in others} - {_cut_by(member_name(self._number))}
        deadline_s = time.monotonic() + _CUT_S
        while waited_for and time.monotonic() < deadline_s:
            items = self._client.get_prefix(f"{tree.CUTS}/").items
            waited_for -= {item.key for item in items if item.value == count}
            time.sleep(_LOOK_S / 5)
        cut_own()
        self._client.put(_cut_by(member_name(self._number)), count)

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

    def follow(self) -> None:
        """Cut connections, and take a newer certificate, where that is due.

        :raises EtcdError: etcd cannot be asked.
        """
        own = _cut_by(member_name(self._number))
        wanted, done = self._client.get(tree.CUTS), self._client.get(own)
        if wanted is not None and (done is None or done.value != wanted.value):
            log.info("a node lost its access: every connection is cut")
            self._server.restart()
            self._client.put(own, wanted.value)
        found = self._client.get(f"{tree.CERTIFICATES}{self._number}")
        if found is None or found.value == self._had:
            return
        self._had = found.value
        body = json.loads(found.value)
        if self._keeper.is_newer(body):
            self._keeper.certify(body)


def _leading(
    members: Members, follower: _Follower, presence: Presence, stop: threading.Event
) -> Iterator[None]:
    """Go on each time that this machine has led for a while."""
    since_s: float | None = None
    while not stop.wait(_LOOK_S):
        if members.leads():
            since_s = since_s or time.monotonic()
            if time.monotonic() - since_s >= _SETTLED_S:
                yield
                since_s = None
            continue
        since_s = None
        presence.write()
        try:
            follower.follow()
        except (EtcdError, FrameError, ValueError) as ex:
            log.info("what the others ask for cannot be looked at now: %s", ex)


def _cut_by(name: str) -> str:
    return f"{tree.CUTS}/{name}"


def _endpoint(address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"https://{host}:{TLS_PORT}"
