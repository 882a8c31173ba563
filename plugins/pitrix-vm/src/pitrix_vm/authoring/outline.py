"""Says in short what a package holds, for a person who looks at it."""

from collections.abc import Iterator
from typing import Any

from pitrix_core.model import JsonObject
from pitrix_vm.cluster import ClusterDocument, Role
from pitrix_vm.spec import VmSpec


def outline(spec: VmSpec, *, requires: frozenset[str]) -> JsonObject:
    """Return what there is, as it is with the package's defaults.

    :param requires: task kinds that a provider has to offer.
    """
    cluster = spec.sample
    return {
        "parameters": sum(1 for _ in spec.form.root.leaves()),
        "languages": list(spec.locales.languages),
        "links": sorted(cluster.links),
        "endpoints": list(_endpoints(cluster)),
        "requires": sorted(requires),
        "backup": cluster.backup_policy,
        "upgrades from": list(cluster.upgrade_policy),
        "upgrades": cluster.upgrading_policy,
        "roles": [_role(role) for role in cluster.roles],
        "services": [row for role in cluster.roles for row in _services(role)],
    }


def _endpoints(cluster: ClusterDocument) -> Iterator[str]:
    for name, endpoint in cluster.endpoints.items():
        protocol = endpoint["protocol"]
        yield f"{name}:{endpoint['port']}" + (f"/{protocol}" if protocol else "")


def _role(role: Role) -> dict[str, Any]:
    volume = role.volume
    return {
        "role": role.label,
        "image": _image(role),
        "count": role.count,
        "cpu": role.cpu,
        "memory_mib": role.memory_mib,
        "volume_gib": volume.size_gib if volume else None,
        "mount_points": list(volume.mount_points) if volume else [],
    }


def _image(role: Role) -> str:
    query = role.image
    others = f"; others for {query.clouds()}" if query.choices else ""
    return f"{query.image or 'default'} ({query.container}){others}"


def _services(role: Role) -> Iterator[dict[str, Any]]:
    if role.master is not None:
        return  # replicas run what their masters run
    for service in role.services.values():
        yield {
            "role": role.label,
            "service": service.name,
            "order": service.order,
            "timeout_s": service.timeout_s,
            "cmd": service.cmd,
        }
