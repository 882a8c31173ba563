"""What a user of a package can set, told from its schema, and how two versions of it differ."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from pitrix_core.cli.authoring.comparison import Change, changes, union
from pitrix_core.cli.forms import fields_of
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue

#: Keywords that say how a parameter is shown, and not what it may be.
_SHOWN: Final = frozenset({"title", "description", "x-order", "$ref"})


@attrs.frozen(kw_only=True)
class Parameter:
    """One value that a user can set."""

    #: JSON pointer into the configuration.
    pointer: str
    is_required: bool
    #: Keywords of its schema that say what it may be, and its default.
    rules: JsonObject


def parameters_of(schema: JsonObject) -> Iterator[Parameter]:
    """Yield every parameter of a schema, in the order of its form."""
    for field in fields_of(schema):
        yield Parameter(
            pointer=field.pointer,
            is_required=field.is_required,
            rules={key: value for key, value in field.schema.items() if key not in _SHOWN},
        )


def parameter_changes(before: Sequence[Parameter], after: Sequence[Parameter]) -> Iterator[Change]:
    """Yield the parameters that are new, gone, or may be something else than before."""
    old, new = _facets(before), _facets(after)
    for pointer in union(old, new):
        if pointer not in new:
            yield Change(at=pointer, kind="removed", before=old[pointer])
        elif pointer not in old:
            yield Change(at=pointer, kind="added", after=new[pointer])
        elif list(changes(old[pointer], new[pointer])):
            differing = {change.at.split("/")[1] for change in changes(old[pointer], new[pointer])}
            yield Change(
                at=pointer,
                kind="changed",
                before={k: v for k, v in old[pointer].items() if k in differing},
                after={k: v for k, v in new[pointer].items() if k in differing},
            )


def parameter_findings(
    before: Sequence[Parameter], after: Sequence[Parameter]
) -> Iterator[Finding]:
    """Say which changes a user of the version before stumbles over."""
    old = {parameter.pointer: parameter for parameter in before}
    new = {parameter.pointer: parameter for parameter in after}
    for pointer in union(old, new):
        if pointer not in new:
            yield _finding("removed", pointer, "is gone: clusters that were given it lose it")
        elif pointer not in old:
            if new[pointer].is_required:
                yield _finding("required", pointer, "is new, and has to be given by everybody")
        else:
            yield from _harm(old[pointer], new[pointer])


def _facets(parameters: Sequence[Parameter]) -> dict[str, dict[str, JsonValue]]:
    return {p.pointer: {**p.rules, "required": p.is_required} for p in parameters}


def _harm(before: Parameter, after: Parameter) -> Iterator[Finding]:
    old, new = before.rules, after.rules
    if old.get("type") != new.get("type"):
        message = f"was of type {old.get('type')}, and is of type {new.get('type')}"
        yield _finding("type", after.pointer, message)
    elif reason := next(_narrowed(old, new), None):
        yield _finding("narrowed", after.pointer, f"takes less than before: {reason}")
    if after.is_required and not before.is_required:
        yield _finding("required", after.pointer, "has to be given now")


def _narrowed(old: JsonObject, new: JsonObject) -> Iterator[str]:
    """Say what of a parameter's values before is none any more."""
    if "enum" in new:
        gone = [value for value in old.get("enum", ()) if value not in new["enum"]]
        if gone or "enum" not in old:
            yield f"not {gone}" if gone else f"only {new['enum']}"
    for name, is_beyond in (("minimum", _is_less), ("maximum", _is_more)):
        if name in new and is_beyond(old.get(name), new[name]):
            yield f"{name} {new[name]}"
    for name in ("pattern", "multipleOf", "const"):
        if name in new and new[name] != old.get(name):
            yield f"{name} {new[name]!r}"


def _is_less(old: Any, new: Any) -> bool:
    return old is None or old < new


def _is_more(old: Any, new: Any) -> bool:
    return old is None or old > new


def _finding(code: str, pointer: str, message: str) -> Finding:
    return Finding(
        level=Level.WARNING,
        code=f"upgrade.{code}",
        message=f"the parameter {message}",
        pointer=pointer,
    )
