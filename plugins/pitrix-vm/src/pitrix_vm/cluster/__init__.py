"""The filled ``cluster.json``: its schema, and the records it is read into.

Here: which members there are, what they may hold, and what they say. Not here: what is done with a
cluster.
"""

from pitrix_vm.cluster.reading import Reading, read_cluster
from pitrix_vm.cluster.records import UNNAMED, ClusterDocument, Role, Service, Volume

__all__ = ["UNNAMED", "ClusterDocument", "Reading", "Role", "Service", "Volume", "read_cluster"]
