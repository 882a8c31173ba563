"""Lets plugins add commands; one that is broken is a warning, and the others' are there."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from pitrix_core.cli.terminal import say
from pitrix_core.plugins import Hooks, PluginRegistry

#: Said by the log already, with its cause.
_LOGGED: Final = "plugin.failed"


def _installed() -> Hooks:
    return PluginRegistry().hooks()


def add_to(group: click.Group, *, hooks: Callable[[], Hooks] = _installed) -> None:
    """Add the commands of plugins.

    :param hooks: loads them; what it logs is shown as well.
    """
    with _failures_shown():
        findings = hooks().cli(group)
    for finding in findings:
        if finding.code != _LOGGED:
            _warn(finding.message)


@contextmanager
def quiet_plugins() -> Iterator[None]:
    """Keep the log of broken plugins off the terminal, for a verb that shows them itself."""
    with _logged_to(logging.NullHandler()):
        yield


@contextmanager
def _failures_shown() -> Iterator[None]:
    """Show what the core logs of broken plugins as one line each, without tracebacks."""
    with _logged_to(_OneLine(logging.WARNING)):
        yield


@contextmanager
def _logged_to(handler: logging.Handler) -> Iterator[None]:
    logger = logging.getLogger("pitrix_core.plugins")
    was_propagating = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = was_propagating
        logger.removeHandler(handler)


class _OneLine(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        _warn(f"{record.getMessage()}: {error}" if error else record.getMessage())


def _warn(message: str) -> None:
    say(f"Warning: {message}", err=True)
    say("  Look at the installed plugins: pitrix plugins", err=True)
