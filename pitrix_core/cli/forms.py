"""Reads a configuration's schema as a form: sections of fields, in the order they are shown."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from pitrix_core.cli.output import text_of
from pitrix_core.cli.values import locate, resolve
from pitrix_core.model import JsonObject
from pitrix_core.validation import pointer_to
from pitrix_core.validation.words import choices, kinds

#: How fields are shown as a table.
ROW_COLUMNS: Final = {
    "path": "path",
    "type": "type",
    "default": "default",
    "choices": "enum",
    "about": "about",
}
#: Deepest section that is shown; a form has three levels.
_DEPTH_LIMIT: Final = 20


@attrs.frozen(kw_only=True)
class Field:
    """One value that a user can set."""

    names: tuple[str, ...]
    #: As ``--set`` takes it.
    path: str
    schema: JsonObject
    is_required: bool
    #: Labels of the fields beside it, by key.
    siblings: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def label(self) -> str:
        """What it is called."""
        return str(self.schema.get("title") or self.names[-1])

    @property
    def description(self) -> str:
        """What it is for; empty where nobody says."""
        return str(self.schema.get("description") or "")

    @property
    def is_secret(self) -> bool:
        """Says whether its value is shown to nobody."""
        return self.schema.get("writeOnly") is True

    @property
    def is_fixed(self) -> bool:
        """Says whether nothing but its default is allowed."""
        return self.schema.get("x-changeable-when-create") is False

    @property
    def pointer(self) -> str:
        """JSON pointer into the configuration."""
        return pointer_to(self.names)

    @property
    def choices(self) -> tuple[Any, ...]:
        """What there is to choose from; nothing where anything can be written."""
        several = self.schema.get("x-multichoice")
        if isinstance(several, Mapping):
            return tuple(several.get("choices", ()))
        if self.schema.get("type") == "boolean":
            return (True, False)
        return tuple(self.schema.get("enum", ()))

    def facts(self) -> str:
        """Return in one line what it may be."""
        return "; ".join(fact for fact in self._facts() if fact)

    def condition(self) -> str:
        """Return when it shows, in words; empty where it always does."""
        return " and ".join(
            f"only for {self._called(condition)} = {choices(condition['in'])}"
            if "in" in condition
            else f"not for {self._called(condition)} = {choices(condition.get('not_in', ()))}"
            for condition in self.schema.get("x-visible-if", ())
        )

    def _called(self, condition: JsonObject) -> str:
        key = str(condition.get("key"))
        return self.siblings.get(key, key)

    def _facts(self) -> Iterator[str]:
        part = self.schema
        unit = f" of {part['x-unit']}" if part.get("x-unit") else ""
        yield f"{kinds(part['type'])}{unit}" if part.get("type") else ""
        yield "required" if self.is_required else ""
        yield "a secret" if self.is_secret else ""
        yield self._limits()
        if self.is_fixed:
            yield "fixed"
        elif part.get("x-changeable") is False:
            yield "cannot be changed later"
        default = part.get("default")
        if default not in (None, "", [], {}) and not self.is_secret:
            yield f"default {text_of(default)}"

    def _limits(self) -> str:
        part = self.schema
        several = part.get("x-multichoice")
        if isinstance(several, Mapping):
            listed = choices(self.choices)
            return f"one or several of {listed}, joined by {several.get('separator', ',')!r}"
        if part.get("enum"):
            return f"one of {choices(part['enum'])}"
        words = {"minimum": "at least", "maximum": "at most", "multipleOf": "a multiple of"}
        limits = [f"{word} {part[name]}" for name, word in words.items() if name in part]
        pattern = part.get("x-pattern", part.get("pattern"))
        return ", ".join([*limits, *([f"like {pattern}"] if pattern else [])])


@attrs.frozen(kw_only=True)
class Section:
    """Fields that belong together."""

    title: str
    description: str
    fields: tuple[Field, ...]


def sections_of(schema: JsonObject) -> list[Section]:
    """Return the sections of a form that have fields, as ``x-order`` has them."""
    return list(_sections(resolve(schema, schema), schema, names=(), titles=()))


def fields_of(schema: JsonObject) -> list[Field]:
    """Return every field of a form, as ``x-order`` has them."""
    return [field for section in sections_of(schema) for field in section.fields]


def rows_of(schema: JsonObject) -> list[JsonObject]:
    """Return a row for each field of a form, for :data:`ROW_COLUMNS`."""
    return [_row(field) for field in fields_of(schema)]


def _row(field: Field) -> JsonObject:
    default = "required" if field.is_required else ""
    if not field.is_secret:
        default = field.schema.get("default", default)
    return {
        "path": field.path,
        "type": field.schema.get("type"),
        "default": default,
        "enum": field.schema.get("enum"),
        "about": field.description or field.schema.get("title"),
    }


def _sections(
    part: JsonObject, schema: JsonObject, *, names: tuple[str, ...], titles: tuple[str, ...]
) -> Iterator[Section]:
    members = _members(part, schema)
    plain = {key: member for key, member in members.items() if "properties" not in member}
    siblings = {key: str(member.get("title") or key) for key, member in plain.items()}
    required = part.get("required", ())
    fields = tuple(
        Field(
            names=(*names, key),
            path=_path((*names, key), schema),
            schema=member,
            is_required=key in required,
            siblings=siblings,
        )
        for key, member in plain.items()
    )
    if fields:
        about = str(part.get("description") or "")
        yield Section(title=" / ".join(titles), description=about, fields=fields)
    if len(names) < _DEPTH_LIMIT:
        for key, member in members.items():
            if key not in plain:
                title = str(member.get("title") or key)
                inner = {"names": (*names, key), "titles": (*titles, title)}
                yield from _sections(member, schema, **inner)


def _members(part: JsonObject, schema: JsonObject) -> dict[str, JsonObject]:
    """Return the members of an object, each with what stands beside a reference to it."""
    members = {
        key: {**resolve(member, schema), **member}
        for key, member in (part.get("properties") or {}).items()
        if isinstance(member, Mapping)
    }
    return dict(sorted(members.items(), key=lambda item: item[1].get("x-order", len(members))))


def _path(names: tuple[str, ...], schema: JsonObject) -> str:
    """Return what ``--set`` understands: with dots, or a pointer where dots would mislead."""
    dotted = ".".join(names)
    is_clear = not dotted.startswith("/") and "=" not in dotted
    return dotted if is_clear and tuple(locate(dotted, schema)[0]) == names else pointer_to(names)
