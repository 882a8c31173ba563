"""The filled ``cluster.json``: its schema, and the records it is read into.

Here: which members there are, what they may hold, and what they say. Not here: what is done with a
cluster.
"""

from pitrix_vm.cluster.monitoring import HealthCheck, Monitor, MonitorItem
from pitrix_vm.cluster.reading import Reading, read_cluster
from pitrix_vm.cluster.records import (
    UNNAMED,
    ClusterDocument,
    InPlaceCopy,
    InPlaceUpgrade,
    NodeNames,
    Role,
    Service,
    Volume,
)
from pitrix_vm.cluster.schema import CLUSTER_SCHEMA

__all__ = [
    "CLUSTER_SCHEMA",
    "UNNAMED",
    "ClusterDocument",
    "HealthCheck",
    "InPlaceCopy",
    "InPlaceUpgrade",
    "Monitor",
    "MonitorItem",
    "NodeNames",
    "Reading",
    "Role",
    "Service",
    "Volume",
    "read_cluster",
]
