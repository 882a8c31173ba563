"""Asserts that what a provider does not offer refuses every call by name."""

import pytest

from pitrix_core.contracts import Interface
from pitrix_core.errors import UnsupportedOperationError
from pitrix_core.model import Operation, OperationState


def assert_refuses(interface: Interface) -> None:
    """Call every verb, ``poll`` and ``find`` of a stand-in, and want a refusal naming the call."""
    operation = Operation(
        request_key="key-1", kind=f"{interface.name}.create", state=OperationState.PENDING
    )
    for verb in sorted(interface.verbs()):
        with pytest.raises(UnsupportedOperationError, match=f"{interface.name}.{verb}"):
            getattr(interface, verb)(None, request_key="key-1")
    with pytest.raises(UnsupportedOperationError, match=f"{interface.name}.poll"):
        interface.poll(operation)
    with pytest.raises(UnsupportedOperationError, match=f"{interface.name}.find"):
        interface.find("key-1")
