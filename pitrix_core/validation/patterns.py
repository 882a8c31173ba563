"""Looks for patterns in texts, both from strangers, in bounded time and memory.

``re`` has no limit of time, and a short pattern can keep it busy for years; the package ``regex``
has one. While it compiles, it writes exact repeats out (``(a{1000}){1000}`` takes 300 MB), and no
time limit holds for that: how long a pattern becomes is counted before.
"""

import contextlib
import contextvars
import functools
import re
import time
from collections.abc import Iterator
from typing import Any, Final

import regex

#: Seconds one search may take; what people write takes microseconds.
SEARCH_LIMIT_S: Final = 0.2
#: Seconds all searches of one check may take together.
CHECK_LIMIT_S: Final = 2.0
#: Longest text that is searched, in characters: a certificate chain has some ten thousand.
_TEXT_LIMIT: Final = 100_000
#: Longest pattern, in characters, and the longest with its repeats written out.
_PATTERN_LIMIT: Final = 20_000
#: Patterns kept compiled; a large form has some hundred.
_KEPT_PATTERNS: Final = 1024

#: An escape, a set, a group's begin or end, a repeat, or any other character.
_TOKEN: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))|\{(?P<count>[0-9]{1,18})(?:,[0-9]*)?\}|.",
    re.DOTALL,
)

_deadline_s: contextvars.ContextVar[float] = contextvars.ContextVar("deadline_s")


class UncheckedError(Exception):
    """Whether a text fits a pattern cannot be said; the message says why, in two or three words."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Limit what all searches inside the block take together."""
    token = _deadline_s.set(time.monotonic() + CHECK_LIMIT_S)
    try:
        yield
    finally:
        _deadline_s.reset(token)


def is_found(pattern: str, text: str) -> bool:
    """Say whether a pattern is found anywhere in a text, as JSON Schema has it.

    :raises UncheckedError: it takes too long, or the pattern is too large to be looked for.
    :raises regex.error: the pattern is none; whoever wrote the schema should have known.
    """
    if len(text) > _TEXT_LIMIT:
        raise UncheckedError("is too long to check")
    now_s = time.monotonic()
    left_s = min(SEARCH_LIMIT_S, _deadline_s.get(now_s + SEARCH_LIMIT_S) - now_s)
    if left_s <= 0:
        raise UncheckedError("takes too long to check")
    try:
        return _compiled(pattern).search(text, timeout=left_s) is not None
    except TimeoutError as ex:
        raise UncheckedError("takes too long to check") from ex
    except (OverflowError, RecursionError, MemoryError) as ex:
        raise UncheckedError("cannot be checked") from ex


@functools.lru_cache(maxsize=_KEPT_PATTERNS)
def _compiled(pattern: str) -> Any:
    if len(pattern) > _PATTERN_LIMIT or _written_out(pattern) > _PATTERN_LIMIT:
        raise OverflowError("the pattern is too large")
    return regex.compile(pattern)


def _written_out(pattern: str) -> int:
    """Return how many characters a pattern has with its repeats written out, or more."""
    sums, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            sums.append(0)
        elif token["count"]:
            count = max(int(token["count"]), 1)
            sums[-1] += last * (count - 1)
            last *= count
        else:
            is_group = token["close"] is not None and len(sums) > 1
            last = sums.pop() if is_group else 1
            sums[-1] += last
    return sum(sums)
