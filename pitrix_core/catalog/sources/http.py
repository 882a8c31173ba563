"""Repos that a web server serves, as Helm's are: ``https://HOST/PATH`` with an ``index.yaml``."""

import base64
import datetime as dt
import email.utils
import hashlib
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar, Final

import attrs

from pitrix_core.catalog.fetcher import joined, parse_url
from pitrix_core.contracts.repo import (
    INDEX_LIMIT_BYTES,
    Answer,
    Fetcher,
    HostSecret,
    IndexFile,
    RepoKind,
    TlsSettings,
)
from pitrix_core.errors import InvalidInputError, RepoChangedError, RepoError, RepoNotFoundError
from pitrix_core.package.index import INDEX_FILE
from pitrix_core.package.shelf import Kept, Shelf

_MAKE: Final = "pitrix repo index FOLDER/"
#: Beginnings of tags: what the server calls the index, or what its bytes are.
_ETAG: Final = "etag:"
_DATE: Final = "date:"
_DIGEST: Final = "sha256:"
#: Longest word of a server's that is kept.
_TAG_LIMIT: Final = 200
_PIECE_BYTES: Final = 1024 * 1024
#: Largest answer to a file that was put; nobody reads it.
_ANSWER_LIMIT_BYTES: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class HttpSettings(TlsSettings):
    """How a web server is talked to."""

    certificate: str = attrs.field(
        default="", metadata={"description": "Certificate (PEM) to show the server, with its chain"}
    )


@attrs.frozen(kw_only=True)
class HttpCredential:
    """What a web server asks for: a name and a password, a token, or a certificate's key."""

    username: str = attrs.field(default="", metadata={"description": "Name, with a password"})
    password: str = attrs.field(default="", repr=False, metadata={"description": "Password"})
    token: str = attrs.field(
        default="",
        repr=False,
        metadata={"description": "Bearer token, instead of name and password"},
    )
    key: str = attrs.field(
        default="", repr=False, metadata={"description": "Key (PEM) of the settings' certificate"}
    )

    def authorization(self) -> str:
        """Return the header's value; empty where there is nothing to show."""
        if self.token:
            return f"Bearer {self.token}"
        if self.username or self.password:
            pair = f"{self.username}:{self.password}".encode()
            return "Basic " + base64.b64encode(pair).decode("ascii")
        return ""


class HttpKind(Shelf, RepoKind):
    """A folder of a web server with an ``index.yaml`` in it."""

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")
    settings: ClassVar[type] = HttpSettings
    credential: ClassVar[type] = HttpCredential

    def __init__(
        self, url: str, *, settings: HttpSettings, credential: HttpCredential, fetcher: Fetcher
    ) -> None:
        """Take the folder from the URL, and what to show to its server alone."""
        self._base = _folder(url)
        tls = settings.tls(certificate=settings.certificate, key=credential.key)
        self._fetcher = fetcher.with_tls(tls)
        shown = credential.authorization()
        self._secret = HostSecret(url=self._base, authorization=shown) if shown else None

    def read_index(self, known: str | None) -> IndexFile | None:
        """Read the index, unless the server says that it is still the same."""
        answer = self._get(
            INDEX_FILE,
            limit_bytes=INDEX_LIMIT_BYTES,
            headers={"accept-encoding": "gzip", **_condition(known)},
        )
        if answer.status == HTTPStatus.NOT_MODIFIED and known is not None:
            answer.file.close()
            return None
        try:
            answer.require_success()
            tag = _tag(answer)
        except RepoNotFoundError as ex:
            answer.file.close()
            ex.next_step = "Name the folder that index.yaml is in; one is made with: " + _MAKE
            raise
        except BaseException:
            answer.file.close()
            raise
        if tag == known:
            answer.file.close()
            return None
        return IndexFile(tag=tag, file=answer.file)

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Read what the index names; on another host without the credential."""
        with self._get(address, limit_bytes=limit_bytes) as answer:
            answer.require_success()
            return answer.file.read()

    def load(self, name: str, *, limit_bytes: int) -> Kept | None:
        """Read a file of the folder."""
        try:
            with self._get(urllib.parse.quote(name), limit_bytes=limit_bytes) as answer:
                answer.require_success()
                return Kept(content=answer.file.read(), tag=answer.headers.get("etag", ""))
        except RepoNotFoundError:
            return None

    def store(self, name: str, content: bytes, *, known: str | None) -> None:
        """Put a file; a server without ETags, or that does not look at them, cannot tell whether
        somebody else changed it meanwhile.
        """
        headers = {"content-type": "application/octet-stream"}
        if known is None:
            headers["if-none-match"] = "*"
        elif known:
            headers["if-match"] = known
        with self._fetcher.fetch(
            urllib.parse.urljoin(self._base, urllib.parse.quote(name)),
            limit_bytes=_ANSWER_LIMIT_BYTES,
            method="PUT",
            headers=headers,
            body=content,
            secret=self._secret,
        ) as answer:
            if answer.status in (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT):
                raise RepoChangedError(f"{name} was changed by somebody else.")
            if answer.status in (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED):
                raise RepoError(
                    f"{self._base} takes no files: it answers {answer.status}.",
                    next_step=f"Put the archive where it is kept, and build its index: {_MAKE}",
                )
            answer.require_success()

    def _get(
        self, address: str, *, limit_bytes: int, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self._fetcher.fetch(
            joined(self._base, address),
            limit_bytes=limit_bytes,
            headers=headers,
            secret=self._secret,
        )


def _folder(url: str) -> str:
    """Return a repo's URL in the form that addresses are relative to.

    :raises InvalidInputError: it cannot be one.
    """
    try:
        parts = parse_url(url)
    except RepoError as ex:
        raise InvalidInputError(ex.message, pointer="/url", next_step=ex.next_step) from ex
    if parts.query:
        raise InvalidInputError(
            "A repo's URL cannot have a question mark: files are looked for below it.",
            pointer="/url",
            next_step="Name the folder of the index; give what is secret as its credential.",
        )
    path = parts.path.removesuffix(f"/{INDEX_FILE}").rstrip("/")
    return parts._replace(path=f"{path}/").geturl()


def _condition(known: str | None) -> Mapping[str, str]:
    if known is not None and known.startswith(_ETAG):
        return {"if-none-match": known.removeprefix(_ETAG)}
    if known is not None and known.startswith(_DATE):
        return {"if-modified-since": known.removeprefix(_DATE)}
    return {}


def _tag(answer: Answer) -> str:
    """Return what tells this index from another one, leaving its file at the start."""
    etag, changed = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
    if etag and len(etag) <= _TAG_LIMIT and etag.isascii() and etag.isprintable():
        return _ETAG + etag
    if changed and _is_past(changed, answer.headers.get("date", "")):
        return _DATE + changed
    digest = hashlib.sha256()
    while piece := answer.file.read(_PIECE_BYTES):
        digest.update(piece)
    answer.file.seek(0)
    return _DIGEST + digest.hexdigest()


def _is_past(changed: str, now: str) -> bool:
    """Say whether a time is so long ago that a later change has another one.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2.
    """
    try:
        elapsed = email.utils.parsedate_to_datetime(now) - email.utils.parsedate_to_datetime(
            changed
        )
    except (ValueError, TypeError):  # TypeError: only one of them says its time zone
        return False
    return elapsed > dt.timedelta(seconds=1)
