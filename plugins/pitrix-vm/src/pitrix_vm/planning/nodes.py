"""The machines of a cluster: which there are, what they are called, what speaks against them."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.model import PlannedNode, Runtime
from pitrix_core.package import pointer_to
from pitrix_vm.cluster import UNNAMED, ClusterDocument, Role

#: Longest host name. Source: RFC 1123, section 2.1, and RFC 1035, section 2.3.4: 63 octets.
_HOST_NAME_CHARACTERS: Final = 63


def planned_nodes(cluster: ClusterDocument, *, cluster_id: str) -> tuple[PlannedNode, ...]:
    """Return every machine to be made, role by role; replicas have their master's gid.

    A node's id follows from the cluster's, its role and its number, so that a plan made again names
    the same nodes.
    """
    return tuple(
        PlannedNode(
            id=node_id(cluster_id, role.name, sid),
            role=role.name,
            sid=sid,
            gid=role.gid_of(sid),
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


def with_images_at(cluster: ClusterDocument, runtime: Runtime) -> ClusterDocument:
    """Return a cluster whose roles name one image each: the runtime's. A role that names none for
    it stays as it is; :func:`refusals` tells of those with machines.
    """
    roles = (attrs.evolve(r, image=r.image.at(runtime) or r.image) for r in cluster.roles)
    return attrs.evolve(cluster, roles=tuple(roles))


def refusals(cluster: ClusterDocument, runtime: Runtime, *, file: str) -> Iterator[Finding]:
    """Say why a cluster cannot be made on a runtime."""
    yield from emptiness(cluster, file=file)
    for role in cluster.roles:
        if role.count and role.master is None and role.image.at(runtime) is None:
            place = runtime.provider + (f" (zone {runtime.zone})" if runtime.zone else "")
            message = f"there is no image for {place}; there are some for {role.image.clouds()}"
            at = ("nodes", role.index, "container", "image")
            yield _refusal("cluster.image", message, file, at)


def emptiness(cluster: ClusterDocument, *, file: str) -> Iterator[Finding]:
    """Say so where a cluster has no machine: it cannot be made anywhere."""
    if not any(role.count for role in cluster.roles):
        yield _refusal("cluster.empty", "there is no machine in it", file, ())


def _planned(role: Role) -> dict[str, int]:
    planned = {"cpu": role.cpu, "memory_mib": role.memory_mib}
    return planned | ({"volume_gib": role.volume.size_gib} if role.volume else {})


def _refusal(code: str, message: str, file: str, at: tuple[object, ...]) -> Finding:
    return Finding(level=Level.ERROR, code=code, message=message, file=file, pointer=pointer_to(at))
