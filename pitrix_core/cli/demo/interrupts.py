"""Decides when a signal may stop the demo: while it builds up, and never while it takes away."""

import signal
from types import FrameType
from typing import Final, Self

import click

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Handles every signal that asks for an end; the old handlers come back at the block's end.

    Between :meth:`allow` and :meth:`forbid` the first one raises ``KeyboardInterrupt``. Outside of
    it one is remembered and answered with a word.
    """

    def __init__(self) -> None:
        """Change nothing yet."""
        self._is_allowed = False
        self._is_asked = False
        self._previous: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *failure: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def allow(self) -> None:
        """Let signals interrupt from here on.

        :raises KeyboardInterrupt: there was one already.
        """
        self._is_allowed = True
        if self._is_asked:
            self._raise()

    def forbid(self) -> None:
        """Let nothing interrupt from here on."""
        self._is_allowed = False

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked = True
        if self._is_allowed:
            self._raise()
        click.echo("A moment, please: what the demo made is being removed.", err=True)

    def _raise(self) -> None:
        self._is_allowed = False
        raise KeyboardInterrupt
