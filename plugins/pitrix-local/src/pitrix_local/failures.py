"""Turns the host's failures into pitrix errors."""

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from pitrix_core.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderQuotaError,
    ProviderTemporaryError,
)
from pitrix_local.machine.addresses import NoAddressError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PASSING: Final = frozenset(
    {errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ETIMEDOUT}
)


@contextlib.contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise every failure of the host inside the block as a pitrix error.

    :param operation: the contract's name of what is tried, such as ``compute.create``.
    :raises ProviderQuotaError: a disk is full, or no address is free.
    :raises ProviderAuthError: this user may not do it.
    :raises ProviderTemporaryError: something is locked or short for the moment.
    :raises ProviderError: anything else.
    """
    try:
        yield
    except NoAddressError as ex:
        raise ProviderQuotaError(f"{operation}: {ex}") from ex
    except TimeoutError as ex:
        raise ProviderTemporaryError(f"{operation}: {ex}", retry_after_s=1.0) from ex
    except OSError as ex:
        raise _error_of(operation, ex) from ex


def _error_of(operation: str, ex: OSError) -> ProviderError:
    code = errno.errorcode.get(ex.errno or 0, type(ex).__name__)
    place = f": {ex.filename}" if ex.filename else ""
    message = f"{operation}: {code}: {ex.strerror or ex}{place}"
    if ex.errno in _FULL:
        return ProviderQuotaError(message, next_step="Free space on the disk of the folder.")
    if ex.errno in _FORBIDDEN:
        return ProviderAuthError(
            message,
            next_step="Let the user that runs pitrix write there, or set another `root`.",
        )
    if ex.errno in _PASSING:
        return ProviderTemporaryError(message)
    return ProviderError(message)
