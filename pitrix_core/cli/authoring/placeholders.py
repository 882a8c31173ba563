"""Values for what a configuration lacks, so that a package can be looked at without a user.

Rendering asks for the secrets alone: everything else that is mandatory is for whoever renders to
say. Comparing two packages asks for everything.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.errors import ConfigInvalidError
from pitrix_core.findings import Finding
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.service.configs import completed_config
from pitrix_core.service.defaults import with_defaults
from pitrix_core.validation import pointer_to, summary

#: What stands for a secret wherever one is shown, and for one that nobody gave.
MASK: Final = "***"
_TEXT: Final = "text"
#: What a placeholder may violate: it has not the form of what it stands for.
_FORMS: Final = frozenset({"schema.pattern", "schema.minLength", "schema.maxLength"})

Path = tuple[str, ...]


@attrs.frozen(kw_only=True)
class Completed:
    """A configuration with everything in it."""

    config: JsonObject
    #: JSON pointers of the secrets that nobody gave.
    placeholders: tuple[str, ...] = ()


def with_secrets(config: JsonObject, schema: JsonObject) -> Completed:
    """Check and complete a configuration; a secret that is missing is made up.

    :raises ConfigInvalidError: with a finding for each violation; pointers begin with ``/config``.
    """
    missing = list(_missing(with_defaults(config, schema), schema, is_wanted=_is_secret))
    faults = _violations(_filled(config, missing), schema)
    # NOTE(hidden): a parameter that another one hides may be left out, and nothing else
    refused = {fault.pointer for fault in faults if fault.code not in _FORMS}
    kept = [(path, value) for path, value in missing if _pointer(path) not in refused]
    filled = _filled(config, kept)
    made_up = {_pointer(path) for path, _ in kept}
    findings = [
        fault
        for fault in _violations(filled, schema)
        if fault.pointer not in made_up or fault.code not in _FORMS
    ]
    if findings:
        raise ConfigInvalidError(
            summary(findings),
            findings=findings,
            pointer=findings[0].pointer or None,
            next_step="See what is allowed: pitrix package inspect PATH --schema",
        )
    return Completed(
        config=with_defaults(filled, schema),
        placeholders=tuple(pointer_to(path) for path, _ in kept),
    )


def with_everything(schema: JsonObject) -> JsonObject:
    """Return the configuration of a user who fills in nothing but what has to be given.

    What is made up is of the right type; it need not fulfil the rest of the schema.
    """
    missing = _missing(with_defaults({}, schema), schema, is_wanted=lambda _: True)
    return with_defaults(_filled({}, list(missing)), schema)


def _missing(
    config: Any, schema: JsonObject, *, is_wanted: Callable[[JsonObject], bool]
) -> Iterator[tuple[Path, JsonValue]]:
    """Yield where a value is missing, with one that can stand for it."""
    if not isinstance(config, Mapping):
        return
    for key, part in _properties(schema).items():
        if _properties(part):
            # NOTE(groups): one that is left out with all of it lacks nothing
            inner = _missing(config[key], part, is_wanted=is_wanted) if key in config else ()
            yield from (((key, *path), value) for path, value in inner)
        elif key not in config and "default" not in part and is_wanted(part):
            yield (key,), _plausible(part)


def _properties(schema: JsonObject) -> Mapping[str, JsonObject]:
    found = schema.get("properties")
    members = found if isinstance(found, Mapping) else {}
    return {key: part for key, part in members.items() if isinstance(part, Mapping)}


def _is_secret(part: JsonObject) -> bool:
    return bool(part.get("writeOnly"))


def _plausible(part: JsonObject) -> JsonValue:
    if _is_secret(part):
        return MASK
    if part.get("enum"):
        return part["enum"][0]
    empty = {"boolean": False, "array": [], "object": {}, "null": None}
    numbers = {"integer", "number"}
    kind = part.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind in numbers:
        return part.get("minimum", 1)
    return empty.get(str(kind), part.get("const", _TEXT))


def _filled(config: JsonObject, values: list[tuple[Path, JsonValue]]) -> dict[str, Any]:
    filled = dict(config)
    for path, value in values:
        inner = filled
        for name in path[:-1]:
            inner[name] = dict(inner.get(name, {}))
            inner = inner[name]
        inner[path[-1]] = value
    return filled


def _violations(config: JsonObject, schema: JsonObject) -> list[Finding]:
    try:
        completed_config(config, schema)
    except ConfigInvalidError as ex:
        return list(ex.findings)
    return []


def _pointer(path: Path) -> str:
    return "/config" + pointer_to(path)
