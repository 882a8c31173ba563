"""Builds the kind of a repo, and stands around its calls: it may be a plugin's."""

import contextlib
import logging
import traceback
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Final

from pitrix_core.contracts.repo import Fetcher, IndexFile, Release, RepoKind
from pitrix_core.errors import InvalidInputError, PitrixError, RepoError
from pitrix_core.model import JsonObject
from pitrix_core.plugins.forms import fill
from pitrix_core.plugins.hiding import hidden_texts_of, without

log = logging.getLogger(__name__)

_BROKEN: Final = "Tell the authors of its plugin; the log has the traceback."


class OpenRepo:
    """A repo that can be read; nothing its kind raises may surprise."""

    def __init__(self, kind: RepoKind, *, credential: object = None) -> None:
        """Keep what stands behind.

        :param credential: what the kind was given, to be hidden in the log.
        """
        self._kind = kind
        self._secrets = hidden_texts_of(credential)

    def read_index(self, known: str | None = None) -> IndexFile | None:
        """Read the index; None where it is still the one of the tag ``known``.

        :raises RepoError: there is none, or it cannot be read; the subclasses say why.
        """
        with self._asked("read_index"):
            found = self._kind.read_index(known)
            if found is not None and not isinstance(found, IndexFile):
                raise TypeError(f"it answered {type(found).__name__}")
            return found

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Read a file that the index names.

        :raises RepoNotFoundError: there is none.
        :raises RepoError: it cannot be read, or is larger; the other subclasses say why.
        """
        with self._asked("read"):
            content = self._kind.read(address, limit_bytes=limit_bytes)
            if not isinstance(content, bytes) or len(content) > limit_bytes:
                raise TypeError("it answered no bytes, or too many (clause 62)")
            return content

    def push(self, release: Release) -> None:
        """Put a package into the repo, and list it.

        :raises UnsupportedOperationError: the repo is only read.
        :raises PackageError: the archive cannot be taken.
        :raises RepoError: the repo does not take it; the subclasses say why.
        """
        with self._asked("push"):
            self._kind.push(release)

    def close(self) -> None:
        """Let go of connections."""
        with contextlib.suppress(PitrixError), self._asked("close"):
            self._kind.close()

    @contextlib.contextmanager
    def _asked(self, called: str) -> Iterator[None]:
        try:
            yield
        except PitrixError:
            raise
        except Exception as ex:
            raise _failed(type(self._kind), called, ex, self._secrets) from ex


def open_repo(
    cls: type[RepoKind], url: str, *, settings: JsonObject, credential: JsonObject, fetcher: Fetcher
) -> OpenRepo:
    """Build the kind of a repo; makes no request.

    :param credential: decrypted; no part of it appears in a message.
    :raises InvalidInputError: URL, settings or credential do not fit; the findings point below
        ``/settings`` and ``/credential``.
    :raises RepoError: the class failed in a way it must not.
    """
    filled = fill(cls.settings, cls.credential, settings=settings, credential=credential)
    try:
        kind = cls(url, settings=filled.settings, credential=filled.credential, fetcher=fetcher)
    except (InvalidInputError, RepoError):
        raise
    except Exception as ex:
        raise _failed(cls, "build", ex, hidden_texts_of(filled.credential)) from ex
    return OpenRepo(kind, credential=filled.credential)


def _failed(cls: type[RepoKind], called: str, ex: Exception, secrets: Sequence[str]) -> RepoError:
    """Write the traceback down without secrets, and return what others are told."""
    trace = without("".join(traceback.format_exception(ex)), secrets)
    log.error("A repo kind failed: %s\n%s", called, trace, extra={"action": f"repo.{called}"})
    clause = 60 if called == "build" else 65
    return RepoError(
        f"repo.{called}: {cls.__name__}: unexpected {type(ex).__name__} (clause {clause}).",
        next_step=_BROKEN,
    )


def scheme_of(url: str) -> str:
    """Return the scheme of a repo's URL.

    :raises InvalidInputError: it has none.
    """
    try:
        scheme = urllib.parse.urlsplit(url).scheme
    except ValueError as ex:
        raise _no_url(f"{url!r} is no URL: {ex}.") from ex
    if not scheme:
        raise _no_url(f"{url!r} does not say of which kind it is.")
    return scheme


def _no_url(message: str) -> InvalidInputError:
    return InvalidInputError(
        message,
        pointer="/url",
        next_step="Write a whole URL: https://HOST/PATH, oci://HOST/PATH, s3://BUCKET/PATH, "
        "or file:///FOLDER",
    )
