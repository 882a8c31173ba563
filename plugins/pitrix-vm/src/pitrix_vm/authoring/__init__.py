"""What authors of packages are told and shown, where they write them.

Here: everything that is wrong, with its place and what it means; advice; what a package gives,
holds, and loses against an older one; how one is begun. Not here: anything a server needs.
"""

from pitrix_vm.authoring.advice import advice
from pitrix_vm.authoring.documents import cluster_documents
from pitrix_vm.authoring.findings import every_finding, located
from pitrix_vm.authoring.outline import outline
from pitrix_vm.authoring.rules import RULES
from pitrix_vm.authoring.skeleton import SKELETON_DIALECTS, skeleton_files
from pitrix_vm.authoring.upgrades import upgrade_findings

__all__ = [
    "RULES",
    "SKELETON_DIALECTS",
    "advice",
    "cluster_documents",
    "every_finding",
    "located",
    "outline",
    "skeleton_files",
    "upgrade_findings",
]
