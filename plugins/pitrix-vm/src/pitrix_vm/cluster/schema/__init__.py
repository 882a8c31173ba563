"""The JSON Schema (2020-12) of a filled ``cluster.json``.

It has every member that the documents of AppCenter and OpenPitrix describe, in either dialect, and
those that no document describes and released packages use. What breaks a deployment is in the
standard's keywords, and is an error; a member of another name is no violation. The rest is in
keywords of ours:

``x-recommended``
    keywords for documented limits that released packages break, and run all the same; a warning.
``x-undocumented``
    packages use it, and no document describes it; good to know.
``x-words``
    says what a ``pattern`` asks for.
``x-free-if``
    a member whose name the schema does not have is one of the author's own if it has these members.
``x-services``
    services to which an attribute means something.
"""

from pitrix_vm.cluster.schema.document import CLUSTER_SCHEMA
from pitrix_vm.cluster.schema.nodes import NODE
from pitrix_vm.cluster.schema.services import SERVICE, SERVICES
from pitrix_vm.cluster.schema.words import Schema

__all__ = ["CLUSTER_SCHEMA", "NODE", "SERVICE", "SERVICES", "Schema"]
