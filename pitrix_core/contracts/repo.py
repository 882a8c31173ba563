"""The contract of a kind of repo: how an index and packages are read from one kind of storage.

A kind is a class found in the entry-point group ``pitrix.repo_kinds``, under each of the schemes
of its URLs; the core's own (``file``, ``http``, ``https``, ``oci``) are entry points of
pitrix-core. It is built once for a repo and a run, used by one thread, and closed.

The clauses; the conformance suite (:mod:`pitrix_core.testing.repo_suite`) cites them:

60. *Construction* makes no request, and fails only for a URL or settings that cannot be meant
    (``InvalidInputError``, which never quotes the credential).
61. *Unchanged* indexes cost one request: with the tag of the last answer, ``read_index`` answers
    None, and reads nothing more. A kind without an index makes one, and its tag, of what is there.
62. *Bounds.* No more than ``limit_bytes`` (an index: :data:`INDEX_LIMIT_BYTES`) are kept of any
    answer, packed or unpacked, and an index is kept on disk.
63. *Ways out.* Requests leave by the :class:`Fetcher` alone: it refuses addresses that the
    installation does not allow. Its errors are the repo's, and go through as they are.
64. *Addresses* come from strangers. What is not inside of the repo's own storage is read by
    ``http`` and ``https``, without the credential, or refused.
65. *Errors.* What is not there is ``RepoNotFoundError``, what may pass ``RepoTemporaryError``, a
    credential that is not taken ``RepoAuthError``, everything else ``RepoError``. Messages name the
    address, and hold no secret.
66. *Releases.* Who reads sees a release whole or not at all: the index is replaced at once, after
    everything it names is there. Of two who push at the same time, none undoes the other's work.
"""

import abc
import tempfile
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO, ClassVar, Final, Protocol, Self, cast

import attrs

from pitrix_core.errors import (
    RepoAuthError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
    UnsupportedOperationError,
)
from pitrix_core.model import NoCredential, NoSettings

#: Largest index that is read, unpacked, in bytes.
INDEX_LIMIT_BYTES: Final = 64 * 1024 * 1024
#: How much of an answer stays in memory before it goes to a file.
_IN_MEMORY_BYTES: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Tls:
    """What a connection is checked with."""

    #: Certificates (PEM) of the only authorities that are trusted; empty for the machine's own.
    ca: str = ""
    #: Whether the other side's certificate is checked at all.
    verify: bool = True
    #: A client certificate with its chain (PEM), and its key.
    certificate: str = ""
    key: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class TlsSettings:
    """What every kind can be set to that asks a server; its settings are a subclass."""

    ca: str = attrs.field(
        default="",
        metadata={
            "description": "Certificates (PEM) that are trusted instead of the machine's own"
        },
    )
    verify: bool = attrs.field(
        default=True, metadata={"description": "Whether the server's certificate is checked"}
    )

    def tls(self, *, certificate: str = "", key: str = "") -> Tls:
        """Return what its connections are checked with."""
        return Tls(ca=self.ca, verify=self.verify, certificate=certificate, key=key)


@attrs.frozen(kw_only=True)
class HostSecret:
    """A header with a credential, sent to one origin (scheme, host, port) and to no other."""

    #: Any URL of that origin.
    url: str
    #: Value of the header ``Authorization``.
    authorization: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Answer:
    """What a server answered; closed by whoever asked."""

    status: int
    #: By their names in lower case; of several with one name the last.
    headers: Mapping[str, str]
    #: Where it came from, after redirects.
    url: str
    #: The body, unpacked, at its start; in memory or on disk.
    file: BinaryIO

    def __enter__(self) -> Self:
        """Answer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, ex: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let go of the body."""
        self.file.close()

    def require_success(self) -> None:
        """Raise what an answer means that is not what was asked for (clause 65).

        :raises RepoNotFoundError: there is no such thing.
        :raises RepoAuthError: the credential is not accepted, or one is wanted.
        :raises RepoTemporaryError: the server has trouble, or was asked too often.
        :raises RepoError: anything else but a success.
        """
        if 200 <= self.status < 300:  # noqa: PLR2004  # RFC 9110, 15.3
            return
        shown = self.url.partition("?")[0]
        raise _meaning(self.status)(f"{shown} answers {self.status}.")


class Fetcher(Protocol):
    """The one way out to addresses that come from outside; the core's guards it (clause 63)."""

    def fetch(  # a request has that many parts
        self,
        url: str,
        *,
        limit_bytes: int,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        secret: HostSecret | None = None,
        redirects: int = 5,
    ) -> Answer:
        """Send a request, and read its answer whole, whatever its status.

        :param url: ``http`` or ``https``.
        :param limit_bytes: how large the answer's body may be, packed and unpacked.
        :param secret: left out wherever the request goes to another origin.
        :param redirects: how many are followed, each checked as the first address; 0 to be answered
            the redirect itself.
        :raises RepoError: the address is not allowed, or the answer is too large or none of HTTP.
        :raises RepoTemporaryError: nobody answered, or not within the time.
        """

    def with_tls(self, tls: Tls) -> "Fetcher":
        """Return one that checks its connections with something else; itself where that is nothing.

        :raises InvalidInputError: certificates or key cannot be read.
        """


@attrs.frozen(kw_only=True)
class IndexFile:
    """A repo's index, as Helm or OpenPitrix write it, in YAML or JSON; closed by whoever asked."""

    #: What tells this index from another one: an ETag, a digest, a version.
    tag: str
    #: On disk, at its start.
    file: BinaryIO

    def __enter__(self) -> Self:
        """Answer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, ex: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let go of the file."""
        self.file.close()


@attrs.frozen(kw_only=True)
class Release:
    """A package that is to be put into a repo."""

    #: Of the archive: ``NAME-VERSION.tgz``.
    file_name: str
    archive: bytes = attrs.field(repr=False)
    #: Of minisign, as a file; None where it is not signed.
    signature: bytes | None = None


class RepoKind(abc.ABC):
    """One repo, as one run uses it."""

    #: Version of this contract the plugin was written for.
    contract_version: ClassVar[int] = 1
    #: Names of its entry points, and schemes of its URLs; the first is the kind's own name.
    schemes: ClassVar[tuple[str, ...]]
    #: attrs class of a repo's settings; its JSON Schema is served by the API and drawn as a form.
    settings: ClassVar[type] = NoSettings
    #: attrs class of the credential; all of it is stored encrypted and never shown again.
    credential: ClassVar[type] = NoCredential
    #: It reads the very machine pitrix runs on: only an admin may register such a repo.
    reads_this_host: ClassVar[bool] = False

    @abc.abstractmethod
    def __init__(self, url: str, *, settings: Any, credential: Any, fetcher: Fetcher) -> None:
        """Keep the arguments; make no request (clause 60).

        :param url: of one of the class's ``schemes``.
        :param settings: instance of the class's ``settings``.
        :param credential: instance of the class's ``credential``.
        :raises InvalidInputError: the URL or the settings cannot be meant.
        """

    @abc.abstractmethod
    def read_index(self, known: str | None) -> IndexFile | None:
        """Read the index (clauses 61, 62).

        :param known: the tag of the index that was read last; None to read it in any case.
        :returns: None where it is still the known one.
        :raises RepoError: there is none, or it cannot be read; the subclasses say why.
        """

    @abc.abstractmethod
    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Read a file that the index names: an archive, a signature beside it, an icon (clause 64).

        :param address: as the index says: relative to it, or a whole URL.
        :raises RepoNotFoundError: there is no such file.
        :raises RepoError: it cannot be read, or is larger; the other subclasses say why.
        """

    def push(self, release: Release) -> None:
        """Put a package into the repo, and list it in its index (clause 66).

        :raises UnsupportedOperationError: this kind, or this repo, is only read.
        :raises PackageError: the archive cannot be read, or its version is there with other bytes.
        :raises RepoError: the repo does not take it; the subclasses say why.
        """
        raise UnsupportedOperationError(
            f"repo.push: repos of the kind {self.schemes[0]!r} are only read",
            next_step="Put the archive where the repo is kept, and build its index: "
            "pitrix repo index FOLDER/",
        )

    def close(self) -> None:
        """Let go of connections; called once."""
        return


def _meaning(status: int) -> type[RepoError]:
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return RepoNotFoundError
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return RepoAuthError
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
        return RepoTemporaryError
    return RepoTemporaryError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else RepoError


def spooled(pieces: Iterable[bytes] = ()) -> BinaryIO:
    """Return a file of these bytes, at its start: in memory while it is small, then on disk."""
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115  # the caller's
    try:
        for piece in pieces:  # writelines would keep all of it in memory first
            file.write(piece)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file
