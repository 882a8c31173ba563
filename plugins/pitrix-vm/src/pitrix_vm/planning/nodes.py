"""The machines of a cluster: which there are, what they are called, and what cannot be made yet."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from pitrix_core.findings import Finding, Level
from pitrix_core.model import ImageQuery, PlannedNode
from pitrix_core.package import pointer_to
from pitrix_vm.cluster import UNNAMED, ClusterDocument, Role

#: Longest host name. Source: RFC 1123, section 2.1, and RFC 1035, section 2.3.4: 63 octets.
_HOST_NAME_CHARACTERS: Final = 63
#: Code of the finding about a cluster without machines.
NO_MACHINE: Final = "cluster.empty"


def planned_nodes(cluster: ClusterDocument, *, cluster_id: str) -> tuple[PlannedNode, ...]:
    """Return every machine to be made, role by role.

    A node's id follows from the cluster's, its role and its number, so that a plan made again names
    the same nodes.
    """
    return tuple(
        PlannedNode(
            id=node_id(cluster_id, role.name, sid),
            role=role.name,
            sid=sid,
            gid=sid,
            planned=_planned(role),
        )
        for role in cluster.roles
        for sid in range(1, role.count + 1)
    )


def node_id(cluster_id: str, role: str, sid: int) -> str:
    """Return the id of a node."""
    digest = hashlib.sha256(f"{cluster_id}/{role}/{sid}".encode()).hexdigest()
    return f"cln-{digest[:12]}"


def node_path(role: str, sid: int) -> str:
    """Return what tells a node from the others in task keys: ``ROLE/SID``."""
    return f"{role or UNNAMED}/{sid}"


def node_title(role: str, sid: int) -> str:
    """Return a node's name for a person."""
    return f"{role} {sid}".strip()


def host_name(name: str, role: str, sid: int) -> str:
    """Return a host name: letters, digits and dashes, the number always kept."""
    end = f"-{sid}"
    words = re.sub("[^a-z0-9]+", "-", f"{name}-{role}".lower()).strip("-") or "node"
    return words[: _HOST_NAME_CHARACTERS - len(end)].rstrip("-") + end


def image_of(role: Role) -> ImageQuery:
    """Return how a role names its image."""
    return ImageQuery(image=role.image, container=role.container)


def refusals(cluster: ClusterDocument, *, file: str) -> Iterator[Finding]:
    """Say what of a package is not done, and whether it can go on without."""
    if not any(role.count for role in cluster.roles):
        yield _finding(Level.ERROR, NO_MACHINE, "there is no machine in it", file, ())
    for number, role in enumerate(cluster.roles):
        at = ("nodes", number)
        if role.extra.get("replica"):
            message = "replicas of nodes are not made"
            yield _finding(Level.ERROR, "cluster.replica", message, file, (*at, "replica"))
        for name in ("custom_metadata", "loadbalancer"):
            if role.extra.get(name):
                message = f"{name} has no effect"
                yield _finding(Level.WARNING, f"cluster.{name}", message, file, (*at, name))
    for name in sorted(name for name, cluster_id in cluster.links.items() if cluster_id):
        message = f"the linked cluster {cluster.links[name]!r} is not shown to the machines"
        yield _finding(Level.WARNING, "cluster.link", message, file, ("links", name))


def _planned(role: Role) -> dict[str, int]:
    planned = {"cpu": role.cpu, "memory_mib": role.memory_mib}
    return planned | ({"volume_gib": role.volume.size_gib} if role.volume else {})


def _finding(level: Level, code: str, message: str, file: str, at: tuple[object, ...]) -> Finding:
    return Finding(level=level, code=code, message=message, file=file, pointer=pointer_to(at))
