"""pytest plugin of the kit: ``-p pitrix_core.testing.plugin``.

Imported before coverage starts, so it imports the rest of pitrix only when a fixture is used.
"""

import inspect
import itertools
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

for _suite in (
    "app_type",
    "authoring",
    "compute",
    "creating",
    "image",
    "network",
    "provider",
    "start",
    "volume",
):
    pytest.register_assert_rewrite(f"pitrix_core.testing.{_suite}_suite")

if TYPE_CHECKING:
    from pitrix_core.testing.manual_clock import ManualClock


def pytest_configure(config: pytest.Config) -> None:
    """Make the kit's marker known."""
    config.addinivalue_line("markers", "live: talks to a real cloud; needs its credentials")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run, for an interface that is not offered, the one thing it has to do: refuse by name."""
    name = getattr(pyfuncitem.cls, "suite_of", None)
    provider = pyfuncitem.funcargs.get("provider")
    if name is None or provider is None:
        return None
    from pitrix_core.contracts.interface import is_absent  # noqa: PLC0415  # see above
    from pitrix_core.testing.refusal import assert_refuses  # noqa: PLC0415  # see above

    interface = getattr(provider, name)
    if not is_absent(interface):
        return None
    assert_refuses(interface)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show, with a test of a suite that failed, what the contract wants: its docstring."""
    report = yield
    test = getattr(item, "function", None)
    is_ours = getattr(test, "__module__", "").startswith("pitrix_core.testing.")
    if report.failed and is_ours and test.__doc__:
        report.sections.append(("The contract", inspect.cleandoc(test.__doc__)))
    return report


@pytest.fixture
def new_key() -> Callable[[], str]:
    """Return a function that makes request keys no other test or run has."""
    import uuid  # noqa: PLC0415  # see above

    run = uuid.uuid4().hex[:20]
    numbers = itertools.count(1)
    return lambda: f"key-{run}-{next(numbers)}"


@pytest.fixture
def request_key(new_key: Callable[[], str]) -> str:
    """Return a request key no other test or run has."""
    return new_key()


@pytest.fixture
def manual_clock() -> "ManualClock":
    """Return a clock that stands until it is told to go on."""
    from pitrix_core.testing.manual_clock import ManualClock  # noqa: PLC0415  # see above

    return ManualClock()
