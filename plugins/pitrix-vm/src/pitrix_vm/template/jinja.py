"""Templates with logic: ``cluster.json.j2``, in the language of Jinja, written for JSON.

Values are written as JSON wherever they are put out. The form is seen as nested objects:
``cluster.db.count``, ``env["log.level"]``. There are expressions, ``if``, ``for`` and ``set``, the
filters and tests of :mod:`~pitrix_vm.template.filters` and :mod:`~pitrix_vm.template.predicates`,
``range``, and what plugins add. A name that is not there is an error.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.machine import run
from pitrix_vm.template.names import Reference, bound_names, references
from pitrix_vm.template.records import JINJA, Piece, Template, Values
from pitrix_vm.template.syntax import Program, read_program

#: Where parameters are. Source: AppCenter's documents on config.json, read 2026-08.
_ROOTS: Final = frozenset({"cluster", "env", "service_params"})
#: Parts of a path that are looked at; real ones have eight at most.
_PARTS_LIMIT: Final = 64


@attrs.frozen(kw_only=True)
class JinjaTemplate(Template):
    """A template with logic."""

    program: Program = attrs.field(repr=False, eq=False)
    #: What plugins add: name → value or function.
    names: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read(cls, text: str, *, file: str, names: Mapping[str, Any]) -> "JinjaTemplate":
        """Read a text.

        :raises TemplateFaultError: it is not Jinja, or holds what is not allowed.
        """
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        return cls(file=file, text=lines, program=read_program(lines), names=names)

    @property
    def dialect(self) -> str:
        """The dialect with logic."""
        return JINJA

    def uses(self, path: str) -> bool:
        """Say whether it names a parameter, a part of it, or a group it is in."""
        inner = f"{path}."
        return any(
            path == named or path.startswith(f"{named}.") or named.startswith(inner)
            for named in self._named
        )

    def strangers(self, known: Iterable[str]) -> Mapping[str, int]:
        """Return the paths it names that are no parameter's, no group's and no part of a value."""
        leaves = frozenset(known)
        groups = {group for leaf in leaves for group in _beginnings(leaf)}
        own = bound_names(self.program.tree)
        return {
            path: reference.offset
            for path, reference in self._named.items()
            if not reference.is_guarded
            and reference.root not in own
            and path not in leaves
            and path not in groups
            and leaves.isdisjoint(_beginnings(path))
        }

    def pieces(self, values: Values) -> list[Piece]:
        """Return the text it gives.

        :raises TemplateFaultError: it gives none.
        """
        return run(self.program.tree, names=self.names, values=values.tree, fuel=Fuel())

    @functools.cached_property
    def _named(self) -> dict[str, Reference]:
        """Each path's first place; one that has to be there goes before one that need not."""
        found: dict[str, Reference] = {}
        for reference in references(self.program.tree):
            before = found.get(reference.path)
            key = (reference.is_guarded, reference.offset)
            if reference.root in _ROOTS and (
                before is None or key < (before.is_guarded, before.offset)
            ):
                found[reference.path] = reference
        return found


def _beginnings(path: str) -> list[str]:
    parts = path.split(".", _PARTS_LIMIT)
    return [".".join(parts[:count]) for count in range(1, len(parts))]
