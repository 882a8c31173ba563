"""What the codes of this type's findings mean, and how they are mended: for authors of packages.

One module for each of the files a package is made of. A code stands here once, and once or more
where findings are made; a test holds both together.
"""

from typing import Final

from pitrix_core.findings import Rule
from pitrix_vm.authoring.rules.cluster import CLUSTER_RULES
from pitrix_vm.authoring.rules.form import FORM_RULES
from pitrix_vm.authoring.rules.template import TEMPLATE_RULES

RULES: Final[tuple[Rule, ...]] = (*FORM_RULES, *TEMPLATE_RULES, *CLUSTER_RULES)

__all__ = ["RULES"]
