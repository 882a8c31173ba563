"""Links that fail: a line over TCP that goes silent or is hung up, and a time of such faults."""

import contextlib
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

_LOOK_S: Final = 0.05
_CHUNK: Final = 65536
_JOIN_S: Final = 20.0


class Link(NamedTuple):
    """Something that can be cut and healed; both are safe to repeat."""

    cut: Callable[[], None]
    heal: Callable[[], None]


class Line:
    """A TCP line to an address of this machine, which needs no rights to be cut."""

    def __init__(self, target: tuple[str, int]) -> None:
        """Listen, and pass on to the target, which need not be there yet."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._flows = threading.Event()
        self._flows.set()
        self._stop = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept, name="line", daemon=True)]
        self._threads[0].start()

    def silence(self) -> None:
        """Let nothing through from now on; nobody is told."""
        self._flows.clear()

    def hang_up(self) -> None:
        """Cut what goes over the line; new calls get through."""
        for pair in list(self._pairs):
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        """Let all through again."""
        self._flows.set()

    def close(self) -> None:
        """Take the line away."""
        self._stop.set()
        self._flows.set()
        for thread in self._threads:
            thread.join(_JOIN_S)
        self._listener.close()

    def _accept(self) -> None:
        self._listener.settimeout(_LOOK_S)
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._pass_on, args=(near,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            while not self._flows.wait(_LOOK_S):
                if self._stop.is_set():
                    return
            with socket.create_connection(self._target, timeout=10) as far:
                self._pairs.append((near, far))
                try:
                    self._shovel(near, far)
                finally:
                    self._pairs.remove((near, far))

    def _shovel(self, near: socket.socket, far: socket.socket) -> None:
        while not self._stop.is_set():
            readable, _, _ = select.select([near, far], [], [], _LOOK_S)
            while not self._flows.wait(_LOOK_S):
                pass
            for source in readable:
                data = source.recv(_CHUNK)
                if not data:
                    return
                (far if source is near else near).sendall(data)


@contextmanager
def failing(
    links: Callable[[], Sequence[Link]], *, seed: int, for_s: float
) -> Iterator[list[Link]]:
    """Cut and heal links at random inside the block, for a while; in the end all are healed.

    :param links: answers which there are; asked before each fault.
    :param for_s: seconds from the time at which there are any; what is begun inside the block may
        take longer.
    :returns: links that were cut so far.
    """
    stop = threading.Event()
    dice = random.Random(seed)  # noqa: S311 (the same faults each time, as far as time allows)
    cut: list[Link] = []

    def fail() -> None:
        while not links() and not stop.wait(_LOOK_S):
            pass
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline and not stop.is_set():
            chosen = dice.sample(found, k=min(len(found), 2)) if (found := list(links())) else []
            for link in chosen:
                link.cut()
            cut.extend(chosen)
            stop.wait(dice.uniform(0.1, 2.5))
            for link in chosen:
                link.heal()
            stop.wait(dice.uniform(0.1, 1.0))

    thread = threading.Thread(target=fail, name="faults", daemon=True)
    thread.start()
    try:
        yield cut
        thread.join(for_s + _JOIN_S)
    finally:
        stop.set()
        thread.join(_JOIN_S)
        for link in links():
            link.heal()
