"""Puts packages into repos that keep files by their names: archive, signature, then the index.

The index is replaced last and at once, so that who reads it finds all it names; and only while it
is the one that was read, so that of two who push at the same time none undoes the other's work.
"""

import abc
import datetime as dt
import random
import re
import time
from collections.abc import Callable
from typing import Final

import attrs

from pitrix_core.contracts.repo import INDEX_LIMIT_BYTES, Release
from pitrix_core.errors import (
    PackageDigestError,
    PackageInvalidError,
    RepoChangedError,
    RepoTemporaryError,
)
from pitrix_core.package.index import INDEX_FILE, IndexEntries, read_index
from pitrix_core.package.limits import DEFAULT_LIMITS
from pitrix_core.package.publish import dump_index, entry_of, with_entries
from pitrix_core.package.signature import SIGNATURE_LIMIT_BYTES, SIGNATURE_SUFFIX

#: How often an index is read and written again that others changed meanwhile, and the longest
#: pause before it, in seconds; pauses double up to the last one.
_ATTEMPTS: Final = 20
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0


_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}\.(tgz|tar\.gz|zip)", re.ASCII)


@attrs.frozen(kw_only=True)
class Kept:
    """A file of a repo, with what tells it from what is there later."""

    content: bytes = attrs.field(repr=False)
    tag: str


class Shelf(abc.ABC):
    """Storage that keeps files by their names; kinds of repos inherit it before the contract."""

    @abc.abstractmethod
    def load(self, name: str, *, limit_bytes: int) -> Kept | None:
        """Return a file; None where there is none.

        :raises RepoError: it cannot be read, or is larger.
        """

    @abc.abstractmethod
    def store(self, name: str, content: bytes, *, known: str | None) -> None:
        """Write a file, at once or not at all.

        :param known: the tag of the file it replaces; None where there was none.
        :raises RepoChangedError: what is there is not that any more.
        :raises RepoError: it cannot be written.
        """

    def push(self, release: Release) -> None:
        """Put a package into the repo, and list it, as the contract says."""
        push(self, release, now=dt.datetime.now(dt.UTC))


def push(
    shelf: Shelf,
    release: Release,
    *,
    now: dt.datetime,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put a package into a repo, and list it in its index.

    :param now: aware UTC; the time the index and its new entry get.
    :raises PackageError: the archive cannot be read, does not say its name and version, or that
        version is there with other bytes.
    :raises RepoTemporaryError: others change the index all the time.
    :raises RepoError: the repo does not take it.
    """
    if not _FILE_NAME.fullmatch(release.file_name):
        raise PackageInvalidError(f"{release.file_name!r} is no name for an archive in a repo.")
    entry = entry_of(release.archive, release.file_name, now=now)
    _put_archive(shelf, release)
    if release.signature is not None:
        name = release.file_name + SIGNATURE_SUFFIX
        before = shelf.load(name, limit_bytes=SIGNATURE_LIMIT_BYTES)
        if before is None or before.content != release.signature:
            shelf.store(name, release.signature, known=before.tag if before else None)
    longest = _FIRST_PAUSE_S
    for _ in range(_ATTEMPTS):
        kept = shelf.load(INDEX_FILE, limit_bytes=INDEX_LIMIT_BYTES)
        listed = _parsed(kept)
        if listed.findings:
            raise PackageInvalidError(
                "The repo's index holds what cannot be read, and would be lost.",
                findings=listed.findings,
            )
        after = with_entries(listed, [entry], now=now)
        if after.entries == listed.entries:
            return None
        try:
            content = dump_index(after).encode()
            return shelf.store(INDEX_FILE, content, known=kept.tag if kept else None)
        except RepoChangedError:
            pause(random.uniform(0, longest))  # noqa: S311  # only to be unlike the others
            longest = min(2 * longest, _LONGEST_PAUSE_S)
    raise RepoTemporaryError(
        "The index was changed by others each time it was to be written.",
        next_step="Push it again.",
    )


def _put_archive(shelf: Shelf, release: Release) -> None:
    limit_bytes = DEFAULT_LIMITS.archive_bytes
    kept = shelf.load(release.file_name, limit_bytes=limit_bytes)
    if kept is None:
        try:
            return shelf.store(release.file_name, release.archive, known=None)
        except RepoChangedError:  # somebody else pushes the same one
            kept = shelf.load(release.file_name, limit_bytes=limit_bytes)
    if kept is None or kept.content != release.archive:
        raise PackageDigestError(
            f"{release.file_name} is in the repo already, with other bytes.",
            next_step="A released version never changes: raise the version.",
        )
    return None


def _parsed(kept: Kept | None) -> IndexEntries:
    if kept is None:
        return IndexEntries(entries=())
    return read_index(kept.content.decode("utf-8", "replace"))
