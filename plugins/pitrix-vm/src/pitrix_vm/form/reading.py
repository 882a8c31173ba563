"""Reads ``config.json``: the tree of parameters a user may set.

A leaf is addressed by its *flat path*: the keys from the root joined with dots. Keys may hold dots
themselves, and one leaf's path may begin with another's, so a path is never split; it is looked up.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.package import parse_tolerant, pointer_to
from pitrix_core.validation import nearest, summary
from pitrix_vm.form.attributes import Remark, group_remarks, read_attributes
from pitrix_vm.form.coherence import settled
from pitrix_vm.form.dependencies import resolved
from pitrix_vm.form.notes import CONFIG_FILE, Notes, shortened
from pitrix_vm.form.patterns import PatternError, translated
from pitrix_vm.form.records import Form, Group, Leaf
from pitrix_vm.form.types import LEAF_TYPES, as_text, is_same, taken_as

#: Deeper trees are a mistake: real ones have four levels.
_DEPTH_LIMIT: Final = 12
#: Larger ones nobody fills in: real ones have up to a few hundred.
_NODE_LIMIT: Final = 10_000
#: Longest key, in characters; the longest one seen has 42.
_KEY_LIMIT: Final = 255
#: Types by what a default is, where the type is unknown.
_TYPES_OF: Final[Mapping[type, str]] = {bool: "boolean", int: "integer", float: "number"}


def parse_form(text: str) -> Form:
    """Read the text of ``config.json``; commas that are wrong are put right, with a finding.

    :raises PackageInvalidError: it is not JSON, or not such a tree; with every finding.
    """
    read = parse_tolerant(text, file=CONFIG_FILE)
    return read_form(read.value, repairs=read.findings)


def read_form(document: JsonValue, *, repairs: Sequence[Finding] = ()) -> Form:
    """Read the content of ``config.json``.

    :param repairs: what was found before, to be reported with the rest.
    :raises PackageInvalidError: it is not such a tree; with every finding.
    """
    notes = Notes()
    root = settled(_Reader(notes).group(document, at=(), keys=()), notes)
    findings = (*repairs, *notes.findings)
    if errors := errors_in(findings):
        raise PackageInvalidError(f"{CONFIG_FILE}: {summary(errors)}", findings=findings)
    return Form(root=root, findings=findings)


class _Reader:
    """Walks the tree and notes what is wrong with it."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._nodes = 0

    def group(self, node: Any, *, at: tuple[object, ...], keys: tuple[str, ...]) -> Group:
        key, pointer = keys[-1] if keys else "", pointer_to(at)
        properties = node.get("properties") if isinstance(node, Mapping) else None
        if not isinstance(properties, list):
            self._notes.error("form.group", pointer, "this should have a list of properties")
            return Group(key=key)
        if len(keys) > _DEPTH_LIMIT:
            self._notes.error("form.depth", pointer, f"nested deeper than {_DEPTH_LIMIT}")
            return Group(key=key)
        self._remark(group_remarks(node), at)
        members: dict[str, Leaf | Group] = {}
        for number, child in enumerate(properties):
            if not self._counted(pointer):
                break
            place = (*at, "properties", number)
            member = self._member(child, at=place, keys=keys)
            if member is not None:
                self._drop(member.key, members, place)
                members[member.key] = member
        return Group(
            key=key,
            label=as_text(node.get("label")) or "",
            description=as_text(node.get("description")) or "",
            pointer=pointer,
            members=tuple(resolved(members, self._notes)),
        )

    def _member(
        self, node: Any, *, at: tuple[object, ...], keys: tuple[str, ...]
    ) -> Leaf | Group | None:
        key = node.get("key") if isinstance(node, Mapping) else None
        if not isinstance(key, str) or not key:
            self._notes.error("form.key", pointer_to(at), "this should be an object with a key")
            return None
        if len(key) > _KEY_LIMIT:
            message = f"the key is longer than {_KEY_LIMIT} characters"
            self._notes.error("form.key", pointer_to((*at, "key")), message)
            return None
        if any(character.isspace() for character in key):
            message = f"key {key!r} holds blanks; the specification forbids them"
            self._notes.warning("form.blank", pointer_to((*at, "key")), message)
        if node.get("type") == "array" or "properties" in node:
            return self.group(node, at=at, keys=(*keys, key))
        return self._leaf(node, at=at, keys=(*keys, key))

    def _leaf(self, node: JsonObject, *, at: tuple[object, ...], keys: tuple[str, ...]) -> Leaf:
        pointer, kind = pointer_to(at), self._kind(node, at)
        fields, remarks = read_attributes(node, kind=kind)
        self._remark(remarks, at)
        is_list = kind == "loadbalancer"
        if fields.get("is_multichoice") and (is_list or not fields.get("choices")):
            reason = "on a list" if is_list else "without a range to choose from"
            message = f"multichoice has no effect {reason}"
            self._notes.warning("form.ignored", f"{pointer}/multichoice", message)
            fields["is_multichoice"] = False
        is_joined = fields.get("is_multichoice") or kind == "accesskey"
        self._take_values(fields, node, kind="string" if is_joined else kind, pointer=pointer)
        return Leaf(key=keys[-1], path=".".join(keys), pointer=pointer, type=kind, **fields)

    def _counted(self, pointer: str) -> bool:
        """Count one more node; say whether the form may still have it."""
        self._nodes += 1
        if self._nodes == _NODE_LIMIT:
            message = f"the form has more than {_NODE_LIMIT} groups and parameters"
            self._notes.error("form.size", pointer, message)
        return self._nodes < _NODE_LIMIT

    def _kind(self, node: JsonObject, at: tuple[object, ...]) -> str:
        kind = node.get("type")
        if isinstance(kind, str) and kind in LEAF_TYPES:
            return kind
        meant = nearest(kind, sorted(LEAF_TYPES)) if isinstance(kind, str) else None
        taken = meant or _TYPES_OF.get(type(node.get("default")), "string")
        message = f"type {shortened(kind)} is unknown; taken as {taken}"
        if kind is None:
            message = f"there is no type; taken as {taken}"
        self._notes.warning(
            "form.type",
            pointer_to((*at, "type")),
            message,
            next_step=f"Write one of {', '.join(sorted(LEAF_TYPES))}, or array for a group.",
        )
        return taken

    def _take_values(
        self, fields: dict[str, Any], node: JsonObject, *, kind: str, pointer: str
    ) -> None:
        """Make all values those of one type, and the pattern one that can be used."""
        fields["default"] = self._value(node.get("default"), kind, f"{pointer}/default")
        for field, name in (("choices", "range"), ("combination", "resource_group")):
            values = [
                self._value(value, kind, f"{pointer}/{name}/{number}")
                for number, value in enumerate(fields.get(field, ()))
            ]
            # NOTE(numbers): a combination's values belong to choices by their number
            is_kept = field == "combination"
            fields[field] = tuple(value for value in values if is_kept or value is not None)
        if "written_pattern" in fields:
            fields["pattern"] = self._pattern(fields["written_pattern"], pointer)

    def _value(self, value: JsonValue, kind: str, pointer: str) -> JsonValue:
        if value is None:
            return None
        taken = taken_as(value, kind)
        if value is taken or (taken is not None and is_same(taken, value)):
            return taken
        # NOTE(nothing): an empty text is how packages write that there is no default
        if value != "":
            outcome = "left out" if taken is None else f"taken as {json.dumps(taken)}"
            message = f"this is no value of type {kind}; {outcome}"
            self._notes.warning("form.value", pointer, message)
        return taken

    def _pattern(self, written: str, pointer: str) -> str | None:
        try:
            return translated(written)
        except PatternError as ex:
            self._notes.warning(
                "form.pattern",
                f"{pointer}/pattern",
                f"the pattern cannot be used, so the value is not checked: {ex}",
                next_step="Write it as a regular expression of JavaScript, without flags.",
            )
            return None

    def _drop(self, key: str, members: dict[str, Leaf | Group], at: tuple[object, ...]) -> None:
        if members.pop(key, None) is not None:
            message = f"key {key!r} is there twice; the last one counts"
            self._notes.warning("form.duplicate", pointer_to(at), message)

    def _remark(self, remarks: Iterable[Remark], at: tuple[object, ...]) -> None:
        for remark in remarks:
            self._notes.note(
                remark.level,
                remark.code,
                pointer_to((*at, remark.attribute)),
                remark.message,
                next_step=remark.next_step,
            )
