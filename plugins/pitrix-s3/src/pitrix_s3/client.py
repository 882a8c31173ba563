"""A client of S3 that signs with boto3 and sends by the core's fetcher.

boto3 would connect by itself, to wherever an endpoint's name leads. Its event ``before-send`` lets
an answer be given instead, so that every request leaves by the guarded way. It would also look for
credentials on this machine; it is told of none, and where nobody gave any, requests are not signed.
"""

import functools
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import botocore.loaders
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from pitrix_core.contracts.repo import Fetcher

#: In the place of a key where requests are not signed: none is looked for then.
_NOBODY: Final = "anonymous"
_PIECE_BYTES: Final = 64 * 1024


class S3Client:
    """boto3's client, and how much its next answer may hold."""

    def __init__(  # what it takes to reach a storage
        self,
        fetcher: Fetcher,
        *,
        endpoint: str,
        region: str,
        path_style: bool,
        access_key_id: str,
        secret_access_key: str,
        session_token: str,
    ) -> None:
        """Build the client; it sends nothing yet."""
        self._fetcher = fetcher
        self.limit_bytes = 0
        session = botocore.session.Session()
        session.register_component("data_loader", _descriptions())
        for name in ("config_file", "credentials_file"):
            session.set_config_variable(name, os.devnull)
        self.api: Any = session.create_client(
            "s3",
            region_name=region,
            endpoint_url=endpoint or None,
            aws_access_key_id=access_key_id or _NOBODY,
            aws_secret_access_key=secret_access_key or _NOBODY,
            aws_session_token=session_token or None,
            config=Config(
                signature_version="s3v4" if access_key_id else UNSIGNED,
                s3={"addressing_style": "path" if path_style else "auto"},
                retries={"mode": "standard", "total_max_attempts": 3},
                ignore_configured_endpoint_urls=True,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self.api.meta.events.register("before-send.s3", self._send)

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body: Any = request.body
        content = body.read() if hasattr(body, "read") else body
        answer = self._fetcher.fetch(
            request.url,
            limit_bytes=self.limit_bytes,
            method=request.method,
            headers={
                name: value.decode() if isinstance(value, bytes) else str(value)
                for name, value in request.headers.items()
                if name.lower() != "expect"  # the body is sent at once
            },
            body=content.encode() if isinstance(content, str) else content,
            redirects=0,
        )
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.file))


@functools.cache
def _descriptions() -> botocore.loaders.Loader:
    """Return what reads botocore's descriptions of services, and keeps them: it takes long."""
    return botocore.loaders.create_loader()


class _Raw:
    """An answer's body, as botocore reads it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, amt: int | None = None, **_: object) -> bytes:
        """Read that much."""
        return self._file.read(-1 if amt is None else amt)

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """Read all of it, and let go of it."""
        while piece := self._file.read(_PIECE_BYTES):
            yield piece
        self.close()

    def close(self) -> None:
        """Let go of it."""
        self._file.close()
