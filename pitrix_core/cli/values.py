"""Turns ``--set path=value`` and ``--values FILE`` into JSON, typed by the schema it is for.

A path is names with dots between: ``cluster.etcd_node.count``. Names that hold dots themselves are
found where the schema has them; elsewhere the path is written as a JSON pointer:
``/env/log.level=debug``. What the schema does not know, and what is not of its type, is kept for
the server to object to: it names everything that is wrong at once.
"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from pitrix_core.cli.problems import CliError
from pitrix_core.errors import PackageInvalidError
from pitrix_core.model import JsonObject, JsonValue

_WORDS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


#: Asks for the value without showing it.
_ASK: Final = "-"


def collect(settings: Iterable[str], *, file: Path | None, schema: JsonObject) -> dict[str, Any]:
    """Return the values of a file with those of the command line over them.

    :param settings: ``path=value`` each.
    :param file: JSON or YAML, an object; ``-`` for standard input.
    :raises CliError: the file is no object.
    :raises click.UsageError: a setting is no ``path=value``.
    """
    values = read_file(file) if file is not None else {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip("/."):
            raise click.UsageError(f"--set {setting}: this should be path=value")
        names, part = locate(path, schema)
        _put(values, names, typed(text, part, schema=schema), setting)
    return values


def pairs(settings: Iterable[str], *, option: str) -> dict[str, str]:
    """Return ``key=value`` settings as a mapping of texts.

    :raises click.UsageError: one has no ``=``.
    """
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{option} {setting}: this should be key=value")
        found[key] = value
    return found


def read_file(path: Path) -> dict[str, Any]:
    """Read an object from a JSON or YAML file; ``-`` is standard input.

    :raises CliError: it cannot be read, or holds no object.
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as ex:
        raise CliError(f"{_named(path)} cannot be read: {ex}") from ex
    try:
        values = _document(text, path)
    except PackageInvalidError as ex:
        raise CliError(ex.message) from ex
    if not isinstance(values, dict):
        raise CliError(
            f"{_named(path)} holds no object.", next_step="Write names and values: JSON or YAML."
        )
    return values


def credential_of(file: Path | None, secrets: Iterable[str]) -> dict[str, Any]:
    """Return a credential: the members of a file, with those over them that are asked for.

    :param secrets: ``KEY=-`` to ask for a member, ``KEY=@FILE`` to read it.
    :raises CliError: a file cannot be read, or holds no object.
    :raises click.UsageError: a secret itself was given.
    """
    values = read_file(file) if file is not None else {}
    for key, source in pairs(secrets, option="--credential").items():
        values[key] = _secret(key, source)
    return values


def _secret(key: str, source: str) -> str:
    if source == _ASK:
        return str(click.prompt(key, hide_input=True, err=True))
    if not source.startswith("@"):
        raise click.UsageError(
            f"--credential {key}=…: a secret is not taken from the command line. "
            f"Say {key}=- to be asked for it, or {key}=@FILE."
        )
    try:
        return Path(source[1:]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as ex:
        raise CliError(f"{source[1:]} cannot be read: {ex}") from ex


def _document(text: str, path: Path) -> JsonValue:
    """Read a text that is JSON, whatever it is called, or YAML that says what JSON can say.

    Not all JSON is YAML: tabs and escaped surrogates are not.
    """
    from pitrix_core.package import parse_json  # noqa: PLC0415  # for those who use files
    from pitrix_core.package.yaml_text import read_yaml  # noqa: PLC0415

    try:
        return parse_json(text, file=_named(path))
    except PackageInvalidError:
        if path.suffix == ".json":
            raise
    return read_yaml(text, file=_named(path)).value


def _named(path: Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


def locate(path: str, schema: JsonObject) -> tuple[list[str], JsonObject]:
    """Split a path into names, and return the part of the schema it leads to.

    :returns: an empty schema for what is not in it.
    """
    if path.startswith("/"):
        from pitrix_core.validation import pointer_parts  # noqa: PLC0415  # slow to import

        names = [*pointer_parts(path)]
        part = schema
        for name in names:
            part = _member(resolve(part, schema), name)
        return names, resolve(part, schema)
    return _walk(path.split("."), resolve(schema, schema), schema)


def resolve(part: JsonObject, schema: JsonObject) -> JsonObject:
    """Follow a reference inside the schema, and take what is not null of a choice."""
    if "$ref" in part:
        found: Any = schema
        for name in str(part["$ref"]).removeprefix("#/").split("/"):
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return resolve(found, schema)
    choices = [c for c in part.get("anyOf", ()) if c.get("type") != "null"]
    return resolve(choices[0], schema) if len(choices) == 1 else part


def typed(text: str, part: JsonObject, *, schema: JsonObject) -> Any:
    """Turn text into a value of the schema's type; what is not of that type stays text."""
    kind = _kind(part)
    try:
        if kind == "array" and not text.startswith("["):
            item = resolve(part.get("items") or {}, schema)
            return [typed(t, item, schema=schema) for t in text.split(",") if t]
        return _READERS.get(kind, _guessed)(text)
    except ValueError:
        return text


def _flag(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError(text)
    return _WORDS[text.lower()]


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # JSON has none of these
        raise ValueError(text)
    return number


def _decoded(text: str) -> JsonValue:
    from pitrix_core.package.json import decode  # noqa: PLC0415  # slow to import, seldom needed

    return decode(text)


def _guessed(text: str) -> Any:
    try:
        return _decoded(text)
    except ValueError:
        return text


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "string": str,
    "integer": int,
    "number": _fraction,
    "boolean": _flag,
    "array": _decoded,
    "object": _decoded,
}


def _kind(part: JsonObject) -> str:
    kind = part.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), None)
    if kind is None and part.get("enum") and all(isinstance(v, str) for v in part["enum"]):
        return "string"
    return str(kind or "")


def _walk(
    parts: Sequence[str], part: JsonObject, schema: JsonObject
) -> tuple[list[str], JsonObject]:
    """Match the longest name the schema knows first."""
    if not parts:
        return [], part
    properties = part.get("properties") or {}
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in properties or length == 1:
            names, found = _walk(parts[length:], resolve(_member(part, name), schema), schema)
            return [name, *names], found
    raise AssertionError("unreachable: one part is always taken")


def _member(part: JsonObject, name: str) -> JsonObject:
    found = (part.get("properties") or {}).get(name)
    if found is None:
        found = part.get("additionalProperties")
    return found if isinstance(found, Mapping) else {}


def _put(values: dict[str, Any], names: Sequence[str], value: Any, setting: str) -> None:
    inner = values
    for name in names[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise click.UsageError(f"--set {setting}: {name!r} is a value, not an object")
    inner[names[-1]] = value
