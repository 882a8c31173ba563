"""JSON Schemas of the API's records: for checking requests, and as components of the document."""

import copy
import functools
from collections.abc import Mapping
from typing import Any, Final

import attrs

from pitrix_core import convert
from pitrix_core.model import JsonObject

_DEFINITIONS: Final = "#/$defs/"
_COMPONENTS: Final = "#/components/schemas/"


def input_schema(cls: type[attrs.AttrsInstance]) -> JsonObject:
    """Return the schema that a body is checked with.

    A member that its class keeps out of ``repr`` is ``writeOnly``: no message quotes its value.
    """
    return _input_schema(cls)


def has_required(cls: type[attrs.AttrsInstance]) -> bool:
    """Say whether a body has to be sent: whether the record has a member without a default."""
    return bool(input_schema(cls)["$defs"][cls.__name__]["required"])


@functools.cache
def _input_schema(cls: type[attrs.AttrsInstance]) -> JsonObject:
    schema = copy.deepcopy(dict(convert.schema_of(cls)))
    properties = schema["$defs"][cls.__name__]["properties"]
    for field in attrs.fields(cls):
        if field.repr is False:
            properties[field.name]["writeOnly"] = True
    return schema


def components_of(schema: JsonObject) -> dict[str, Any]:
    """Return a schema's definitions as components of an OpenAPI document, by name."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    return {name: _lifted(definition) for name, definition in definitions.items()}


def reference(cls: type[attrs.AttrsInstance]) -> dict[str, str]:
    """Return a reference to the component of a class."""
    return {"$ref": _COMPONENTS + cls.__name__}


def _lifted(part: Any) -> Any:
    if isinstance(part, Mapping):
        lifted = {key: _lifted(value) for key, value in part.items()}
        target = lifted.get("$ref")
        if isinstance(target, str):
            lifted["$ref"] = target.replace(_DEFINITIONS, _COMPONENTS)
        return lifted
    if isinstance(part, list):
        return [_lifted(item) for item in part]
    return part
