"""Strings under absolute paths, as a template's functions look them up.

The store answers ``ls``, ``lsdir``, ``gets`` and the rest as confd's own does, its oddities
included: ``ls "/"`` names keys only and ``lsdir "/"`` nothing.
Source: https://github.com/kelseyhightower/memkv
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pitrix_drone.globs import META, Glob

#: The character after the slash: whatever is below "/a" is before "/a0".
_AFTER_SLASH: Final = "0"


class Store:
    """Strings under absolute paths, as one resource's template sees them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._keys = sorted(self._values)

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
        meta = META.search(pattern)
        if meta is None:
            return [(pattern, self._values[pattern])] if pattern in self._values else []
        glob = Glob(pattern)
        literal = pattern[: meta.start()]
        found = []
        for position in range(bisect.bisect_left(self._keys, literal), len(self._keys)):
            key = self._keys[position]
            if not key.startswith(literal):
                break
            if glob.matches(key):
                found.append((key, self._values[key]))
        return found

    def names(self, path: str) -> list[str]:
        """Return the names right below *path*, sorted; of a key itself, its last part."""
        return sorted(self._names(path))

    def loose_names(self, path: str) -> list[str]:
        """Return the names as confd has them: keys beside *path* or above it count, too.

        With ``/a/k`` in the store, ``ls "/a/b"`` also gives ``a``.
        """
        found = self._names(path)
        above = clean(path).split("/")[1:-1]
        for depth in range(1, len(above) + 1):
            for key, is_leaf in self._children("/" + "/".join(above[:depth])):
                if is_leaf and key != path:
                    found.add(_name_below(key, path))
        return sorted(found)

    def folders(self, path: str) -> list[str]:
        """Return the names right below *path* that have something below them, sorted."""
        top = clean(path)
        if top == "/" or path not in (top, top + "/"):
            return []
        return sorted(
            {_name_below(key, top) for key, is_leaf in self._children(top) if not is_leaf}
        )

    def _names(self, path: str) -> set[str]:
        found = {base(path)} if path in self._values else set()
        top = clean(path)
        for key, is_leaf in self._children(top):
            if key != path and (is_leaf or top != "/"):
                found.add(_name_below(key, path))
        return found

    def _children(self, top: str) -> Iterator[tuple[str, bool]]:
        """Find one key for each name right below *top*; two where it is key and folder.

        Each comes with whether it is that name's own.
        """
        prefix = "/" if top == "/" else top + "/"
        position = bisect.bisect_left(self._keys, prefix)
        while position < len(self._keys) and self._keys[position].startswith(prefix):
            key = self._keys[position]
            end = key.find("/", len(prefix))
            yield key, end < 0
            if end < 0:
                position += 1
            else:
                position = bisect.bisect_left(self._keys, key[:end] + _AFTER_SLASH, position)


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


def _name_below(key: str, path: str) -> str:
    below = key.removeprefix(path)
    return below.removeprefix("/").partition("/")[0]


def _is_below(path: str, top: str) -> bool:
    return top in (path, "/") or path.startswith(top + "/")
