"""Repos in a bucket: ``s3://BUCKET/PATH`` with an ``index.yaml`` in it."""

import contextlib
import posixpath
import re
import urllib.parse
from http import HTTPStatus
from typing import Any, ClassVar, Final

import attrs
from botocore.exceptions import ClientError

from pitrix_core.contracts.repo import (
    INDEX_LIMIT_BYTES,
    Fetcher,
    IndexFile,
    RepoKind,
    TlsSettings,
    spooled,
)
from pitrix_core.errors import InvalidInputError, RepoError, RepoNotFoundError
from pitrix_core.package.index import INDEX_FILE
from pitrix_core.package.shelf import Kept, Shelf
from pitrix_s3.client import S3Client
from pitrix_s3.failures import status_of, translated

#: Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; others
#: allow capital letters and underscores.
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}", re.ASCII)
#: Largest answer that is no file: an error, in XML.
_ANSWER_LIMIT_BYTES: Final = 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024


@attrs.frozen(kw_only=True)
class S3Settings(TlsSettings):
    """Where the bucket is."""

    region: str = attrs.field(default="us-east-1", metadata={"description": "Region of the bucket"})
    endpoint: str = attrs.field(
        default="", metadata={"description": "URL of a storage that is not AWS's"}
    )
    path_style: bool = attrs.field(
        default=False, metadata={"description": "https://HOST/BUCKET, not https://BUCKET.HOST"}
    )


@attrs.frozen(kw_only=True)
class S3Credential:
    """Keys of an account; none for what anybody may read."""

    access_key_id: str = ""
    secret_access_key: str = attrs.field(default="", repr=False)
    session_token: str = attrs.field(default="", repr=False)


class S3Kind(Shelf, RepoKind):
    """A folder of a bucket."""

    schemes: ClassVar[tuple[str, ...]] = ("s3",)
    settings: ClassVar[type] = S3Settings
    credential: ClassVar[type] = S3Credential

    def __init__(
        self, url: str, *, settings: S3Settings, credential: S3Credential, fetcher: Fetcher
    ) -> None:
        """Take bucket and folder from the URL."""
        self._bucket, self._prefix = _place(url)
        if settings.endpoint and not settings.endpoint.startswith(("https://", "http://")):
            raise InvalidInputError(
                "The storage's endpoint is no URL of the web.",
                pointer="/settings/endpoint",
                next_step="Write it whole: https://HOST",
            )
        self._fetcher = fetcher.with_tls(settings.tls())
        try:
            self._client = S3Client(
                self._fetcher,
                endpoint=settings.endpoint,
                region=settings.region,
                path_style=settings.path_style,
                access_key_id=credential.access_key_id,
                secret_access_key=credential.secret_access_key,
                session_token=credential.session_token,
            )
        except ValueError as ex:  # of botocore, for endpoints and regions that are none
            raise InvalidInputError(
                f"The settings cannot be meant: {ex}", pointer="/settings"
            ) from ex

    def read_index(self, known: str | None) -> IndexFile | None:
        """Read the index, unless its ETag is the known one."""
        condition = {"IfNoneMatch": known} if known else {}
        self._client.limit_bytes = INDEX_LIMIT_BYTES
        what = self._shown(INDEX_FILE)
        try:
            with translated(what):
                found = self._get(INDEX_FILE, condition)
        except _UnchangedError:
            return None
        with contextlib.closing(found["Body"]) as body:
            file = spooled(iter(lambda: body.read(_PIECE_BYTES), b""))
        return IndexFile(tag=found["ETag"], file=file)

    def read(self, address: str, *, limit_bytes: int) -> bytes:
        """Read a file below the repo's folder, or, without the credential, one of the web."""
        if address.startswith(("https://", "http://")):
            with self._fetcher.fetch(address, limit_bytes=limit_bytes) as answer:
                answer.require_success()
                return answer.file.read()
        return self._read(self._name_of(address), limit_bytes=limit_bytes).content

    def load(self, name: str, *, limit_bytes: int) -> Kept | None:
        """Read a file of the folder; its tag is its ETag."""
        try:
            return self._read(name, limit_bytes=limit_bytes)
        except RepoNotFoundError:
            return None

    def store(self, name: str, content: bytes, *, known: str | None) -> None:
        """Write a file while it is the known one."""
        condition = {"IfNoneMatch": "*"} if known is None else {"IfMatch": known}
        self._client.limit_bytes = _ANSWER_LIMIT_BYTES
        with translated(self._shown(name)):
            self._client.api.put_object(
                Bucket=self._bucket, Key=self._prefix + name, Body=content, **condition
            )

    def close(self) -> None:
        """Let go of the client."""
        self._client.api.close()

    def _read(self, name: str, *, limit_bytes: int) -> Kept:
        self._client.limit_bytes = max(limit_bytes, _ANSWER_LIMIT_BYTES)
        with translated(self._shown(name)):
            found = self._get(name, {})
            content = found["Body"].read()
            found["Body"].close()
        if len(content) > limit_bytes:
            raise RepoError(f"{self._shown(name)} is larger than {limit_bytes} bytes.")
        return Kept(content=content, tag=found["ETag"])

    def _get(self, name: str, condition: dict[str, str]) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._client.api.get_object(
                Bucket=self._bucket, Key=self._prefix + name, **condition
            )
        except ClientError as ex:
            if condition and status_of(ex) == HTTPStatus.NOT_MODIFIED:
                raise _UnchangedError from ex
            raise
        return found

    def _name_of(self, address: str) -> str:
        """Return the name of a file below the repo's folder.

        :raises RepoError: it is not below it.
        """
        own = f"s3://{self._bucket}/{self._prefix}"
        bare = address.partition("?")[0].partition("#")[0]
        name = urllib.parse.unquote(bare.removeprefix(own))
        plain = posixpath.normpath(name) if name else "."
        if "://" in name or plain.startswith(("/", "..")) or plain == ".":
            raise RepoError(f"{address!r} is not inside of {own}.")
        return plain

    def _shown(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"


class _UnchangedError(Exception):
    """The index is the known one."""


def _place(url: str) -> tuple[str, str]:
    """Return the bucket, and what names in it begin with.

    :raises InvalidInputError: the URL is no place in a bucket.
    """
    bucket, _, path = url.removeprefix("s3://").partition("/")
    folder = path.removesuffix(INDEX_FILE).strip("/")
    if not _BUCKET.fullmatch(bucket) or "?" in path or "#" in path:
        raise InvalidInputError(
            "The URL names no place in a bucket.",
            pointer="/url",
            next_step="Name bucket and folder: s3://BUCKET/PATH; give keys as the credential.",
        )
    return bucket, f"{folder}/" if folder else ""
