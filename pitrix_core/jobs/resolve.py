"""Puts values in the place of the markers a task's input may hold (``pitrix_core.model.json``)."""

from collections.abc import Callable, Mapping

from pitrix_core import convert, validation
from pitrix_core.errors import TaskFailedError
from pitrix_core.model import AgentStart, JsonObject, JsonValue
from pitrix_core.model.json import marker_of


def resolve_refs(value: JsonValue, outputs: Mapping[str, JsonObject]) -> JsonValue:
    """Replace every ``$ref``, also inside other markers.

    :param outputs: task key → outputs.
    :raises TaskFailedError: a task has no such output.
    """

    def replace(name: str, content: JsonValue) -> JsonValue:
        if name != "$ref":
            return {name: resolve_refs(content, outputs)}
        key, _, pointer = str(content).partition("#")
        try:
            return validation.resolve_pointer(outputs[key], pointer)
        except KeyError as ex:
            raise TaskFailedError(f"Task {key} has no output {pointer or '/'}.") from ex

    return _walk(value, replace)


def resolve_for_driver(
    value: JsonValue,
    *,
    secret: Callable[[str], str],
    user_data: Callable[[AgentStart], str],
) -> JsonValue:
    """Replace every ``$secret`` and ``$agent``; what comes out is for one call and never stored.

    :param secret: returns a secret's text by its id.
    :param user_data: returns the user-data of a machine that starts an agent.
    """

    def replace(name: str, content: JsonValue) -> JsonValue:
        if name == "$secret":
            return secret(str(content))
        resolved = resolve_for_driver(content, secret=secret, user_data=user_data)
        if name == "$agent":
            return user_data(convert.from_json(resolved, AgentStart))
        return {name: resolved}

    return _walk(value, replace)


def _walk(value: JsonValue, replace: Callable[[str, JsonValue], JsonValue]) -> JsonValue:
    marker = marker_of(value)
    if marker is not None:
        return replace(*marker)
    if isinstance(value, Mapping):
        return {key: _walk(member, replace) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(member, replace) for member in value]
    return value
