"""Templates with tags: ``{{a.b}}`` (AppCenter) and ``"{{.a.b}}"``, quotes included (OpenPitrix).

A tag stands where a JSON value stands, and is replaced by the JSON of its parameter's value, by
flat path: no logic but simple arithmetic, no escaping, no lookup part by part. Both spellings are
read wherever they occur; ``{{! … }}`` is a comment.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from pitrix_core.findings import Finding
from pitrix_core.model import JsonValue
from pitrix_vm.template.arithmetic import calculated
from pitrix_vm.template.records import (
    APPCENTER,
    OPENPITRIX,
    Piece,
    Template,
    TemplateFaultError,
    Values,
)

#: Longest path of a tag, in characters; bounded, so that looking for tags takes linear time.
_PATH: Final = r"\{\{\s{0,8}(\.?)([^{}\"\n]{1,512}?)\s{0,8}\}\}"
_STEPS: Final = r"((?:\s{0,8}[*/+-]\s{0,8}[0-9]{1,15}(?:\.[0-9]{1,15})?){0,8})"
#: A quoted tag, or a JSON text, or a comment, or a bare tag and what is calculated with it, or
#: what only begins as one; the first counts. A text or comment without an end is one all the same,
#: or each of its quotes would be looked at again.
_TOKEN: Final = re.compile(
    rf'"{_PATH}"|("[^"\\\n]*+(?:\\.[^"\\\n]*+)*"?)'
    r"|(\{\{![^}]*+(?:\}(?!\})[^}]*+)*(?:\}\})?)"
    rf"|{_PATH}{_STEPS}|(\{{[{{%#])"
)
_QUOTED, _TEXT, _COMMENT, _BARE, _CALCULATED, _STRAY = 2, 3, 4, 6, 7, 8
#: The dialect of a match, by the last group that matched.
_DIALECTS: Final[Mapping[int, str]] = {_QUOTED: OPENPITRIX, _CALCULATED: APPCENTER}
_INNER_TAG: Final = re.compile(_PATH)
_HALF_TAG: Final = re.compile(r'"\{\{\s{0,8}\.?([^{}"\n]{1,512}?)\s{0,8}\}"')
#: What a path cannot hold: words of other template languages have blanks, pipes, calls.
_FOREIGN: Final = re.compile(r"[#^/>&~-]|.*[\s|()$=]|(?:end|else)$", re.DOTALL)
#: What authors of other languages' constructs are told.
_PLAIN: Final = (
    "Write the parameter's path only, as in {{cluster.name}}; a template with conditions and loops"
    " is named cluster.json.j2."
)
#: Longest text that tags may give, in characters; a template may repeat a long value endlessly.
_FILLED_LIMIT: Final = 2_000_000


@attrs.frozen(kw_only=True)
class TagTemplate(Template):
    """A template in one of the dialects with tags."""

    @property
    def dialect(self) -> str:
        """The dialect its first tag is written in; the file's name decides where it has none."""
        if self._tags:
            return next(iter(self._tags))
        return APPCENTER if self.file.endswith(".mustache") else OPENPITRIX

    def uses(self, path: str) -> bool:
        """Say whether a tag names a parameter."""
        return path in self._named

    def strangers(self, known: Iterable[str]) -> Mapping[str, int]:
        """Return the tags that name no parameter."""
        parameters = frozenset(known)
        return {path: at for path, at in self._named.items() if path not in parameters}

    def remarks(self) -> tuple[Finding, ...]:
        """Say where the second dialect begins, if there are two."""
        if len(self._tags) == 1 or not self._tags:
            return ()
        first, second = self._tags
        return (
            self.remark(
                "template.mixed",
                f"this tag is written as {second} does, those before it as {first} does",
                offset=self._tags[second],
                next_step='Write all tags in one way: {{path}}, or "{{.path}}" with its quotes.',
            ),
        )

    def pieces(self, values: Values) -> list[Piece]:
        """Return the template's text with the tags replaced.

        :raises TemplateFaultError: a tag is not one of these dialects', or stands where no value
            can stand.
        """
        pieces: list[Piece] = []
        length = end = 0
        for match in self._matches:
            if match.lastindex == _TEXT:
                _check_text(match, values.flat)
                continue
            written = _written(match, values.flat)
            start, before = match.start(), end
            end = match.end()
            pieces.append(Piece(self.text[before:start], before, start, is_verbatim=True))
            pieces.append(Piece(written, start, end))
            length += start - before + len(written)
            if length > _FILLED_LIMIT:
                reason = f"the values make more than {_FILLED_LIMIT} characters up to here"
                raise _fault("template.limit", match, reason, "Make the defaults shorter.")
        pieces.append(Piece(self.text[end:], end, len(self.text), is_verbatim=True))
        return pieces

    @functools.cached_property
    def _matches(self) -> list[re.Match[str]]:
        """What there is between the plain parts: tags, comments, texts with braces in them."""
        return [
            match
            for match in _TOKEN.finditer(self.text)
            if match.lastindex != _TEXT or "{{" in match.group(_TEXT)
        ]

    @functools.cached_property
    def _tags(self) -> dict[str, int]:
        """Where each dialect is used first, in the order of the text."""
        found: dict[str, int] = {}
        for match in self._matches:
            dialect = _dialect_of(match)
            if dialect is not None:
                found.setdefault(dialect, match.start())
        return found

    @functools.cached_property
    def _named(self) -> dict[str, int]:
        """Where each path is named first."""
        found: dict[str, int] = {}
        for match in self._matches:
            if _dialect_of(match) is not None:
                found.setdefault(match.group(_QUOTED) or match.group(_BARE), match.start())
        return found


def _dialect_of(match: re.Match[str]) -> str | None:
    return _DIALECTS.get(match.lastindex or 0)


def _written(match: re.Match[str], values: Mapping[str, JsonValue]) -> str:
    """Return what a tag or a comment becomes."""
    if match.group(_COMMENT):
        if not match.group(_COMMENT).endswith("}}"):
            raise _fault("template.tag", match, "this comment has no end", "End it with }}.")
        return " "
    if match.group(_STRAY):
        raise _stray(match)
    path = match.group(_QUOTED) or match.group(_BARE)
    if path not in values and _FOREIGN.match(path):
        raise _fault("template.tag", match, f"tag {path!r}: only a parameter's path is allowed")
    value = values.get(path)
    if match.group(_CALCULATED):
        value = _calculated(value, match)
    # NOTE(blanks): without them {{a}}{{b}} would be one number of two
    return f" {json.dumps(value, default=dict)} "


def _stray(match: re.Match[str]) -> TemplateFaultError:
    if match.group(_STRAY) != "{{":
        return _fault("template.tag", match, f"{match.group(_STRAY)} begins no tag of this dialect")
    if match.string.startswith("{{{", match.start()):
        return _fault("template.tag", match, "{{{ begins no tag: values are never escaped here")
    return _fault(
        "template.tag", match, "{{ begins no tag: only a parameter's path and }} may follow"
    )


def _calculated(value: JsonValue, match: re.Match[str]) -> JsonValue:
    steps = match.group(_CALCULATED)
    # NOTE(strangers): with a parameter that is not there, or stands for its own path, so that it
    # can be found in the document, nothing is calculated
    if value is None or value == match.group(_BARE):
        return value
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _fault(
            "template.calculation",
            match,
            f"tag {match.group(_BARE)!r}: only numbers can be calculated with",
            "Give the parameter a number as its default.",
        )
    try:
        return calculated(value, steps)
    except (ZeroDivisionError, OverflowError) as ex:
        raise TemplateFaultError(
            f"{steps.strip()!r}: {ex}",
            code="template.calculation",
            offset=match.start(_CALCULATED),
            next_step="Change the numbers after the tag.",
        ) from ex


def _check_text(match: re.Match[str], values: Mapping[str, JsonValue]) -> None:
    """Refuse a text that a tag of ours is only a part of; other braces are left alone."""
    text = match.group(_TEXT)
    half = _HALF_TAG.fullmatch(text)
    if half and half.group(1) in values:
        raise _fault("template.tag", match, f"tag {half.group(1)!r} has no end", "End it with }}.")
    for inner in _INNER_TAG.finditer(text):
        if inner.group(2) in values:
            raise TemplateFaultError(
                f"tag {inner.group(2)!r}: it stands for a whole value, not for a part of a text",
                code="template.text",
                offset=match.start() + inner.start(),
                next_step="Make the whole text a parameter, or write the template as"
                ' cluster.json.j2, where {{ "a-" ~ cluster.name }} is one.',
            )


def _fault(
    code: str, match: re.Match[str], reason: str, next_step: str = _PLAIN
) -> TemplateFaultError:
    return TemplateFaultError(reason, code=code, offset=match.start(), next_step=next_step)
