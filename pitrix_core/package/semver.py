"""Versions of packages: SemVer 2, read as leniently as Helm reads them.

A leading ``v`` and missing minor or patch numbers are accepted (``v1.2`` is 1.2.0), since real
indexes hold them.
"""

import functools
import re
from typing import Final

import attrs

_PART: Final = r"[0-9A-Za-z-]+"
#: Source: https://semver.org/spec/v2.0.0.html, with Helm's leniency.
_FORM: Final = re.compile(
    r"v?(0|[1-9]\d{0,17})(?:\.(0|[1-9]\d{0,17}))?(?:\.(0|[1-9]\d{0,17}))?"
    rf"(?:-({_PART}(?:\.{_PART})*))?(?:\+({_PART}(?:\.{_PART})*))?",
    re.ASCII,
)
#: Longest text looked at, in characters: what the database has room for.
_TEXT_LIMIT: Final = 255


@functools.total_ordering
@attrs.frozen(order=False, eq=False)
class Version:
    """A version; ordered as SemVer says, build metadata left out of it."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version.

        :raises ValueError: it is not one.
        """
        match = _FORM.fullmatch(text) if len(text) <= _TEXT_LIMIT else None
        if match is None:
            raise ValueError(f"{text[:_TEXT_LIMIT]!r} is not a version such as 1.2.3 or 1.2.3-rc.1")
        major, minor, patch, prerelease, build = match.groups()
        parts = tuple(prerelease.split(".")) if prerelease else ()
        return cls(int(major), int(minor or 0), int(patch or 0), parts, build or "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += "-" + ".".join(self.prerelease) if self.prerelease else ""
        return text + (f"+{self.build}" if self.build else "")

    def _key(self) -> tuple[object, ...]:
        # NOTE(order): a release comes after its prereleases; numbers come before words
        parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in self.prerelease)
        return (self.major, self.minor, self.patch, not self.prerelease, parts)
