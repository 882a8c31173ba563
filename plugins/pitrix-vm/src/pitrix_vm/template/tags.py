"""Fills a user's values into the template of ``cluster.json``.

A tag stands where a JSON value stands, and is replaced by the JSON of its parameter's value, by
flat path: no logic but simple arithmetic, no escaping, no lookup part by part. Both spellings are
read wherever they occur: ``"{{.a.b}}"``, quotes included (OpenPitrix), and ``{{a.b}}`` (AppCenter).

Places in messages are of the template, also where the JSON is wrong after the values are in.
"""

import bisect
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import attrs

from pitrix_core.errors import TemplateRenderError
from pitrix_core.model import JsonValue
from pitrix_vm.template.arithmetic import calculated

#: Template files, the first one that is there counts.
TEMPLATE_FILES: Final = ("cluster.json.tmpl", "cluster.json.mustache")
OPENPITRIX: Final = "openpitrix"
APPCENTER: Final = "appcenter"

#: Longest path of a tag, in characters; bounded, so that looking for tags takes linear time.
_PATH: Final = r"\{\{\s{0,8}(\.?)([^{}\"\n]{1,512}?)\s{0,8}\}\}"
_STEPS: Final = r"((?:\s{0,8}[*/+-]\s{0,8}[0-9]{1,15}(?:\.[0-9]{1,15})?){0,8})"
#: A quoted tag, or a JSON text, or a bare tag and what is calculated with it; the first counts. A
#: text without an end is one all the same, or each of its quotes would be looked at again.
_TOKEN: Final = re.compile(rf'"{_PATH}"|("(?:[^"\\\n]|\\.)*+"?)|{_PATH}{_STEPS}')
_INNER_TAG: Final = re.compile(_PATH)
#: What a logic-less tag never begins with: sections, partials, comments, raw values.
_FOREIGN: Final = tuple("#^/>!&")


@attrs.frozen(kw_only=True)
class Template:
    """The text of a template, and where it is from."""

    file: str
    text: str = attrs.field(repr=False)

    @property
    def dialect(self) -> str:
        """The dialect its tags are written in; the file's name decides where it has none."""
        for match in _TOKEN.finditer(self.text):
            if match.group(2) is not None:
                return OPENPITRIX
            if match.group(5) is not None:
                return APPCENTER
        return APPCENTER if self.file.endswith(".mustache") else OPENPITRIX

    def paths(self) -> frozenset[str]:
        """Return the flat paths of the parameters it names."""
        found = (match.group(2) or match.group(5) for match in _TOKEN.finditer(self.text))
        return frozenset(path for path in found if path)


def fill(template: Template, values: Mapping[str, JsonValue]) -> JsonValue:
    """Return the document that the template gives with these values.

    :param values: by flat path; a parameter that is not among them is null. A ``$secret`` marker
        stays a marker.
    :raises TemplateRenderError: a tag is not one of these dialects', or the text is not JSON with
        the values in it; the message names file, line and column.
    """
    filled, origins = _substituted(template, values)
    try:
        return json.loads(filled, parse_constant=_refuse_constant)
    except json.JSONDecodeError as ex:
        _fail(template, _origin(origins, ex.pos), f"not JSON: {ex.msg}")
    except (RecursionError, ValueError) as ex:
        raise TemplateRenderError(f"{template.file}: not JSON: {ex}") from ex


def _substituted(
    template: Template, values: Mapping[str, JsonValue]
) -> tuple[str, list[tuple[int, int]]]:
    """Return the filled text, and which place of it is which place of the template."""
    pieces: list[str] = []
    origins = [(0, 0)]
    length = end = 0
    for match in _TOKEN.finditer(template.text):
        text = _replacement(match, template, values)
        between = template.text[end : match.start()]
        pieces += (between, text)
        end = match.end()
        origins.append((length + len(between), match.start()))
        length += len(between) + len(text)
        origins.append((length, end))
    pieces.append(template.text[end:])
    return "".join(pieces), origins


def _replacement(match: re.Match[str], template: Template, values: Mapping[str, JsonValue]) -> str:
    if match.group(3) is not None:
        _check_text(match, template, values)
        return match.group(3)
    path = match.group(2) or match.group(5)
    if path.startswith(_FOREIGN):
        _fail(template, match.start(), f"tag {path!r}: only a parameter's path is allowed")
    value = values.get(path)
    if match.group(6):
        value = _calculated(value, match, template)
    return json.dumps(value, default=dict)


def _calculated(value: JsonValue, match: re.Match[str], template: Template) -> JsonValue:
    if not isinstance(value, int | float) or isinstance(value, bool):
        _fail(
            template, match.start(), f"tag {match.group(5)!r}: only numbers can be calculated with"
        )
    try:
        return calculated(value, match.group(6))
    except (ZeroDivisionError, OverflowError) as ex:
        _fail(template, match.start(6), f"{match.group(6).strip()!r}: {ex}")


def _check_text(match: re.Match[str], template: Template, values: Mapping[str, JsonValue]) -> None:
    """Refuse a text that a tag of ours is only a part of; other braces are left alone."""
    for inner in _INNER_TAG.finditer(match.group(3)):
        if inner.group(2) in values:
            _fail(
                template,
                match.start() + inner.start(),
                f"tag {inner.group(2)!r}: it stands for a whole value, not for a part of a text",
            )


def _origin(origins: list[tuple[int, int]], position: int) -> int:
    at = bisect.bisect_right(origins, position, key=lambda pair: pair[0]) - 1
    filled, original = origins[at]
    return original + position - filled


def _fail(template: Template, position: int, reason: str) -> NoReturn:
    line = template.text.count("\n", 0, position) + 1
    column = position - (template.text.rfind("\n", 0, position) + 1) + 1
    raise TemplateRenderError(f"{template.file}: line {line}, column {column}: {reason}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
