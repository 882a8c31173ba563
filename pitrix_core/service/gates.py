"""Builds the providers of runtimes, once per process, each behind its gate."""

import json
import threading
from pathlib import Path

from pitrix_core.contracts import Context
from pitrix_core.errors import ForbiddenError, NotFoundError
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
        #: It never changes; looked up once.
        self._installation_id = ""
        self._gates: dict[str, ProviderGate] = {}
        self._lock = threading.Lock()

    def of(self, runtime_id: str) -> ProviderGate:
        """Return the gate of a runtime's provider.

        The first call for a runtime opens transactions: never make it inside of one.

        :param runtime_id: its id, not its name.
        :raises NotFoundError: there is no such runtime, or it was deleted.
        :raises PluginError: its provider is not installed, not enabled, or broken.
        :raises ForbiddenError: the provider needs the operator's consent.
        """
        with self._lock:
            found = self._gates.get(runtime_id)
            if found is None:
                found = self._build_stored(runtime_id)
            return found

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
        context = Context(
            installation_id=self._installation(), state_dir=self._data_dir / "runtimes" / runtime.id
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

    def _build_stored(self, runtime_id: str) -> ProviderGate:
        with self._store.read() as tx:
            runtime = tx.runtimes.get(runtime_id)
            if tx.runtimes.state(runtime.id) == "deleted":
                raise NotFoundError(
                    f"Runtime {runtime_id!r} was deleted.", next_step="pitrix runtime list"
                )
            credential_id = tx.runtimes.credential_id(runtime.id)
            credential = json.loads(tx.secrets.get(credential_id)) if credential_id else {}
            gone = [known for known in self._gates if tx.runtimes.state(known) == "deleted"]
        for known in gone:  # by another process; this one has not heard of it
            self._gates.pop(known).close()
        gate = self._gates[runtime.id] = self.build(runtime, credential=credential)
        return gate

    def _installation(self) -> str:
        if not self._installation_id:
            with self._store.begin() as tx:
                self._installation_id = tx.identity.installation_id()
        return self._installation_id
