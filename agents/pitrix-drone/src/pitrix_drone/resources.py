"""confd's template resources: which file is made from which template, and what follows."""

from __future__ import annotations

import pathlib
import re
import sys
from typing import Any, Final, NamedTuple

from pitrix_drone.keystore import clean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MAX_MODE: Final = 0o7777
_PASSED_OVER: Final = re.compile(r"^[._]|\.(?:darwin|windows)\.toml$")


class ResourceError(Exception):
    """A resource cannot be used; the message names the file and the field."""


class Resource(NamedTuple):
    """One ``[template]``.

    :param src: relative to the templates folder.
    :param dest: an absolute path of the machine, without ``PITRIX_ROOT``.
    :param mode: None to keep the one of the file that is there, or 0644.
    :param uid: a number, a user's name, or None for the drone's own; likewise *gid*.
    """

    name: str
    src: str
    dest: str
    keys: tuple[str, ...]
    mode: int | None = None
    uid: int | str | None = None
    gid: int | str | None = None
    check_cmd: str = ""
    reload_cmd: str = ""


class Loaded(NamedTuple):
    """The resources of a folder that can be used, and what is wrong with the others."""

    resources: tuple[Resource, ...]
    problems: tuple[str, ...]


def load_resources(folder: pathlib.Path, *, dialect: str) -> Loaded:
    """Read every ``*.toml`` of a folder and those below it, by path; no folder, no resources.

    :param dialect: libconfd's passes over what is for another system, and over names that begin
        with a dot or an underscore.
    """
    resources, problems = [], []
    for path in sorted(folder.rglob("*.toml")):
        if dialect == "openpitrix" and _PASSED_OVER.search(path.name):
            continue
        try:
            resources.append(read_resource(path))
        except ResourceError as ex:
            problems.append(str(ex))
    return Loaded(tuple(resources), tuple(problems))


def read_resource(path: pathlib.Path) -> Resource:
    """Read one resource file.

    The names of fields may be written in any case. ``prefix`` is read over: the drone's own takes
    its place, as in confd when both are set.

    :raises ResourceError: the file cannot be read, or a field is missing or not what it should be.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as ex:
        raise ResourceError(f"{path.name}: cannot be read: {ex}") from ex
    table = _in_lower_case(data).get("template")
    if not isinstance(table, dict):
        raise ResourceError(f"{path.name}: template: a table of this name is needed")
    return _Fields(path.name, _in_lower_case(table)).resource()


def _in_lower_case(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table by lower-case names; one that is written so goes before others."""
    return {name.lower(): value for name, value in table.items()} | {
        name: value for name, value in table.items() if name.islower()
    }


class _Fields:
    def __init__(self, name: str, table: dict[str, Any]) -> None:
        self._name = name
        self._table = table

    def resource(self) -> Resource:
        dest = self._text("dest", is_needed=True)
        if not dest.startswith("/"):
            raise self._error("dest", "write an absolute path")
        return Resource(
            name=self._name,
            src=self._text("src", is_needed=True),
            dest=clean(dest),
            keys=self._keys(),
            mode=self._mode(),
            uid=self._owner("owner", "uid"),
            gid=self._owner("group", "gid"),
            check_cmd=self._text("check_cmd"),
            reload_cmd=self._text("reload_cmd"),
        )

    def _error(self, field: str, message: str) -> ResourceError:
        return ResourceError(f"{self._name}: {field}: {message}")

    def _text(self, field: str, *, is_needed: bool = False) -> str:
        value = self._table.get(field, "")
        if not isinstance(value, str):
            raise self._error(field, "write text in quotes")
        if is_needed and not value:
            raise self._error(field, "is needed")
        return value

    def _keys(self) -> tuple[str, ...]:
        value = self._table.get("keys", ["/"])
        if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
            raise self._error("keys", 'write a list of paths such as ["/"]')
        return tuple(value)

    def _mode(self) -> int | None:
        text = self._text("mode")
        if not text:
            return None
        try:
            mode = int(text, 8)
        except ValueError:
            mode = -1
        if not 0 <= mode <= _MAX_MODE:
            raise self._error("mode", 'write octal digits such as "0644"')
        return mode

    def _owner(self, by_name: str, by_number: str) -> int | str | None:
        named = self._text(by_name)
        if named:
            return named
        number = self._table.get(by_number)
        if number is None or number == -1:
            return None
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise self._error(by_number, "write a number of 0 or more")
        return number
