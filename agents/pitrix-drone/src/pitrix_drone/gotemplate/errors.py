"""What can go wrong with a template, by the phase that Go would stop in."""

from __future__ import annotations


class TemplateError(Exception):
    """A template cannot be rendered."""


class ParseError(TemplateError):
    """The text is not a template."""


class ExecError(TemplateError):
    """The template failed on the values it was given, or went beyond a limit."""
