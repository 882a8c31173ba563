"""Look at display tabs: tables that a command of the package fills in on one node of a cluster.

Asking puts a command into the outbox; the answer comes when the node has run it, so that nobody
holds a thread or a connection meanwhile. Who asks again within some seconds gets the same answer.
"""

import enum
import hashlib
import json
from typing import Any, Final

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.errors import ConflictError, InvalidInputError, NotFoundError
from pitrix_core.model import (
    Cluster,
    ClusterState,
    DisplayTab,
    HealthState,
    JsonObject,
    Node,
    NodeState,
)
from pitrix_core.model.access import Action, Actor
from pitrix_core.model.frontgate import SECURED
from pitrix_core.service.access import find_cluster, require_seen
from pitrix_core.service.inputs import TabInput
from pitrix_core.service.services import Services
from pitrix_core.store import Transaction
from pitrix_core.store.agents import Message

#: Seconds for which an answer is good; a user can have a node run no more than so often.
_GOOD_FOR_S: Final = 5
#: Seconds that a command and its answer may be on their way.
_ON_THE_WAY_S: Final = 30.0
#: Begins the id of the message that asks for a tab.
_PREFIX: Final = "tab-"
#: A state of agents/protocol, section 3.
_CONFIGURED: Final = "configured"


class TabState(enum.StrEnum):
    """How it stands with a table."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class TabAnswer:
    """A table, as far as it has come back."""

    id: str
    cluster_id: str
    #: Which node was asked.
    node_id: str
    state: TabState
    labels: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    #: What went wrong; empty for nothing.
    error: str = ""


def tabs(services: Services, actor: Actor, cluster_id: str) -> tuple[DisplayTab, ...]:
    """Return a cluster's tabs, in the package's order.

    :param cluster_id: or its name.
    :raises NotFoundError: there is no such cluster.
    :raises PackageError: its package cannot be read any more.
    """
    with services.store.read() as tx:
        cluster = find_cluster(tx, actor, cluster_id)
    return _tabs_of(services, cluster)


def ask(services: Services, actor: Actor, cluster_id: str, data: TabInput) -> TabAnswer:
    """Have a node fill in a tab.

    :param cluster_id: or its name.
    :raises NotFoundError: there is no such cluster.
    :raises InvalidInputError: it has no such tab, or no such node.
    :raises ConflictError: no node can fill it in now.
    """
    with services.store.read() as tx:
        cluster = find_cluster(tx, actor, cluster_id)
    tab = _named(_tabs_of(services, cluster), data.title)
    with services.store.begin() as tx:
        node = _chosen(tx, cluster, tab, data.node_id)
        request_id = _request_id(tx, node, tab)
        body: JsonObject = {
            "command_id": request_id,
            "cluster_id": cluster.id,
            "node_id": node.id,
            "cmd": tab.cmd,
            "timeout_s": tab.timeout_s,
            "idempotent": True,
            "answer": "table",
        }
        _send(tx, cluster, request_id, body)
    return answer(services, actor, request_id)


def answer(services: Services, actor: Actor, request_id: str) -> TabAnswer:
    """Return what has come of a request for a tab.

    :raises NotFoundError: there was no such request, or it was long ago.
    """
    with services.store.read() as tx:
        asked = tx.agents.sent(request_id) if request_id.startswith(_PREFIX) else None
        if asked is None or asked.created_at is None:
            raise NotFoundError(f"There is no tab {request_id!r}.", next_step="Ask for it again.")
        cluster_id, node_id = asked.body["cluster_id"], asked.body["node_id"]
        owner = tx.clusters.get(cluster_id).owner
        step = "Ask for it again."
        what = f"tab {request_id!r}"
        require_seen(tx, actor, Action.CLUSTERS_READ, owner=owner, what=what, next_step=step)
        reply = tx.agents.answer_to(request_id)
        waited_s = (tx.now - asked.created_at).total_seconds()
    pending = TabAnswer(id=request_id, cluster_id=cluster_id, node_id=node_id, state=TabState.ASKED)
    if reply is not None:
        return attrs.evolve(pending, **_outcome(reply))
    if waited_s > asked.body["timeout_s"] + _ON_THE_WAY_S:
        return _failed(pending, "the node has not answered in time")
    return pending


def _tabs_of(services: Services, cluster: Cluster) -> tuple[DisplayTab, ...]:
    with services.store.read() as tx:
        version = tx.catalog.version(cluster.app_version_id)
    package = services.loader.load(version)
    with asking(package.app_type, to="list the tabs"):
        return package.app_type.display_tabs(package.spec, cluster.config)


def _named(found: tuple[DisplayTab, ...], title: str) -> DisplayTab:
    for tab in found:
        if tab.title == title:
            return tab
    titles = ", ".join(tab.title for tab in found)
    raise InvalidInputError(
        f"The cluster has no tab {title!r}.",
        pointer="/title",
        next_step=f"There is: {titles}" if titles else "Its package has none at all.",
    )


def _chosen(tx: Transaction, cluster: Cluster, tab: DisplayTab, node_id: str | None) -> Node:
    """Return the node that is asked: any will do, and a healthy one best."""
    nodes = tx.clusters.nodes(cluster.id)
    if node_id is not None and all(node.id != node_id for node in nodes):
        raise InvalidInputError(
            f"The cluster has no node {node_id!r}.",
            pointer="/node_id",
            next_step=f"See: pitrix cluster show {cluster.id}",
        )
    able = [
        node
        for node in nodes
        if node.state is NodeState.RUNNING
        and node.agent.get("state") == _CONFIGURED
        and (not tab.roles or node.role in tab.roles)
        and node_id in (None, node.id)
    ]
    if cluster.state is not ClusterState.ACTIVE or not able:
        raise ConflictError(
            f"No node can fill in {tab.title!r} now.",
            next_step=f"See: pitrix cluster show {cluster.id}",
        )
    return min(able, key=_is_unwell)


def _is_unwell(node: Node) -> bool:
    return node.health is not None and node.health.state is not HealthState.HEALTHY


def _request_id(tx: Transaction, node: Node, tab: DisplayTab) -> str:
    """Name a request so that all of some seconds are one."""
    digest = hashlib.sha256(f"{node.id}/{tab.title}".encode()).hexdigest()[:32]
    return f"{_PREFIX}{digest}-{int(tx.now.timestamp()) // _GOOD_FOR_S}"


def _send(tx: Transaction, cluster: Cluster, request_id: str, body: JsonObject) -> None:
    frontgate = tx.agents.frontgate_serving(cluster.id)
    if frontgate is None or frontgate.connected_at is None:
        raise ConflictError(
            "The cluster's Frontgate is not connected.", next_step="Ask again in a while."
        )
    if frontgate.protocol < SECURED:
        raise ConflictError(
            "The cluster's Frontgate is too old for tabs.", next_step="Replace it with a new one."
        )
    tx.agents.send(Message(id=request_id, frontgate_id=frontgate.id, type="command.run", body=body))


# -- answers ---------------------------------------------------------------------------------------


def _failed(pending: TabAnswer, error: str) -> TabAnswer:
    return attrs.evolve(pending, state=TabState.FAILED, error=error)


def _outcome(reply: Message) -> dict[str, Any]:
    """Return what an answer says, as changes of what was known."""
    result, error = reply.body, ""
    if reply.type == "failed":
        error = f"the Frontgate refused: {result.get('message')}"
    elif result.get("state") == "refused":
        error = str(result.get("output"))
    elif result.get("state") != "done":
        error = "the command was not done in time"
    elif result.get("exit_code") != 0:
        error = f"the command ended with exit code {result.get('exit_code')}"
    elif result.get("truncated"):
        error = "the command printed more than 64 KiB"
    if error:
        return {"state": TabState.FAILED, "error": error}
    return _table(str(result.get("output")))


def _table(text: str) -> dict[str, Any]:
    """Read a table: ``{"labels": […], "data": [[…], …]}``."""
    try:
        match json.loads(text):
            case {"labels": [*labels], "data": [*data]} if all(isinstance(r, list) for r in data):
                return {
                    "state": TabState.DONE,
                    "labels": tuple(map(_cell, labels)),
                    "rows": tuple(tuple(map(_cell, row)) for row in data),
                }
    except (ValueError, RecursionError):
        pass
    error = 'the command did not print {"labels": […], "data": [[…], …]}'
    return {"state": TabState.FAILED, "error": error}


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
