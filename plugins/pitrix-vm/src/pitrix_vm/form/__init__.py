"""``config.json``: what a user may set, read into records and turned into JSON Schema.

Here: the tree of parameters, their values by flat path, their schema, their translations. Not here:
what a template does with the values.
"""

from pitrix_vm.form.locales import Locales, Translator, read_locales
from pitrix_vm.form.notes import CONFIG_FILE
from pitrix_vm.form.reading import parse_form, read_form
from pitrix_vm.form.records import Dependency, Form, Group, Leaf
from pitrix_vm.form.samples import sample_values
from pitrix_vm.form.schema import form_schema, service_schema
from pitrix_vm.form.values import flat_values

__all__ = [
    "CONFIG_FILE",
    "Dependency",
    "Form",
    "Group",
    "Leaf",
    "Locales",
    "Translator",
    "flat_values",
    "form_schema",
    "parse_form",
    "read_form",
    "read_locales",
    "sample_values",
    "service_schema",
]
