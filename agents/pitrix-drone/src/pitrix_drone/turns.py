"""Keeps checks, actions and commands of one node out of each other's way.

Commands come first. What a check says while a command runs means nothing, since the command may
just be stopping the application; an action such as a restart must never run beside one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """Thread-safe."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._begun = 0
        self._at_work = 0

    @contextlib.contextmanager
    def command(self) -> Iterator[None]:
        """Run a command inside the block, once an action that runs has ended."""
        with self._counting:
            self._begun += 1
            self._at_work += 1
        try:
            with self._turn:
                yield
        finally:
            with self._counting:
                self._at_work -= 1

    def mark(self) -> int | None:
        """Return the number of commands so far, or None while one runs or waits to."""
        with self._counting:
            return None if self._at_work else self._begun

    @contextlib.contextmanager
    def action(self, mark: int) -> Iterator[bool]:
        """Keep commands waiting inside the block.

        :param mark: from before what led to the action.
        :returns: whether it may go on: no command came since.
        """
        with self._turn:
            yield self.mark() == mark
