"""Go's text/template in Python, so that the templates in existing images render unchanged.

What belongs here: the language, its built-in functions and Go's formatting of values, with limits
on depth, steps and size. What does not: confd's functions, which are handed in by the caller.
Source: https://pkg.go.dev/text/template, https://pkg.go.dev/fmt; what Go itself renders is kept as
data beside the tests.
"""

from pitrix_drone.gotemplate.errors import ExecError, ParseError, TemplateError
from pitrix_drone.gotemplate.template import Template
from pitrix_drone.gotemplate.values import Function, Record, Strings

__all__ = [
    "ExecError",
    "Function",
    "ParseError",
    "Record",
    "Strings",
    "Template",
    "TemplateError",
]
