"""``cluster.json.*``: templates, and what they give with a user's values.

Here: the dialects, from text and values to a JSON document and back to places in the text. Not
here: what the document means.
"""

from pitrix_vm.template.filling import TEMPLATE_FILES, fill, read_template
from pitrix_vm.template.records import (
    APPCENTER,
    JINJA,
    OPENPITRIX,
    Filled,
    Secret,
    Template,
    Values,
)

__all__ = [
    "APPCENTER",
    "JINJA",
    "OPENPITRIX",
    "TEMPLATE_FILES",
    "Filled",
    "Secret",
    "Template",
    "Values",
    "fill",
    "read_template",
]
