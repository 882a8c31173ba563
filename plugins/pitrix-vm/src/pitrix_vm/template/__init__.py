"""``cluster.json.*``: templates, and what they give with a user's values.

Here: the dialects, from text and values to a JSON document and back to places in the text. Not
here: what the document means.
"""

from pitrix_vm.template.tags import APPCENTER, OPENPITRIX, TEMPLATE_FILES, Template, fill

__all__ = ["APPCENTER", "OPENPITRIX", "TEMPLATE_FILES", "Template", "fill"]
