"""Reads YAML as JSON is read, with the places of what it says.

Only what JSON can say: ``true``, ``false``, ``null`` and numbers are what they look like, and
everything else is text, so that ``no`` and ``1:30`` stay what was written. Aliases and tags are
refused, and a name that is there twice.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import yaml

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonValue
from pitrix_core.package import Place
from pitrix_core.validation import pointer_to

#: People write these by hand.
_TEXT_LIMIT: Final = 1024 * 1024
_DEPTH_LIMIT: Final = 32
#: The parser of libyaml where PyYAML was built with it: ten times as fast.
_LOADER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
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


@attrs.frozen(kw_only=True)
class YamlText:
    """What a text says, and where."""

    value: JsonValue
    #: JSON pointer → where the part begins; a member where its value does.
    places: Mapping[str, Place | None]


class _FaultError(Exception):
    """Something JSON cannot say."""

    def __init__(self, reason: str, node: yaml.Node | yaml.Event) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = _place(node)


def read_yaml(text: str, *, file: str) -> YamlText:
    """Return what a YAML text says.

    :param file: for the finding.
    :raises PackageInvalidError: it is not YAML, or holds what JSON cannot say, or is beyond a
        limit; the finding names the place where it is known.
    """
    if len(text) > _TEXT_LIMIT:
        raise _invalid(file, f"it has more than {_TEXT_LIMIT} characters")
    try:
        for fault in _faults(text):
            raise fault
        root = yaml.compose(text, Loader=_LOADER)
        places: dict[str, Place | None] = {}
        value = _value(root, (), places) if root is not None else None
    except _FaultError as ex:
        raise _invalid(file, ex.reason, ex.place) from ex
    except yaml.MarkedYAMLError as ex:
        mark = ex.problem_mark or ex.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        raise _invalid(file, f"not YAML: {ex.problem}", place) from ex
    except (yaml.YAMLError, ValueError) as ex:
        raise _invalid(file, f"not YAML: {str(ex).splitlines()[0]}") from ex
    return YamlText(value=value, places=places)


def _faults(text: str) -> Iterator[_FaultError]:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            yield _FaultError("aliases are not allowed", event)
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_LIMIT:
                yield _FaultError(f"nested deeper than {_DEPTH_LIMIT}", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node, path: tuple[object, ...], places: dict[str, Place | None]) -> JsonValue:
    if node.tag not in _NO_TAG:
        raise _FaultError(f"the tag {node.tag!r} is not allowed", node)
    places[pointer_to(path)] = _place(node)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.MappingNode):
        return _object(node, path, places)
    return [_value(item, (*path, number), places) for number, item in enumerate(node.value)]


def _object(
    node: yaml.MappingNode, path: tuple[object, ...], places: dict[str, Place | None]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, member in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _FaultError("a name has to be a text", key)
        if key.value in found:
            raise _FaultError(f"{key.value!r} is there twice", key)
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


def _place(node: yaml.Node | yaml.Event) -> Place | None:
    mark = node.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else None


def _invalid(file: str, message: str, place: Place | None = None) -> PackageInvalidError:
    finding = Finding(
        level=Level.ERROR,
        code="package.yaml",
        message=message,
        file=file,
        line=place.line if place else None,
        column=place.column if place else None,
    )
    where = f"{file}:{place.line}:{place.column}" if place else file
    return PackageInvalidError(f"{where}: {message}", findings=[finding])
