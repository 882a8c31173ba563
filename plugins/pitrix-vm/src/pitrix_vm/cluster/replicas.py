"""Replicas: what a role with ``replica`` has besides its own machines, as a role of its own."""

from collections.abc import Mapping
from typing import Final

import attrs

from pitrix_vm.cluster.records import Role, Service

#: Ends the name of a role of replicas. Source: AppCenter's and OpenPitrix's specifications, role.
REPLICA_SUFFIX: Final = "-replica"
#: Services that replicas take part in only where the package says so.
_ON_REQUEST: Final = frozenset({"backup", "restore"})


def replicas_of(role_name: str) -> str:
    """Return the name of the role of another role's replicas; that of an unnamed one is short."""
    return f"{role_name}{REPLICA_SUFFIX}" if role_name else REPLICA_SUFFIX.strip("-")


def with_replicas(role: Role) -> tuple[Role, ...]:
    """Return a role, followed by the role of its replicas if it has some."""
    if not role.replicas_per_node:
        return (role,)
    replicas = attrs.evolve(
        role,
        name=replicas_of(role.name),
        master=role.name,
        count=role.count * role.replicas_per_node,
        services=_services(role),
        server_id_upper_bound=None,
    )
    return role, replicas


def _services(role: Role) -> Mapping[str, Service]:
    """Return what replicas run: what all of their masters do.

    Source: OpenPitrix, ``nodes_to_execute_on``: fewer than the nodes leaves the replicas out.
    """
    return {
        name: attrs.evolve(service, nodes_to_execute_on=None)
        for name, service in role.services.items()
        if service.is_with_replica or (name not in _ON_REQUEST and _is_of_all(service, role))
    }


def _is_of_all(service: Service, role: Role) -> bool:
    return service.nodes_to_execute_on is None or service.nodes_to_execute_on >= role.count
