"""One runner as a process of its own, on a fake cloud in a file; started by the tests beside it.

Arguments: a JSON object with ``database`` (its URL), ``folder``, ``cloud`` (settings of the fake
provider), ``runner`` (settings of the runner) and ``request_s`` (longest time a request of the
cloud takes).
"""

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import attrs
from cryptography.fernet import Fernet

from pitrix_core.contracts import Context
from pitrix_core.contracts.interface import Start
from pitrix_core.convert import from_json
from pitrix_core.jobs.handler import TaskCall, TaskHandler
from pitrix_core.jobs.provider_tasks import ProviderTasks
from pitrix_core.jobs.runner import Runner, RunnerSettings
from pitrix_core.jobs.worker import Worker
from pitrix_core.model import Runtime
from pitrix_core.plugins.calls import ProviderGate
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.testing.fake_provider import FakeCredential, FakeProvider, FakeSettings


@attrs.frozen(kw_only=True)
class QuickTasks(ProviderTasks):
    """A provider's tasks, on a cloud whose requests end sooner than the contract's default."""

    request_s: float

    def facts(self, call: TaskCall) -> Start:
        """Say how long a request takes at the longest."""
        return attrs.evolve(super().facts(call), timeout_s=self.request_s)


@attrs.frozen
class OneKind:
    """All kinds are the provider's."""

    handler: TaskHandler

    def handler_of(self, kind: str) -> TaskHandler:
        """Return it."""
        return self.handler


def run(arguments: dict[str, Any]) -> None:
    """Work until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    runtime = Runtime(id="rt-1", name="fake", provider="fake", owner="admin", zone="")
    provider = FakeProvider(
        runtime,
        settings=from_json(arguments["cloud"], FakeSettings),
        credential=FakeCredential(),
        context=Context(installation_id="0" * 32, state_dir=Path(arguments["folder"])),
    )
    gate = ProviderGate(provider, runtime_id=runtime.id)
    tasks = QuickTasks(
        gate=lambda _: gate,
        secret=lambda name, _: name,
        user_data=lambda start, _limit: repr(start),
        request_s=arguments["request_s"],
    )
    engine = make_engine(arguments["database"])
    store = Store(engine, cipher=Cipher(Fernet.generate_key()))
    settings = RunnerSettings(**arguments["runner"])
    print("started", flush=True)  # noqa: T201  # read by the test
    Runner(store, Worker(store, OneKind(tasks)), settings).run(stop)
    store.close()


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
