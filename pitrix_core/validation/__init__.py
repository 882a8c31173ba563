"""Checks JSON with a JSON Schema (2020-12), and says in plain words what is wrong and where.

Here belongs what can be said of any schema: places, patterns with a limit, words for violations,
and the keywords that forms add. What a schema is for is the business of those who made it.
"""

from pitrix_core.validation.check import is_too_deep, is_valid, summary, violations
from pitrix_core.validation.pointers import pointer_parts, pointer_to, resolve_pointer
from pitrix_core.validation.spelling import nearest
from pitrix_core.validation.statements import parts_inside, parts_of
from pitrix_core.validation.visibility import is_visible
from pitrix_core.validation.words import quoted

__all__ = [
    "is_too_deep",
    "is_valid",
    "is_visible",
    "nearest",
    "parts_inside",
    "parts_of",
    "pointer_parts",
    "pointer_to",
    "quoted",
    "resolve_pointer",
    "summary",
    "violations",
]
