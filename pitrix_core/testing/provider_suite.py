"""Conformance suite of a provider as a whole; see ``suite_fixtures`` for how to use it."""

import time

import attrs
import pytest

from pitrix_core.contracts.interface import is_absent
from pitrix_core.convert import schema_of
from pitrix_core.errors import UnsupportedOperationError
from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import Price, Task
from pitrix_core.testing.refusal import assert_refuses
from pitrix_core.testing.suite_fixtures import (
    AnyProvider,
    ProviderFixtures,
    Reopen,
    credential_texts,
    interface_of,
)


class ProviderSuite(ProviderFixtures):
    """A provider as a whole. Override ``provider``."""

    def test_building_one_makes_no_request(self, reopen: Reopen) -> None:
        """Building an object takes no longer than no request takes (clause 20)."""
        before = time.monotonic()

        reopen().close()

        assert time.monotonic() - before < 1.0

    @pytest.mark.parametrize("form", ["settings", "credential"])
    def test_its_forms_have_a_schema(self, provider: AnyProvider, form: str) -> None:
        """Settings and credential are attrs classes that a form can be drawn from."""
        schema = schema_of(getattr(type(provider), form))

        assert schema.get("type") == "object" or "$ref" in schema

    def test_a_credential_is_not_printed(self, provider: AnyProvider) -> None:
        """No text of the credential is in what an object prints of itself (clause 11)."""
        shown = f"{provider!r} {provider.account!r} {provider.runtime!r}"

        assert not [text for text in credential_texts(provider) if text in shown]

    def test_a_usable_runtime_is_checked_without_errors(self, provider: AnyProvider) -> None:
        """A check of a runtime that can be used finds no error (clause 21)."""
        found = list(provider.check())

        assert all(isinstance(finding, Finding) for finding in found)
        assert errors_in(found) == ()

    def test_a_check_is_cheap(self, provider: AnyProvider, start_limit_s: float) -> None:
        """A check takes one or two requests (clause 21)."""
        before = time.monotonic()

        provider.check()

        assert time.monotonic() - before < start_limit_s

    def test_offers_never_change(self, provider: AnyProvider, reopen: Reopen) -> None:
        """An object offers the same before and after its use, and so does the next (clause 23)."""
        before = provider.offers()

        provider.check()

        assert provider.offers() == before == reopen().offers()

    @pytest.mark.parametrize("name", ["compute", "volume", "network", "image"])
    def test_what_is_not_offered_refuses_by_name(self, provider: AnyProvider, name: str) -> None:
        """An interface is offered with all its verbs, or refuses every call by name."""
        interface = interface_of(provider, name)
        if is_absent(interface):
            assert_refuses(interface)
            with pytest.raises(UnsupportedOperationError, match=name):
                provider.interface(name)
            return

        kinds = {f"{name}.{verb}" for verb in interface.verbs()}
        assert kinds <= provider.offers()

    def test_an_unknown_interface_refuses_by_name(self, provider: AnyProvider) -> None:
        """What nobody has ever heard of is refused by name."""
        with pytest.raises(UnsupportedOperationError, match="no-such"):
            provider.interface("no-such")

    def test_every_offer_is_declared(self, provider: AnyProvider) -> None:
        """Each task kind says what it takes and how long it may take (clauses 2 and 12)."""
        for kind in provider.offers():
            name, _, verb = kind.partition(".")
            start = provider.interface(name).start_of(verb)

            assert attrs.has(start.spec), kind
            assert start.timeout_s > 0, kind
            assert start.settle_s >= 0, kind

    def test_an_unused_cluster_owns_nothing(self, provider: AnyProvider, cluster_id: str) -> None:
        """``owned`` of a cluster that made nothing is empty (clause 22)."""
        assert list(provider.owned(cluster_id=cluster_id)) == []

    def test_a_price_needs_no_request(self, provider: AnyProvider, cluster_id: str) -> None:
        """A planned machine has a price with a currency and a source, or none is known."""
        wanted = {
            "name": "suite",
            "cluster_id": cluster_id,
            "image": {"image": ""},
            "network_id": {"$ref": "network.ensure#/id"},
        }
        task = Task(key="compute.create/1", kind="compute.create", title="Create", input=wanted)

        price = provider.price(task)

        assert price is None or (isinstance(price, Price) and len(price.currency) == 3)
        assert price is None or price.source
