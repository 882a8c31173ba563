"""A user's configuration: checked, completed with defaults, and rid of its secrets."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pitrix_core.errors import ConfigInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue, SecretRef
from pitrix_core.model.json import marker_of
from pitrix_core.service.defaults import with_defaults
from pitrix_core.validation import parts_inside, parts_of, pointer_to, summary, violations


def completed_config(config: JsonObject, schema: JsonObject) -> dict[str, Any]:
    """Check a configuration with its schema, and fill in the defaults.

    :raises ConfigInvalidError: with a finding for each violation; pointers begin with ``/config``.
        No secret is quoted in them.
    """
    completed = with_defaults(config, schema)
    findings = violations(completed, schema, pointer="/config")
    if not any(found.code == "schema.depth" for found in findings):
        findings = [*_markers_in(config, pointer="/config"), *findings]
    if findings:
        raise ConfigInvalidError(
            summary(findings),
            findings=findings,
            pointer=findings[0].pointer or None,
            next_step="See what is allowed: pitrix config show APP_VERSION_ID",
        )
    return completed


def without_secrets(
    config: JsonValue, schema: JsonObject, *, keep: Callable[[str], SecretRef]
) -> Any:
    """Replace the value of every ``writeOnly`` property by a marker, wherever the schema says so.

    :param config: one that fulfils the schema.
    :param keep: stores a secret; one that is no text is given as JSON.
    """

    def replaced(value: JsonValue, parts: tuple[JsonObject, ...]) -> Any:
        if any(part.get("writeOnly") is True for part in parts) and value not in (None, "", [], {}):
            return keep(value if isinstance(value, str) else json.dumps(value)).to_json()
        if isinstance(value, Mapping):
            return {
                key: replaced(member, parts_inside(parts, key, schema))
                for key, member in value.items()
            }
        if isinstance(value, list):
            return [
                replaced(item, parts_inside(parts, number, schema))
                for number, item in enumerate(value)
            ]
        return value

    return replaced(config, tuple(parts_of(schema, schema)))


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
