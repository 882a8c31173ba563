"""The hooks' documentation says what their signatures say."""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from pitrix_core.contracts import hookspecs
from pitrix_core.plugins import Hooks

SPECS = {
    name: function
    for name, function in vars(hookspecs).items()
    if name.startswith("pitrix_") and callable(function)
}


@pytest.fixture(params=sorted(SPECS))
def spec(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return each hook's specification."""
    return SPECS[request.param]


def test_there_are_seven_hooks() -> None:
    """A hook is a promise kept for ever; there are no more without a reason."""
    assert len(SPECS) == 7


def test_documented_parameters_are_the_arguments(spec: Callable[..., Any]) -> None:
    """Each ``:param:`` names an argument, and each argument has one, in the same order."""
    documented = re.findall(r":param (\w+):", inspect.getdoc(spec) or "")

    assert documented == list(inspect.signature(spec).parameters)


@pytest.mark.parametrize(
    "part", ["Called", "Process:", "Transaction:", ":raises Exception:", ".. versionadded::"]
)
def test_every_hook_says_when_and_where(spec: Callable[..., Any], part: str) -> None:
    """When and where it is called, what a failure does, since which version."""
    assert part in (inspect.getdoc(spec) or "")


def test_what_is_answered_is_documented(spec: Callable[..., Any]) -> None:
    """A hook that answers something says what, and one that does not says nothing."""
    answers = inspect.signature(spec).return_annotation is not None

    assert (":returns:" in (inspect.getdoc(spec) or "")) == answers


def test_every_hook_has_its_method(spec: Callable[..., Any]) -> None:
    """The typed façade has a method for each hook, which takes the hook's arguments."""
    method = getattr(Hooks, spec.__name__.removeprefix("pitrix_"))

    own = set(inspect.signature(method).parameters) - {"self", "failed"}
    assert own == set(inspect.signature(spec).parameters)
