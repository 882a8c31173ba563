"""A request to a cloud that was started and may still be running."""

import enum

import attrs

from pitrix_core.model.json import JsonObject

#: Longest handle, as JSON in UTF-8.
HANDLE_LIMIT_BYTES = 16 * 1024


class OperationState(enum.StrEnum):
    """What became of a request."""

    PENDING = "pending"  #: the cloud is still working; poll again after ``retry_after_s``
    NEXT_STAGE = "next_stage"  #: this stage is done; the core saves it, then calls ``advance``
    DONE = "done"  #: finished; ``outputs`` is complete
    FAILED = "failed"  #: finished; ``error`` says why


@attrs.frozen(kw_only=True)
class Operation:
    """What a provider answers to *start*, *poll* and *advance*."""

    #: Chosen by the core; at most 64 characters of ``[a-z0-9-]``. One key never makes two
    #: resources.
    request_key: str
    #: The contract's name of what was asked for, such as ``compute.create``.
    kind: str
    state: OperationState
    #: The cloud's id of what is being made or changed, as soon as it is known.
    resource_id: str | None = None
    #: Name of the stage that runs, for operations of several stages; empty otherwise.
    stage: str = ""
    #: Opaque to the core, JSON only, at most 16 KiB, saved between polls; never a secret.
    handle: JsonObject = attrs.field(factory=dict)
    #: What later tasks may refer to; complete once the state is ``done``. Always has ``id``.
    outputs: JsonObject = attrs.field(factory=dict)
    #: Why it failed, in the vendor's words with its code and request id.
    error: str | None = None
    #: Code of the error, one of the ``provider_…`` codes of :mod:`pitrix_core.errors`.
    error_code: str | None = None
    #: The vendor's own code of the error, and the id it gave the request.
    vendor_code: str | None = None
    vendor_request_id: str | None = None
    #: Seconds until the next poll is worth its request; > 0.
    retry_after_s: float = attrs.field(default=2.0, validator=attrs.validators.gt(0))
