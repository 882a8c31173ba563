"""What the conformance suites share: fixtures to override, and how a provider is looked at.

A suite is used by subclassing it in a plugin's tests and overriding one fixture::

    class TestCompute(ComputeSuite):
        @pytest.fixture
        def provider(self, tmp_path):
            return MyProvider(...)

The other fixtures have defaults that fit most clouds. Tests cite the clauses of
``pitrix_core.contracts.interface`` and ``provider`` by number. When a provider does not offer the
suite's interface, every test asserts instead that it refuses by name.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from pitrix_core.contracts import Context, Interface, Provider
from pitrix_core.contracts.interface import is_absent
from pitrix_core.convert import to_json
from pitrix_core.errors import ProviderError
from pitrix_core.model import Operation, ResourceRef, TaggedResource
from pitrix_core.testing.settling import done, eventually

AnyProvider = Provider[Any, Any]
Reopen = Callable[..., AnyProvider]
NewKey = Callable[[], str]
Make = Callable[[str], Operation]

#: What depends on something else is removed before it.
_REMOVAL_ORDER: Final = ("compute", "volume", "network")
#: Shorter texts of a credential would be found everywhere.
_SHORTEST: Final = 5


class ProviderFixtures:
    """Fixtures of all suites; ``provider`` has to be overridden."""

    @pytest.fixture
    def provider(self) -> AnyProvider:
        """Return the provider under test."""
        raise NotImplementedError("override the fixture `provider`")

    @pytest.fixture
    def reopen(self, provider: AnyProvider) -> Reopen:
        """Return a function that makes another object on the same account, as another process
        would; its optional argument is the context of another installation.
        """

        def again(context: Context | None = None) -> AnyProvider:
            return type(provider)(
                provider.runtime,
                settings=provider.config,
                credential=provider.account,
                context=context or provider.context,
            )

        return again

    @pytest.fixture
    def deadline_s(self) -> float:
        """Seconds an operation may take to end."""
        return 60.0

    @pytest.fixture
    def start_limit_s(self) -> float:
        """Seconds a start may take: one or two requests."""
        return 10.0

    @pytest.fixture
    def cluster_id(self, new_key: NewKey) -> str:
        """Cluster the test's resources belong to."""
        return "cl-" + new_key().replace("key-", "")

    @pytest.fixture
    def unknown_id(self) -> str:
        """Id of nothing, in the cloud's form."""
        return "none-000000"

    @pytest.fixture(autouse=True)
    def tidy(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Remove what a test has made, also when it failed."""
        provider = request.getfixturevalue("provider")
        cluster_id = request.getfixturevalue("cluster_id")
        yield
        with contextlib.suppress(Exception):  # the test's own failure is the one to report
            remove_all(provider, cluster_id)
        provider.close()


def interface_of(provider: AnyProvider, name: str) -> Interface:
    """Return an interface, or the stand-in of one that is not offered."""
    found: Interface = getattr(provider, name)
    return found


def ids_found(
    provider: AnyProvider, interface: str, request_key: str, *, within_s: float
) -> set[str | None]:
    """Return the ids of what is found by a key."""
    found = interface_of(provider, interface)
    operations = eventually(lambda: found.find(request_key), within_s=within_s)
    return {operation.resource_id for operation in operations}


def listed(provider: AnyProvider, interface: str, cluster_id: str) -> list[TaggedResource]:
    """Return what a cluster owns of an interface."""
    return [
        found for found in provider.owned(cluster_id=cluster_id) if found.interface == interface
    ]


def owns(provider: AnyProvider, cluster_id: str, resource_id: str, *, within_s: float) -> bool:
    """Say whether a cluster owns a resource, as soon as it can be seen."""

    def look() -> bool:
        return resource_id in {found.id for found in provider.owned(cluster_id=cluster_id)}

    return eventually(look, within_s=within_s)


def credential_texts(provider: AnyProvider) -> list[str]:
    """Return the texts of a credential that are long enough to be recognised."""
    texts = to_json(provider.account)
    return [text for text in texts.values() if isinstance(text, str) and len(text) >= _SHORTEST]


def remove_all(provider: AnyProvider, cluster_id: str, *, deadline_s: float = 60.0) -> None:
    """Remove everything a cluster owns."""
    for name in _REMOVAL_ORDER:
        interface = interface_of(provider, name)
        if is_absent(interface):
            continue
        for resource in listed(provider, name, cluster_id):
            spec = ResourceRef(id=resource.id, cluster_id=cluster_id)
            with contextlib.suppress(ProviderError):
                key = f"tidy-{resource.id[-50:].lower()}"
                operation = interface.starter("delete")(spec, request_key=key)
                done(interface, operation, deadline_s=deadline_s)
