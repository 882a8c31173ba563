"""Reads ``config.json``: the tree of parameters a user may set.

A leaf is addressed by its *flat path*: the keys from the root joined with dots. Keys may hold dots
themselves, and one leaf's path may begin with another's, so a path is never split; it is looked up.
"""

from collections.abc import Mapping
from typing import Any, Final

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.package import pointer_to
from pitrix_vm.form.records import Form, Group, Leaf

CONFIG_FILE: Final = "config.json"
#: Deeper trees are a mistake: real ones have four levels.
_DEPTH_LIMIT: Final = 12
#: How packages say yes and no. Source: released packages; the documents know "yes" and "no" only.
_FLAGS: Final[Mapping[object, bool]] = {
    True: True,
    "yes": True,
    "true": True,
    "Yes": True,
    "True": True,
    False: False,
    "no": False,
    "false": False,
    "No": False,
    "False": False,
    None: False,
}
LEAF_TYPES: Final = frozenset(
    {
        *("integer", "number", "boolean", "string", "password"),
        *("service", "loadbalancer", "accesskey", "vxnet", "eip"),
    }
)


def read_form(document: JsonValue) -> Form:
    """Read the content of ``config.json``.

    :raises PackageInvalidError: it is not such a tree; with every finding.
    """
    reader = _Reader()
    root = reader.group(document, at=(), keys=())
    findings = tuple(reader.findings)
    if errors := errors_in(findings):
        places = "; ".join(f"{f.pointer or '/'}: {f.message}" for f in errors[:3])
        raise PackageInvalidError(f"{CONFIG_FILE}: {places}", findings=findings)
    return Form(root=root, findings=findings)


class _Reader:
    """Walks the tree and notes what is wrong with it."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def group(self, node: Any, *, at: tuple[object, ...], keys: tuple[str, ...]) -> Group:
        members: list[Leaf | Group] = []
        properties = node.get("properties") if isinstance(node, Mapping) else None
        if not isinstance(properties, list):
            self._note(Level.ERROR, "form.group", at, "this should have a list of properties")
            return Group(key=keys[-1] if keys else "")
        if len(keys) > _DEPTH_LIMIT:
            self._note(Level.ERROR, "form.depth", at, f"nested deeper than {_DEPTH_LIMIT}")
            return Group(key=keys[-1])
        for number, child in enumerate(properties):
            place = (*at, "properties", number)
            member = self._member(child, at=place, keys=keys)
            if member is not None:
                members = self._without(member.key, members, place)
                members.append(member)
        return Group(
            key=keys[-1] if keys else "",
            label=_text(node, "label"),
            description=_text(node, "description"),
            members=tuple(members),
        )

    def _member(
        self, node: Any, *, at: tuple[object, ...], keys: tuple[str, ...]
    ) -> Leaf | Group | None:
        key = node.get("key") if isinstance(node, Mapping) else None
        if not isinstance(key, str) or not key:
            self._note(Level.ERROR, "form.key", at, "this should be an object with a key")
            return None
        if node.get("type") == "array" or "properties" in node:
            return self.group(node, at=at, keys=(*keys, key))
        if node.get("type") not in LEAF_TYPES:
            message = f"type {node.get('type')!r} is unknown; the value is taken as text"
            self._note(Level.WARNING, "form.type", (*at, "type"), message)
        return self._leaf(node, at=at, keys=(*keys, key))

    def _leaf(self, node: JsonObject, *, at: tuple[object, ...], keys: tuple[str, ...]) -> Leaf:
        kind = node.get("type")
        choices = node.get("range")
        return Leaf(
            key=keys[-1],
            path=".".join(keys),
            type=kind if isinstance(kind, str) and kind in LEAF_TYPES else "string",
            label=_text(node, "label"),
            description=_text(node, "description"),
            is_required=self._flag(node, "required", at),
            default=node.get("default"),
            has_default=node.get("default") is not None,
            choices=tuple(choices) if isinstance(choices, list) else (),
            is_multichoice=self._flag(node, "multichoice", at),
            separator=_text(node, "separator") or ",",
            minimum=self._number(node, "min", at),
            maximum=self._number(node, "max", at),
            step=self._step(node, at),
            pattern=_text(node, "pattern") or None,
        )

    def _flag(self, node: JsonObject, name: str, at: tuple[object, ...]) -> bool:
        value = node.get(name)
        if isinstance(value, str | bool | None) and value in _FLAGS:
            return _FLAGS[value]
        self._note(Level.WARNING, "form.flag", (*at, name), 'neither "yes" nor "no"; taken as no')
        return False

    def _number(self, node: JsonObject, name: str, at: tuple[object, ...]) -> int | float | None:
        value = node.get(name)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self._note(Level.WARNING, "form.number", (*at, name), "not a number; left out")
        return None

    def _step(self, node: JsonObject, at: tuple[object, ...]) -> int | None:
        step = self._number(node, "step", at)
        return int(step) if step is not None and step >= 1 else None

    def _without(
        self, key: str, members: list[Leaf | Group], at: tuple[object, ...]
    ) -> list[Leaf | Group]:
        kept = [member for member in members if member.key != key]
        if len(kept) < len(members):
            message = f"key {key!r} is there twice; the last one counts"
            self._note(Level.WARNING, "form.duplicate", at, message)
        return kept

    def _note(self, level: Level, code: str, at: tuple[object, ...], message: str) -> None:
        self.findings.append(
            Finding(
                level=level, code=code, message=message, pointer=pointer_to(at), file=CONFIG_FILE
            )
        )


def _text(node: JsonObject, name: str) -> str:
    value = node.get(name)
    return value if isinstance(value, str) else ""
