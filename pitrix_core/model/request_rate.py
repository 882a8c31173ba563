"""How many requests a second a runtime's cloud is sent, and how that adapts to throttling.

A bucket of tokens, of which each request takes one; it holds what comes in a second. When the cloud
asks to be called less often, the rate is halved; it grows back evenly, doubling in the minute after
that. Growing needs no write: rate and tokens of any moment follow from those of the last write.
"""

import datetime as dt
import math
from typing import Final

import attrs

#: Seconds in which a rate that was halved is back.
_RECOVERY_S: Final = 60.0
#: Answers of requests that were under way when the rate was halved say nothing about the new one.
_SAME_EVENT_S: Final = 2.0
#: However often a cloud throttles, it is asked something every ten seconds.
_LOWEST_PER_S: Final = 0.1
#: The bucket holds what comes in so many seconds, and at least one token.
_BUCKET_S: Final = 1.0


@attrs.frozen(kw_only=True)
class RequestRate:
    """What a runtime's cloud may be sent, by all runners together."""

    #: Set by the operator; None for as fast as the cloud takes it.
    ceiling_per_s: float | None = None
    #: To which the rate was set when the cloud last throttled; None where it never did.
    slowed_to_per_s: float | None = None
    slowed_at: dt.datetime | None = None
    #: What was in the bucket at ``filled_at``.
    tokens: float = 0.0
    filled_at: dt.datetime | None = None

    def per_s_at(self, now: dt.datetime) -> float:
        """Return requests a second; infinite where there is no limit."""
        ceiling = math.inf if self.ceiling_per_s is None else self.ceiling_per_s
        if self.slowed_to_per_s is None or self.slowed_at is None:
            return ceiling
        grown = 1.0 + max(0.0, (now - self.slowed_at).total_seconds()) / _RECOVERY_S
        return min(ceiling, self.slowed_to_per_s * grown)

    def tokens_at(self, now: dt.datetime) -> float:
        """Return how many requests may be sent now; infinite where there is no limit."""
        rate = self.per_s_at(now)
        capacity = max(1.0, rate * _BUCKET_S)
        if self.filled_at is None or math.isinf(rate):
            return capacity
        passed_s = max(0.0, (now - self.filled_at).total_seconds())
        return min(capacity, self.tokens + rate * passed_s)

    def spent(self, requests: int, *, now: dt.datetime) -> "RequestRate":
        """Return the rate after some requests."""
        tokens = self.tokens_at(now)
        if math.isinf(tokens):
            return self
        return attrs.evolve(self, tokens=tokens - requests, filled_at=now)

    def slowed(self, *, now: dt.datetime, seen_per_s: float) -> "RequestRate":
        """Return the rate after the cloud asked to be called less often.

        :param seen_per_s: requests it was sent a second when it did.
        """
        if self.slowed_at is not None:
            age_s = (now - self.slowed_at).total_seconds()
            if age_s < _SAME_EVENT_S:
                return self
        slower = max(_LOWEST_PER_S, min(self.per_s_at(now), seen_per_s) / 2)
        return attrs.evolve(self, slowed_to_per_s=slower, slowed_at=now, tokens=0.0, filled_at=now)
