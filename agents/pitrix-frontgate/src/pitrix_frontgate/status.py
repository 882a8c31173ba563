"""Tells what a Frontgate on this machine holds, from its own notes and its etcd."""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pitrix_drone.etcd import EtcdClient, EtcdError, KeyValue
from pitrix_drone.files import write_durably
from pitrix_frontgate import shapes, tree
from pitrix_frontgate.channel import Meeting
from pitrix_frontgate.config import SECURED, Places
from pitrix_frontgate.doors import certificate_end
from pitrix_frontgate.errors import FrontgateError
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.outbox import Outbox

#: Notes of before this are of a Frontgate that does not run as it should.
_FRESH_S: Final = 30.0


class Presence:
    """Writes down how the running Frontgate fares, for :func:`collect` in another process.

    :param path: the file with the notes.
    :param dropped: tells how many reports were more than their nodes may have.
    :param member: which of several machines this is; None for the only one.
    :param leads: it is its turn to be the Frontgate.
    :param clock: seconds since 1970.
    """

    def __init__(  # noqa: PLR0913  # all that there is to tell
        self,
        path: Path,
        *,
        endpoint: str,
        outbox: Outbox,
        identity: Identity,
        dropped: Callable[[], int] = lambda: 0,
        member: int | None = None,
        leads: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._clock = clock
        self._endpoint = endpoint
        self._outbox = outbox
        self._identity = identity
        self._dropped = dropped
        self._member = member
        self._leads = leads
        self._meeting: Meeting | None = None
        self._since_s = clock()
        self._written: dict[str, Any] = {}
        self._written_at_s = 0.0
        self._lock = threading.Lock()

    def connected(self, meeting: Meeting | None) -> None:
        """Write down which Pilot was met, or that it was lost."""
        self._meeting, self._since_s = meeting, self._clock()
        self.write()

    def write(self) -> None:
        """Write what has changed since the last time, and now and then that all goes on."""
        with self._lock:
            load = self._outbox.load()
            now = {
                "pid": os.getpid(),
                "endpoint": self._endpoint,
                "protocol": self._identity.protocol,
                "member": self._member,
                "leads": self._leads,
                "token_expires_at": self._identity.expires_at,
                "pilot_url": self._meeting.url if self._meeting else None,
                "way": self._meeting.way if self._meeting else None,
                "since": _written_time(self._since_s),
                "reports": {
                    "unacknowledged": load.frames,
                    "characters": load.size,
                    "left_out": load.left_out,
                    "dropped": self._dropped(),
                },
                "oldest_unacknowledged": _written_time(load.oldest_at_s),
            }
            is_stale = self._clock() - self._written_at_s > _FRESH_S / 3
            # of several machines, the one whose turn is over takes its notes away
            if is_stale or now != self._written or not self._path.exists():
                self._written, self._written_at_s = now, self._clock()
                write_durably(self._path, json.dumps({**now, "at_s": self._written_at_s}))


def collect(places: Places) -> dict[str, Any]:
    """Tell how the Frontgate that runs here fares.

    :raises FrontgateError: none is running here.
    """
    running = _running(places)
    is_responding = time.time() - running.pop("at_s") < _FRESH_S
    found = {
        "connected": running["pilot_url"] is not None,
        "responding": is_responding,
        "certificate_not_after": certificate_end(places),
        **running,
    }
    try:
        items = _read(places, running["endpoint"])
    except EtcdError as ex:
        return {**found, "etcd": {"healthy": False, "error": str(ex)}, "clusters": {}}
    return {**found, "etcd": {"healthy": True, "error": None}, "clusters": _clusters(items)}


def told(found: dict[str, Any]) -> str:
    """Put what :func:`collect` found into lines for people."""
    etcd = found["etcd"]
    where = f"to {found['pilot_url']} by {found['way']}" if found["connected"] else "to no Pilot"
    health = "healthy" if etcd["healthy"] else f"away: {etcd['error']}"
    lines = [
        *_member_lines(found),
        f"connected  {where}, since {found['since']}",
        f"token      {_token_line(found)}",
        f"tls        {_certificate_line(found)}",
        f"etcd       {found['endpoint']}, {health}",
        f"reports    {_reports_line(found)}",
        f"process    {found['pid']}" + ("" if found["responding"] else ", does not respond"),
    ]
    for cluster_id, cluster in sorted(found["clusters"].items()):
        lines.append(
            f"cluster    {cluster_id}, revision {cluster['revision']}, commands outstanding: "
            f"{cluster['commands_outstanding']}, results not acknowledged: "
            f"{cluster['results_unacknowledged']}"
        )
        lines += [f"  node     {name}  {_node_line(n)}" for name, n in cluster["nodes"].items()]
    return "\n".join(lines)


def _member_lines(found: dict[str, Any]) -> list[str]:
    number, has_majority = found["member"], found["etcd"]["healthy"]
    if number is None:
        return []
    if not has_majority:
        return [
            f"member     {number}, without a majority: nothing can be read or written until most",
            "           of the Frontgate's machines are up and reach one another",
        ]
    return [f"member     {number}, {'is the Frontgate now' if found['leads'] else 'stands by'}"]


def _reports_line(found: dict[str, Any]) -> str:
    load, oldest = found["reports"], found["oldest_unacknowledged"]
    more = f", {load['left_out']} more only in etcd" if load["left_out"] else ""
    dropped = f"; {load['dropped']} dropped, for their nodes wrote too much" * bool(load["dropped"])
    return f"{load['unacknowledged']} not acknowledged{more}; oldest: {oldest or 'none'}{dropped}"


def _token_line(found: dict[str, Any]) -> str:
    if found["protocol"] < SECURED:
        return "static (protocol 1)"
    if not found["leads"]:
        return "with the machine that is the Frontgate now"
    ends = found["token_expires_at"]
    return f"ends {ends}" if ends else "none yet: the Pilot has not let it in"


def _certificate_line(found: dict[str, Any]) -> str:
    ends = found["certificate_not_after"]
    return f"certificate ends {ends}" if ends else "no certificate: only drones of version 1 get in"


def _node_line(node: dict[str, Any]) -> str:
    if node["state"] is None:
        return "has not reported"
    detail = f": {node['detail']}" if node["detail"] else ""
    return f"{node['state']} from revision {node['revision']}, {node['at']}{detail}"


def _running(places: Places) -> dict[str, Any]:
    try:
        running: dict[str, Any] = json.loads(places.running.read_bytes())
        os.kill(running["pid"], 0)
    except (FileNotFoundError, ProcessLookupError) as ex:
        raise FrontgateError(
            f"no Frontgate is running with its state in {places.state}; start one with "
            "`frontgate.pyz run`, or set PITRIX_ROOT as it was set for the one that runs"
        ) from ex
    return running


def _read(places: Places, endpoint: str) -> tuple[KeyValue, ...]:
    password = places.root_password.read_text(encoding="utf-8").strip()
    client = EtcdClient([endpoint], user="root", password=password)
    try:
        return client.read([tree.CLUSTERS, tree.USERS]).items
    finally:
        client.close()


def _clusters(items: tuple[KeyValue, ...]) -> dict[str, Any]:
    clusters: dict[str, Any] = {}
    for item in sorted(items):
        if item.key.startswith(tree.CLUSTERS):
            cluster_id, _, path = item.key.removeprefix(tree.CLUSTERS).partition("/")
            _count(_cluster(clusters, cluster_id), path, item)
        else:
            cluster_id = json.loads(item.value)["cluster_id"]
            _node(_cluster(clusters, cluster_id), item.key.removeprefix(tree.USERS))
    return clusters


def _cluster(clusters: dict[str, Any], cluster_id: str) -> dict[str, Any]:
    empty = {"revision": 0, "nodes": {}, "commands_outstanding": 0, "results_unacknowledged": 0}
    found: dict[str, Any] = clusters.setdefault(cluster_id, empty)
    return found


def _node(cluster: dict[str, Any], node_id: str) -> dict[str, Any]:
    empty = {"state": None, "revision": 0, "detail": "", "at": None}
    found: dict[str, Any] = cluster["nodes"].setdefault(node_id, empty)
    return found


def _count(cluster: dict[str, Any], path: str, item: KeyValue) -> None:
    if path == "shared/revision":
        cluster["revision"] = int(item.value)
    elif path.startswith("commands/"):
        cluster["commands_outstanding"] += 1
    elif path.startswith("reports/") and "/results/" in path:
        cluster["results_unacknowledged"] += 1
    elif path.startswith("reports/") and path.endswith("/status"):
        _node(cluster, path.split("/")[1]).update(_status(item.value))


def _status(text: str) -> dict[str, Any]:
    """Read a node's status; a node may write anything there."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or shapes.open_findings(data, shapes.NODE_STATUS):
        return {"state": "malformed"}
    return {name: data[name] for name in ("state", "revision", "detail", "at")}


def _written_time(at_s: float | None) -> str | None:
    if at_s is None:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
