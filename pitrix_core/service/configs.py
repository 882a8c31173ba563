"""A user's configuration: checked, completed with defaults, and rid of its secrets."""

from collections.abc import Callable, Mapping
from typing import Any

from pitrix_core import validation
from pitrix_core.errors import ConfigInvalidError
from pitrix_core.model import JsonObject, JsonValue, SecretRef


def completed_config(config: JsonObject, schema: JsonObject) -> dict[str, Any]:
    """Check a configuration with its schema, and fill in the defaults.

    :raises ConfigInvalidError: with a finding for each violation; pointers begin with ``/config``.
    """
    completed: dict[str, Any] = _with_defaults(config, schema)
    findings = validation.violations(completed, schema, pointer="/config")
    if findings:
        raise ConfigInvalidError(
            validation.summary(findings),
            findings=findings,
            pointer=findings[0].pointer or None,
            next_step="See what is allowed: pitrix config schema APP_VERSION_ID",
        )
    return completed


def without_secrets(
    config: JsonValue, schema: JsonObject, *, keep: Callable[[str], SecretRef]
) -> Any:
    """Replace the value of every ``writeOnly`` property by a marker.

    :param keep: stores a secret.
    """
    if schema.get("writeOnly") and isinstance(config, str) and config:
        return keep(config).to_json()
    if isinstance(config, Mapping):
        properties = schema.get("properties", {})
        return {
            key: without_secrets(value, properties.get(key, {}), keep=keep)
            for key, value in config.items()
        }
    return config


def _with_defaults(value: JsonValue, schema: JsonObject) -> Any:
    if not isinstance(value, Mapping):
        return value
    completed = dict(value)
    for key, member in schema.get("properties", {}).items():
        if key in completed:
            completed[key] = _with_defaults(completed[key], member)
        elif "default" in member:
            completed[key] = member["default"]
        elif member.get("type") == "object":
            completed[key] = _with_defaults({}, member)
    return completed
