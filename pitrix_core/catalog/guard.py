"""Stands around calls of app types: they are plugins, and nothing they raise may surprise."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from pitrix_core.contracts import AppType
from pitrix_core.errors import PackageError, PitrixError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def asking(app_type: AppType[Any], *, to: str) -> Iterator[None]:
    """Raise what the contract does not know as the app type's failure; the log has its traceback.

    :param to: what is asked of it, for the message: ``plan``.
    :raises PackageError: the app type raised something that is no error of ours.
    """
    try:
        yield
    except PitrixError:
        raise
    except Exception as ex:
        log.exception("App type %s failed to %s", app_type.name, to, extra={"action": "app_type"})
        raise PackageError(
            f"App type {app_type.name} failed to {to}: {type(ex).__name__}: {ex}",
            next_step=f"Tell the authors of app type {app_type.name}; the log has the traceback.",
        ) from ex
