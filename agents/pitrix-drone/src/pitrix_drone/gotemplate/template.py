"""A template: parsed once, rendered any number of times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pitrix_drone.gotemplate.builtins import builtins
from pitrix_drone.gotemplate.errors import ExecError
from pitrix_drone.gotemplate.execute import Execution, Limits
from pitrix_drone.gotemplate.parser import parse
from pitrix_drone.gotemplate.values import Function

_LAZY = ("and", "or")


class Template:
    """A parsed template with its functions.

    :param name: appears in messages, with the line.
    :param functions: added to the built-in ones, and replacing those of the same name.
    :raises ParseError: the source is not a template.
    """

    def __init__(
        self,
        source: str,
        *,
        name: str,
        functions: Mapping[str, Function] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self._functions = {**builtins(), **(functions or {})}
        self._limits = limits or Limits()
        known = frozenset(self._functions).union(_LAZY)
        self._templates = parse(source, name=name, functions=known)

    def render(self, data: Any = None) -> str:
        """Return what the template writes for *data*.

        :raises ExecError: the template failed, or went beyond a limit.
        """
        if self._name not in self._templates:
            raise ExecError(f'"{self._name}" is an incomplete or empty template')
        execution = Execution(
            self._name, templates=self._templates, functions=self._functions, limits=self._limits
        )
        return execution.run(data)
