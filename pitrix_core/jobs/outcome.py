"""What one step of a task came to: a decision as a value, which the runner then writes."""

from typing import TypeAlias

import attrs

from pitrix_core.model import JsonObject, Operation


@attrs.frozen(kw_only=True)
class Waiting:
    """An operation is under way; poll it later."""

    operation: Operation
    after_s: float
    creates: bool
    #: Operations of its kind on its runtime that one poll may look at.
    polls_at_once: int = 1


@attrs.frozen(kw_only=True)
class Retry:
    """It failed in a way that may pass, and made nothing; start (or poll) it again."""

    after_s: float
    error: str
    error_code: str
    #: The attempt is one of those the plan allows.
    is_counted: bool = True


@attrs.frozen(kw_only=True)
class Postponed:
    """Nothing is decided: whether the request was carried out cannot be known before then."""

    after_s: float
    #: What keeps it from being known, for whoever looks at the task meanwhile.
    error: str | None = None
    error_code: str | None = None


@attrs.frozen(kw_only=True)
class Succeeded:
    """It is done."""

    outputs: JsonObject
    operation: Operation | None
    creates: bool


@attrs.frozen(kw_only=True)
class Failed:
    """It cannot be done."""

    error: str
    error_code: str
    operation: Operation | None
    creates: bool
    #: Whether its request made something is not known. Its key is kept: a retry finds out first.
    undecided: bool = False
    #: The vendor's own code of the error, and the id it gave the request.
    vendor_code: str | None = None
    vendor_request_id: str | None = None


Outcome: TypeAlias = Waiting | Retry | Postponed | Succeeded | Failed
