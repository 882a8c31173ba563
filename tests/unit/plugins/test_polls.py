"""The gate, where several operations are polled with one call."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from pitrix_core import OperationState, errors
from pitrix_core.contracts.compute import ComputeInterface
from pitrix_core.model import ImageQuery, InstanceSpec, Operation
from pitrix_core.plugins import ProviderGate
from pitrix_core.testing.fake_interfaces import FakeCompute, declared
from pitrix_core.testing.fake_provider import FakeProvider

SPEC = InstanceSpec(name="db-1", cluster_id="cl-1", image=ImageQuery(image="debian"))


@pytest.fixture
def gate_of(build_fake: Any) -> Callable[..., ProviderGate]:
    """Build the gate of a provider whose machines have other methods."""

    def build(**methods: Any) -> ProviderGate:
        compute = type("Odd", (FakeCompute,), methods)

        class Odd(FakeProvider):
            @property
            def compute(self) -> ComputeInterface:
                return declared(compute, self.config)(self)

        return ProviderGate(build_fake(Odd, polls_at_once=10), runtime_id="rt-1")

    return build


def started(gate: ProviderGate, count: int) -> list[Operation]:
    """Start so many machines."""
    return [
        gate.start("compute.create", SPEC, request_key=f"key-{number}") for number in range(count)
    ]


def test_each_operation_has_its_answer(gate_of: Callable[..., ProviderGate]) -> None:
    """In their order."""
    gate = gate_of()
    operations = started(gate, 3)

    found = gate.poll_many(operations)

    assert found == [gate.poll(operation) for operation in operations]


def test_how_many_share_a_request_is_declared(gate_of: Callable[..., ProviderGate]) -> None:
    """With what else is declared of a kind."""
    assert gate_of().start_of("compute.create").polls_at_once == 10


def test_a_broken_answer_spoils_no_other(gate_of: Callable[..., ProviderGate]) -> None:
    """It names the clause, and stands for its own operation only."""

    def poll_many(self: Any, operations: Any) -> Any:
        first, *others = FakeCompute.poll_many(self, operations)
        refused = errors.ProviderNotFoundError("gone")
        return [attrs.evolve(first, request_key="another"), refused, *others[1:]]

    gate = gate_of(poll_many=poll_many)

    broken, gone, sound = gate.poll_many(started(gate, 3))

    assert "clause 2" in str(broken)
    assert isinstance(gone, errors.ProviderNotFoundError)
    assert isinstance(sound, Operation)
    assert sound.state is OperationState.DONE


def test_as_many_answers_as_questions(gate_of: Callable[..., ProviderGate]) -> None:
    """Which of them is missing cannot be known."""
    gate = gate_of(poll_many=lambda self, operations: FakeCompute.poll_many(self, operations)[1:])

    with pytest.raises(errors.ProviderError, match=r"clause 14 .* 2 operations of 3"):
        gate.poll_many(started(gate, 3))


def test_what_polls_one_by_one_answers_for_each(gate_of: Callable[..., ProviderGate]) -> None:
    """An interface without a request for several; one that fails is one that fails."""

    def poll(self: Any, operation: Operation) -> Operation:
        if operation.request_key == "key-1":
            raise errors.ProviderTemporaryError("busy")
        return FakeCompute.poll(self, operation)

    gate = gate_of(poll=poll, poll_many=ComputeInterface.poll_many)

    first, second = gate.poll_many(started(gate, 2))

    assert isinstance(first, Operation)
    assert isinstance(second, errors.ProviderTemporaryError)
