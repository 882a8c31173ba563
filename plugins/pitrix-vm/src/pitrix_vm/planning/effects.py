"""What of a package has no effect yet: said in plain words, rather than left out in silence.

What a machine or its templates would miss is a warning; what users would miss is good to know.
"""

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from pitrix_core.findings import Finding, Level
from pitrix_core.package import pointer_to
from pitrix_vm.cluster import ClusterDocument, Role


@attrs.frozen
class _Lack:
    """Something that is read, and not done."""

    member: str
    message: str
    level: Level = Level.WARNING


#: Whether a role asks for it → what is said of it.
_OF_ROLES: Final[tuple[tuple[Callable[[Role], object], _Lack], ...]] = (
    (
        lambda role: role.token_cmd,
        _Lack("custom_metadata", "its command is not run yet: no node has a token"),
    ),
    (
        lambda role: role.load_balancers,
        _Lack("loadbalancer", "nodes are not put behind load balancers yet"),
    ),
    (
        lambda role: role.passphraseless,
        _Lack("passphraseless", "key pairs are not made yet: no node has a pub_key"),
    ),
    (
        lambda role: role.reserved_ips,
        _Lack("reserved_ips", "addresses are not reserved yet: their values are empty"),
    ),
    (lambda role: role.gpu, _Lack("gpu", "machines are made without graphics processors yet")),
    (lambda role: role.net, _Lack("net", "networks besides the cluster's are not used yet")),
    (
        lambda role: role.nas_mount_point,
        _Lack("nas_mount_point", "shared file systems are not mounted yet"),
    ),
)
_OF_CLUSTERS: Final[tuple[tuple[Callable[[ClusterDocument], object], _Lack], ...]] = (
    (
        lambda cluster: cluster.reserved_ips,
        _Lack("endpoints/reserved_ips", "addresses are not reserved yet: their values are empty"),
    ),
    (
        lambda cluster: cluster.needs_tag,
        _Lack("need_tag", "tags of clouds are not used yet: there is no cluster_tag"),
    ),
    (
        lambda cluster: cluster.needs_api_server,
        _Lack(
            "need_intranet_api_server", "the cloud's API is not shown yet: there is no api_server"
        ),
    ),
    (
        lambda cluster: cluster.multi_zone_policy,
        _Lack("multi_zone_policy", "all nodes are in the runtime's zone", Level.INFO),
    ),
)


def ineffective_members(cluster: ClusterDocument, *, file: str) -> Iterator[Finding]:
    """Say what of a cluster is not done; of several roles, at the first that asks for it."""
    for asks_of_cluster, lack in _OF_CLUSTERS:
        if asks_of_cluster(cluster):
            yield _finding(lack, tuple(lack.member.split("/")), file)
    for asks_of_role, lack in _OF_ROLES:
        role = next((role for role in cluster.roles if asks_of_role(role)), None)
        if role is not None:
            yield _finding(lack, ("nodes", role.index, lack.member), file)


def _finding(lack: _Lack, at: tuple[object, ...], file: str) -> Finding:
    return Finding(
        level=lack.level,
        code="cluster.ineffective",
        message=f"{lack.member}: {lack.message}",
        pointer=pointer_to(at),
        file=file,
    )
