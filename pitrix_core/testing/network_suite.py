"""Conformance suite of the interface ``network``; see ``suite_fixtures`` for how to use it."""

import ipaddress

import attrs
import pytest

from pitrix_core.errors import ProviderNotFoundError
from pitrix_core.model import NetworkSpec
from pitrix_core.testing.settling import done
from pitrix_core.testing.start_suite import StartSuite
from pitrix_core.testing.suite_fixtures import AnyProvider, Make, NewKey


class NetworkSuite(StartSuite):
    """Networks. Override ``provider``, and ``network_spec`` where need be."""

    suite_of = "network"
    verb = "ensure"

    @pytest.fixture
    def network_spec(self, cluster_id: str) -> NetworkSpec:
        """Return the wish for the runtime's default network."""
        return NetworkSpec(name="pitrix-suite", cluster_id=cluster_id)

    @pytest.fixture
    def spec(self, network_spec: NetworkSpec) -> NetworkSpec:
        """Return what the shared clauses are tried with."""
        return network_spec

    def test_a_network_names_its_addresses(self, make: Make, request_key: str) -> None:
        """The outputs hold ``cidr``, a network in the notation of RFC 4632 (clause 7)."""
        outputs = make(request_key).outputs

        assert ipaddress.ip_network(outputs["cidr"]).num_addresses > 0

    def test_two_wishes_are_one_network(self, make: Make, new_key: NewKey) -> None:
        """``ensure`` is a desired state: other keys answer the same network."""
        first, second = make(new_key()), make(new_key())

        assert first.outputs["id"] == second.outputs["id"]

    def test_a_named_network_is_taken(
        self,
        provider: AnyProvider,
        make: Make,
        network_spec: NetworkSpec,
        new_key: NewKey,
        deadline_s: float,
    ) -> None:
        """The network that is named is the one that is answered."""
        existing_id = make(new_key()).outputs["id"]
        named = attrs.evolve(network_spec, existing_id=existing_id)

        operation = provider.network.ensure(named, request_key=new_key())

        assert done(provider.network, operation, deadline_s=deadline_s).outputs["id"] == existing_id

    def test_an_unknown_network_is_not_found(
        self,
        provider: AnyProvider,
        network_spec: NetworkSpec,
        unknown_id: str,
        request_key: str,
    ) -> None:
        """Naming a network that is not there is not-found (clause 8)."""
        named = attrs.evolve(network_spec, existing_id=unknown_id)

        with pytest.raises(ProviderNotFoundError):
            provider.network.ensure(named, request_key=request_key)
