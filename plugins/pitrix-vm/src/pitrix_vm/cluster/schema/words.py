"""The words that the schema is written in: one function for each kind of value."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

#: Most items of a list, and most members of an object whose members' names are the author's; real
#: ones have some dozens. What is done with them for every role stays small.
MOST_MEMBERS: Final = 500
#: Most parameters of a cluster or a role, of which the largest packages have hundreds.
_MOST_PARAMETERS: Final = 5000
#: One step of a path in the metadata tree: names that become one.
STEP: Final[Schema] = {
    "pattern": r"^[^/\x00-\x1f\x7f]+$",
    "x-words": "a name without slashes and control characters",
}
#: One step, or several: names that people read have slashes, too.
STEPS: Final[Schema] = {
    "pattern": r"^[^/\x00-\x1f\x7f]+(/[^/\x00-\x1f\x7f]+)*$",
    "x-words": "a name without control characters, in which a slash stands between two words",
}


def text(description: str, **keywords: Any) -> dict[str, Any]:
    """Return the schema of a text."""
    return {"description": description, "type": "string", **keywords}


def whole(description: str, *, least: int | None = None, **keywords: Any) -> dict[str, Any]:
    """Return the schema of a whole number."""
    minimum = {} if least is None else {"minimum": least}
    return {"description": description, "type": "integer", **minimum, **keywords}


def flag(description: str) -> dict[str, Any]:
    """Return the schema of true or false."""
    return {"description": description, "type": "boolean"}


def class_of(description: str) -> dict[str, Any]:
    """Return the schema of a class of machines or disks: clouds number them, or name them."""
    return {"description": description, "type": ["number", "string"]}


def texts(description: str, **of_each: Any) -> dict[str, Any]:
    """Return the schema of a list of texts.

    :param of_each: keywords for every one of them.
    """
    return listing(description, {"type": "string", **of_each})


def listing(description: str, items: Schema, **keywords: Any) -> dict[str, Any]:
    """Return the schema of a list of equals."""
    return {
        "description": description,
        "type": "array",
        "items": items,
        "maxItems": MOST_MEMBERS,
        **keywords,
    }


def record(description: str, /, **members: Schema) -> dict[str, Any]:
    """Return the schema of an object whose members have names of their own."""
    return {"description": description, "type": "object", "properties": members}


def needing(*names: str) -> dict[str, Any]:
    """Return the keyword for members that a record cannot do without."""
    return {"required": list(names)}


def mapping(description: str, values: Schema, **keywords: Any) -> dict[str, Any]:
    """Return the schema of an object whose members' names are the author's."""
    return {
        "description": description,
        "type": "object",
        "additionalProperties": values,
        **keywords,
    }


def anything(description: str) -> dict[str, Any]:
    """Return the schema of what has been seen in a few packages only, in some form or other."""
    return {"description": description}


def free(description: str, **keywords: Any) -> dict[str, Any]:
    """Return the schema of an object of which only the author knows what is in it."""
    return {"description": description, "type": "object", "additionalProperties": {}, **keywords}


def advised(**keywords: Any) -> dict[str, Schema]:
    """Return the keyword for documented limits that released packages break."""
    return {"x-recommended": keywords}


def undocumented(schema: Schema) -> dict[str, Any]:
    """Return the schema of something that packages use and no document describes."""
    return {**schema, "x-undocumented": True}


#: Addresses that stay a cluster's or a node's own.
RESERVED_IPS: Final[Schema] = mapping(
    "Addresses kept for it: name → value, which the platform fills in.",
    record("One address.", value=text("Filled in by the platform.")),
    propertyNames=STEP,
    maxProperties=MOST_MEMBERS,
)
ENV: Final[Schema] = free(
    "Parameters that the machines read below env.",
    propertyNames=STEP,
    maxProperties=_MOST_PARAMETERS,
)
#: Source: AppCenter's specification, advanced_actions; ``change_subnet`` is OpenPitrix's word for
#: ``change_vxnet``; ``attach_keypairs`` is in 13 released packages.
ADVANCED_ACTIONS: Final[Schema] = texts(
    "What users may do to it besides the ordinary.",
    **advised(
        enum=[
            *("change_vxnet", "change_subnet", "scale_horizontal", "associate_eip"),
            *("add_nodes", "attach_keypairs"),
        ]
    ),
)
UNSUPPORTED_ACTIONS: Final[Schema] = undocumented(texts("What users may not do to it."))
