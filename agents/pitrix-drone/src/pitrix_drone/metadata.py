"""The metadata as templates see it: a flat store of strings under absolute paths.

The store answers ``ls``, ``lsdir``, ``gets`` and the rest as confd's own does, its oddities
included: ``ls "/"`` names keys only and ``lsdir "/"`` nothing.
Source: https://github.com/kelseyhightower/memkv
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pitrix_drone.etcd_wire import KeyValue

UNNAMED_ROLE: Final = "_"
_REVISION_PATH: Final = "revision"
#: What stands here among a node's own keys is for its drone; templates do not see it.
#: Source: agents/protocol/README.md, section 2.
_OF_THE_DRONE: Final = "agent/"
_META: Final = re.compile(r"[*?\[\\]")


class Metadata(NamedTuple):
    """What a drone knows about its cluster at one revision.

    :param revision: of the metadata, as in ``shared/revision``; 0 while there is none.
    :param values: path under ``/self`` → value.
    :param own: what is for the drone itself, path → value.
    """

    revision: int
    values: Mapping[str, str]
    own: Mapping[str, str] = {}


class Places(NamedTuple):
    """Where in etcd a drone reads and writes; every prefix ends with a slash."""

    shared: str
    role: str
    node: str
    commands: str
    reports: str

    @property
    def watched(self) -> tuple[str, str, str]:
        """The prefixes laid over one another as ``/self``, the later ones on top."""
        return (self.shared, self.role, self.node)


def places(*, cluster_id: str, node_id: str, role: str) -> Places:
    """Return where the data of one node is."""
    cluster = f"/c/{cluster_id}"
    return Places(
        shared=f"{cluster}/shared/",
        role=f"{cluster}/roles/{role or UNNAMED_ROLE}/",
        node=f"{cluster}/nodes/{node_id}/",
        commands=f"{cluster}/commands/{node_id}/",
        reports=f"{cluster}/reports/{node_id}/",
    )


def lay_over(items: Iterable[KeyValue], where: Places) -> Metadata:
    """Return the view of one node on what was read from its prefixes."""
    values: dict[str, str] = {}
    revision = 0
    layers: dict[str, dict[str, str]] = {prefix: {} for prefix in where.watched}
    for item in items:
        for prefix, layer in layers.items():
            if item.key.startswith(prefix):
                layer[item.key[len(prefix) :]] = item.value
                break
    written = layers[where.shared].pop(_REVISION_PATH, "")
    if written.isdigit():
        revision = int(written)
    own = _split_off(layers[where.node], _OF_THE_DRONE)
    for layer in layers.values():
        values.update((f"/self/{path}", value) for path, value in layer.items())
    return Metadata(revision=revision, values=values, own=own)


def _split_off(layer: dict[str, str], prefix: str) -> dict[str, str]:
    paths = [path for path in layer if path.startswith(prefix)]
    return {path[len(prefix) :]: layer.pop(path) for path in paths}


class Store:
    """Strings under absolute paths, as one resource's template sees them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._keys = sorted(self._values)
        self._children: dict[str, set[str]] = {}
        self._folders: dict[str, set[str]] = {}
        for key in self._keys:
            self._enter(key)

    def exists(self, key: str) -> bool:
        """Tell whether *key* has a value; a folder has none."""
        return key in self._values

    def get(self, key: str) -> str:
        """Return a value.

        :raises KeyError: there is none.
        """
        return self._values[key]

    def matching(self, pattern: str) -> list[tuple[str, str]]:
        """Return the keys that match a glob, with their values, ordered by key.

        :raises ValueError: the pattern is malformed.
        """
        meta = _META.search(pattern)
        if meta is None:
            return [(pattern, self._values[pattern])] if pattern in self._values else []
        regex = glob_regex(pattern)
        literal = pattern[: meta.start()]
        found = []
        for position in range(bisect.bisect_left(self._keys, literal), len(self._keys)):
            key = self._keys[position]
            if not key.startswith(literal):
                break
            if regex.fullmatch(key):
                found.append((key, self._values[key]))
        return found

    def names(self, path: str) -> list[str]:
        """Return the names right below *path*, sorted; of a key itself, its last part."""
        found = set(self._children.get(clean(path), ()))
        if path in self._values:
            found.add(base(path))
        return sorted(found)

    def folders(self, path: str) -> list[str]:
        """Return the names right below *path* that have something below them, sorted."""
        return sorted(self._folders.get(clean(path), ()))

    def _enter(self, key: str) -> None:
        parts = key.split("/")[1:]
        if len(parts) == 1:
            self._children.setdefault("/", set()).add(parts[0])
        for depth in range(1, len(parts)):
            folder = "/" + "/".join(parts[:depth])
            self._children.setdefault(folder, set()).add(parts[depth])
            if depth + 1 < len(parts):
                self._folders.setdefault(folder, set()).add(parts[depth])


def select(values: Mapping[str, str], *, prefix: str, keys: Iterable[str]) -> dict[str, str]:
    """Return what a resource asks for, with its prefix taken off.

    :param keys: relative to the prefix; each stands for itself and all below it.
    """
    start = "" if clean(prefix) == "/" else clean(prefix)
    wanted = [clean(f"{start}/{key}") for key in keys]
    return {
        path[len(start) :]: value
        for path, value in values.items()
        if path.startswith(start + "/") and any(_is_below(path, each) for each in wanted)
    }


def clean(path: str) -> str:
    """Return the shortest form of a path, as Go's ``path.Clean`` does."""
    is_absolute = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part == ".." and is_absolute:
            continue
        elif part not in ("", "."):
            parts.append(part)
    joined = "/".join(parts)
    return "/" + joined if is_absolute else joined or "."


def base(path: str) -> str:
    """Return the last part of a path, as Go's ``path.Base`` does."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def folder(path: str) -> str:
    """Return all but the last part of a path, as Go's ``path.Dir`` does."""
    return clean(path.rpartition("/")[0] + "/" if "/" in path else "")


def glob_regex(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a glob of Go's ``path.Match``; ``*`` stays in one part.

    :raises ValueError: the pattern is malformed.
    """
    out, position = "", 0
    while position < len(pattern):
        char = pattern[position]
        if char == "[":
            close = _class_end(pattern, position)
            out += _class_regex(pattern[position + 1 : close])
            position = close
        elif char == "\\":
            position += 1
            if position == len(pattern):
                raise ValueError(f"syntax error in pattern {pattern!r}")
            out += re.escape(pattern[position])
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char)
        position += 1
    return re.compile(out, re.DOTALL)


def _is_below(path: str, top: str) -> bool:
    return top in (path, "/") or path.startswith(top + "/")


def _class_end(pattern: str, start: int) -> int:
    position = start + 2 if pattern[start + 1 : start + 2] == "^" else start + 1
    first = position
    while position < len(pattern):
        if pattern[position] == "]" and position > first:
            return position
        position += 2 if pattern[position] == "\\" else 1
    raise ValueError(f"syntax error in pattern {pattern!r}")


def _class_regex(body: str) -> str:
    inverted = body.startswith("^")
    inner = body[1:] if inverted else body
    inner = re.sub(r"\\?(.)", lambda match: _class_character(match.group()), inner, flags=re.DOTALL)
    try:
        re.compile(f"[{inner}]")
    except re.error as ex:
        raise ValueError(f"syntax error in pattern [{body}]") from ex
    return f"[^/{inner}]" if inverted else f"(?!/)[{inner}]"


def _class_character(text: str) -> str:
    return "-" if text == "-" else re.escape(text[-1])
