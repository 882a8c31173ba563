"""Builds the providers of runtimes, once per process, each behind its gate."""

import json
import threading
from pathlib import Path

from pitrix_core.contracts import Context
from pitrix_core.errors import ForbiddenError
from pitrix_core.model import JsonObject, Runtime
from pitrix_core.plugins.calls import ProviderGate
from pitrix_core.plugins.providers import build_provider
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.store import Store


class Gates:
    """Providers by runtime; safe for several threads."""

    def __init__(
        self, store: Store, registry: PluginRegistry, *, data_dir: Path, allow_local: bool
    ) -> None:
        """Keep what providers are built from.

        :param data_dir: below it every runtime gets a folder of its own.
        :param allow_local: providers that run programs on this very machine may be used.
        """
        self._store = store
        self._registry = registry
        self._data_dir = data_dir
        self._allow_local = allow_local
        self._gates: dict[str, ProviderGate] = {}
        self._lock = threading.Lock()

    def of(self, runtime_id: str) -> ProviderGate:
        """Return the gate of a runtime's provider.

        :raises NotFoundError: there is no such runtime.
        :raises PluginError: its provider is not installed, not enabled, or broken.
        :raises ForbiddenError: the provider needs the operator's consent.
        """
        with self._lock:
            if runtime_id not in self._gates:
                with self._store.read() as tx:
                    runtime = tx.runtimes.get(runtime_id)
                    credential_id = tx.runtimes.credential_id(runtime_id)
                    credential = json.loads(tx.secrets.get(credential_id)) if credential_id else {}
                self._gates[runtime_id] = self.build(runtime, credential=credential)
            return self._gates[runtime_id]

    def build(self, runtime: Runtime, *, credential: JsonObject) -> ProviderGate:
        """Build the provider of a runtime that may not be stored yet.

        :raises InvalidInputError: settings or credential do not fit; with every finding.
        :raises PluginError: its provider is not installed, not enabled, or broken.
        :raises ForbiddenError: the provider needs the operator's consent.
        """
        cls = self._registry.provider_class(runtime.provider)
        if cls.runs_on_this_host and not self._allow_local:
            raise ForbiddenError(
                f"Provider {runtime.provider} runs what packages say on the server's own machine.",
                pointer="/provider",
                next_step="If that is wanted, start the server with --allow-local.",
            )
        with self._store.begin() as tx:
            installation_id = tx.identity.installation_id()
        context = Context(
            installation_id=installation_id, state_dir=self._data_dir / "runtimes" / runtime.id
        )
        provider = build_provider(cls, runtime, credential=credential, context=context)
        return ProviderGate(provider, runtime_id=runtime.id, hooks=self._registry.hooks())

    def forget(self, runtime_id: str) -> None:
        """Close the provider of a runtime that is gone or changed."""
        with self._lock:
            gate = self._gates.pop(runtime_id, None)
        if gate is not None:
            gate.close()

    def close(self) -> None:
        """Close every provider."""
        with self._lock:
            gates, self._gates = self._gates, {}
        for gate in gates.values():
            gate.close()
