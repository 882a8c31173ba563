"""``config.json``: what a user may set, read into records and turned into JSON Schema.

Here: the tree of parameters, their values by flat path, their schema. Not here: what a template
does with the values.
"""

from pitrix_vm.form.reading import CONFIG_FILE, read_form
from pitrix_vm.form.records import Form, Group, Leaf
from pitrix_vm.form.schema import default_findings, form_schema
from pitrix_vm.form.values import flat_values, sample_values

__all__ = [
    "CONFIG_FILE",
    "Form",
    "Group",
    "Leaf",
    "default_findings",
    "flat_values",
    "form_schema",
    "read_form",
    "sample_values",
]
