"""A user's configuration: checked, completed with defaults, and rid of its secrets."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.errors import ConfigInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue, SecretRef
from pitrix_core.model.json import marker_of
from pitrix_core.validation import pointer_to, summary, violations

_HIDDEN: Final = "[hidden]"


def completed_config(config: JsonObject, schema: JsonObject) -> dict[str, Any]:
    """Check a configuration with its schema, and fill in the defaults.

    :raises ConfigInvalidError: with a finding for each violation; pointers begin with ``/config``.
        No secret is quoted in them.
    """
    completed = with_defaults(config, schema)
    findings = [
        *_markers_in(config, pointer="/config"),
        *violations(completed, schema, pointer="/config"),
    ]
    if findings:
        findings = _without_texts(findings, _secret_texts(completed, schema))
        raise ConfigInvalidError(
            summary(findings),
            findings=findings,
            pointer=findings[0].pointer or None,
            next_step="See what is allowed: pitrix config schema APP_VERSION_ID",
        )
    return completed


def with_defaults(config: JsonObject, schema: JsonObject) -> dict[str, Any]:
    """Fill in the defaults; what does not fit the schema stays as it is."""
    completed: dict[str, Any] = _with_defaults(config, schema)
    return completed


def without_secrets(
    config: JsonValue, schema: JsonObject, *, keep: Callable[[str], SecretRef]
) -> Any:
    """Replace the value of every ``writeOnly`` property by a marker.

    :param keep: stores a secret; one that is no text is given as JSON.
    """
    if schema.get("writeOnly") and config not in (None, "", [], {}):
        return keep(config if isinstance(config, str) else json.dumps(config)).to_json()
    if isinstance(config, Mapping):
        properties = _part(schema, "properties")
        others = _part(schema, "additionalProperties")
        return {
            key: without_secrets(
                value, _part(properties, key) if key in properties else others, keep=keep
            )
            for key, value in config.items()
        }
    if isinstance(config, list):
        return [without_secrets(value, _part(schema, "items"), keep=keep) for value in config]
    return config


def _with_defaults(value: JsonValue, schema: JsonObject) -> Any:
    if not isinstance(value, Mapping):
        return value
    completed = dict(value)
    for key in _part(schema, "properties"):
        member = _part(_part(schema, "properties"), key)
        if key in completed:
            completed[key] = _with_defaults(completed[key], member)
        elif "default" in member:
            completed[key] = member["default"]
        elif member.get("type") == "object":
            filled = _with_defaults({}, member)
            # An optional group that cannot do without the user is left out with all of it.
            if key in schema.get("required", ()) or {*member.get("required", ())} <= filled.keys():
                completed[key] = filled
    return completed


def _part(schema: JsonObject, name: str) -> JsonObject:
    """Return a part of a schema; ``true`` and ``false`` are schemas that say nothing here."""
    part = schema.get(name)
    return part if isinstance(part, Mapping) else {}


def _markers_in(value: JsonValue, *, pointer: str) -> Iterator[Finding]:
    """Find what would be taken for a marker: it would name others' secrets."""
    marker = marker_of(value)
    if marker is not None:
        message = f"An object with {marker[0]} alone in it is not allowed."
        yield Finding(level=Level.ERROR, code="config.marker", message=message, pointer=pointer)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _markers_in(member, pointer=pointer + pointer_to([key]))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _markers_in(member, pointer=f"{pointer}/{number}")


def _secret_texts(config: JsonObject, schema: JsonObject) -> list[str]:
    texts: list[str] = []

    def keep(text: str) -> SecretRef:
        texts.append(text)
        return SecretRef("")

    without_secrets(config, schema, keep=keep)
    return texts


def _without_texts(findings: list[Finding], texts: list[str]) -> list[Finding]:
    """Take secrets out of messages: a violation of what they are part of quotes them."""
    for text in sorted(texts, key=len, reverse=True):
        findings = [attrs.evolve(f, message=f.message.replace(text, _HIDDEN)) for f in findings]
    return findings
