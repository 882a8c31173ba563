"""Reads YAML as JSON is read, with the places of what it says.

Only what JSON can say: ``true``, ``false``, ``null`` and numbers are what they look like, and
everything else is text, so that ``no`` and ``1:30`` stay what was written. Aliases and tags are
refused, and a name that is there twice.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import attrs
import yaml

from pitrix_core.model import JsonValue
from pitrix_core.package.places import Place
from pitrix_core.package.yaml import LOADER, YamlFaultError, bounded, place_of_mark
from pitrix_core.validation import pointer_parts

#: People write these by hand.
_TEXT_LIMIT: Final = 1024 * 1024
#: What a plain scalar says that is no text. Source: YAML 1.2, section 10.3.2, without octal and
#: hexadecimal numbers, infinities and what is no number.
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,64}", re.ASCII)
_NUMBER: Final = re.compile(
    r"[-+]?(\.[0-9]{1,64}|[0-9]{1,64}(\.[0-9]{0,64})?)([eE][-+]?[0-9]{1,2})?", re.ASCII
)
_NO_TAG: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str"))

#: Names and numbers from the top.
_Path: TypeAlias = tuple[str, ...]


@attrs.frozen(kw_only=True)
class YamlText:
    """What a text says, and where."""

    value: JsonValue
    # NOTE(names): by the names on the way and not by pointer: a list of thousands below one long
    # name would repeat that name thousands of times
    _places: Mapping[_Path, Place | None] = attrs.field(repr=False)

    def at(self, pointer: str) -> Place | None:
        """Return where a part begins; a member where its value does.

        :param pointer: JSON pointer; where it names nothing, the nearest part around it that is
            there is taken.
        """
        path = pointer_parts(pointer)
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path)


def read_yaml(text: str, *, file: str) -> YamlText:
    """Return what a YAML text says.

    :param file: for the finding.
    :raises PackageInvalidError: it is not YAML, or holds what JSON cannot say, or is beyond a
        limit; the finding names the place where it is known.
    """
    places: dict[_Path, Place | None] = {}
    with bounded(text, file=file, limit=_TEXT_LIMIT):
        root = yaml.compose(text, Loader=LOADER)
        value = _value(root, (), places) if root is not None else None
    return YamlText(value=value, places=places)


def _value(node: yaml.Node, path: _Path, places: dict[_Path, Place | None]) -> JsonValue:
    if node.tag not in _NO_TAG:
        raise YamlFaultError(f"the tag {node.tag!r} is not allowed", node)
    places[path] = place_of_mark(node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.MappingNode):
        return _object(node, path, places)
    return [_value(item, (*path, str(number)), places) for number, item in enumerate(node.value)]


def _object(
    node: yaml.MappingNode, path: _Path, places: dict[_Path, Place | None]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, member in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise YamlFaultError("a name has to be a text", key)
        if key.value in found:
            raise YamlFaultError(f"{key.value!r} is there twice", key)
        found[key.value] = _value(member, (*path, key.value), places)
    return found


def _scalar(node: yaml.ScalarNode) -> JsonValue:
    text: str = node.value
    if node.style:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
