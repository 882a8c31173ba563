"""Asks several clouds at a time; one that does not answer keeps nobody waiting for long."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, TypeVar

T = TypeVar("T")

#: How many are asked at a time, the seconds each has to answer, and those that all have together:
#: fewer than an HTTP client waits (our own: 60).
_AT_A_TIME: Final = 8
_LIMIT_S: Final = 10.0
_TOTAL_S: Final = 30.0


class Inquiries:
    """What one process asks of clouds beside its jobs; for several threads.

    A thread that hangs cannot be ended. It is left alone, and whom it asked is not asked again
    while it hangs: so there are never many of them.
    """

    def __init__(
        self,
        *,
        at_a_time: int = _AT_A_TIME,
        limit_s: float = _LIMIT_S,
        total_s: float = _TOTAL_S,
    ) -> None:
        """Begin with nobody asked."""
        self._at_a_time = at_a_time
        self._limit_s = limit_s
        self._total_s = total_s
        #: Name → who asked last, and until when there was time to answer.
        self._asking: dict[str, tuple[threading.Thread, float]] = {}
        self._lock = threading.Lock()

    def ask(self, names: Sequence[str], question: Callable[[str], T]) -> dict[str, T]:
        """Put a question to each, and return what they answer by their names.

        :param names: each once.
        :param question: is called in other threads, several at a time.
        :returns: without those who did not answer in time, or could not be asked in time.
        :raises Exception: what the question raises.
        """
        end_s = time.monotonic() + self._total_s
        answers: queue.SimpleQueue[tuple[str, Future[T]]] = queue.SimpleQueue()
        waiting = deque(name for name in names if not self._hangs(name))
        asked: dict[str, float] = {}
        found: dict[str, T] = {}
        while waiting or asked:
            while waiting and len(asked) < self._at_a_time:
                name = waiting.popleft()
                asked[name] = min(end_s, time.monotonic() + self._limit_s)
                self._begin(name, question, answers, until_s=asked[name])
            try:
                rest_s = min(asked.values()) - time.monotonic()
                name, answer = answers.get(timeout=max(0.0, rest_s))
            except queue.Empty:
                now_s = time.monotonic()
                asked = {one: until_s for one, until_s in asked.items() if until_s > now_s}
                waiting = waiting if now_s < end_s else deque()
                continue
            if asked.pop(name, None) is not None:
                found[name] = answer.result()
        return found

    def _hangs(self, name: str) -> bool:
        with self._lock:
            thread, until_s = self._asking.get(name, (None, 0.0))
            if thread is None or thread.is_alive():
                return thread is not None and until_s <= time.monotonic()
            del self._asking[name]
            return False

    def _begin(
        self,
        name: str,
        question: Callable[[str], T],
        answers: "queue.SimpleQueue[tuple[str, Future[T]]]",
        *,
        until_s: float,
    ) -> None:
        def run() -> None:
            answer: Future[T] = Future()
            try:
                answer.set_result(question(name))
            except BaseException as ex:  # noqa: BLE001  # raised by whoever asked
                answer.set_exception(ex)
            answers.put((name, answer))

        thread = threading.Thread(target=run, name=f"asks {name}", daemon=True)
        with self._lock:
            self._asking[name] = (thread, until_s)
        thread.start()
