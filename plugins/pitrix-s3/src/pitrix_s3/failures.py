"""Turns botocore's failures into pitrix errors."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from pitrix_core.errors import (
    RepoAuthError,
    RepoChangedError,
    RepoError,
    RepoNotFoundError,
    RepoTemporaryError,
)

#: Statuses by what they mean; the codes beside them differ from storage to storage.
#: Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, read 2026-08.
_MEANINGS: Final[dict[int, type[RepoError]]] = {
    HTTPStatus.UNAUTHORIZED: RepoAuthError,
    HTTPStatus.FORBIDDEN: RepoAuthError,
    HTTPStatus.NOT_FOUND: RepoNotFoundError,
    HTTPStatus.CONFLICT: RepoChangedError,
    HTTPStatus.PRECONDITION_FAILED: RepoChangedError,
    HTTPStatus.TOO_MANY_REQUESTS: RepoTemporaryError,
}


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise every failure of the SDK inside the block as a pitrix error.

    :param what: the address, for the message.
    :raises RepoError: the storage refused; the subclasses say why.
    """
    try:
        yield
    except ClientError as ex:
        said = ex.response.get("Error", {})
        status = status_of(ex)
        kind = _MEANINGS.get(status, RepoError)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = RepoTemporaryError
        request = ex.response.get("ResponseMetadata", {}).get("RequestId", "")
        shown = f" (request {request})" if request else ""
        raise kind(f"{what}: {said.get('Code', status)}: {said.get('Message', '')}{shown}") from ex
    except BotoCoreError as ex:
        raise RepoError(f"{what}: {type(ex).__name__}: {ex}") from ex


def status_of(ex: ClientError) -> int:
    """Return the HTTP status of a refusal; 0 where there was none."""
    return int(ex.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
