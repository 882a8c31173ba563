"""Takes away everything the demo made, whatever state it is in, and says what could not be.

First as a user would, through the API; then, with the server gone, through the provider's own
contract: what ``owned()`` lists is deleted. So nothing survives an interrupted deployment, a killed
runner or a database that nobody can read any more.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from pitrix_core.cli.client import Api
from pitrix_core.cli.demo.server import Server, processes
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.progress import LineDisplay, watch
from pitrix_core.contracts import Context, Provider
from pitrix_core.errors import PitrixError
from pitrix_core.model import JsonObject, Operation, OperationState, ResourceRef, Runtime
from pitrix_core.model.resource import TaggedResource
from pitrix_core.plugins import PluginRegistry, build_provider
from pitrix_core.store import Cipher, Store, make_engine

#: Seconds a job that deletes may take before its things are swept away instead.
_JOB_S: Final = 60.0
#: Seconds the provider has to delete everything.
_SWEEP_S: Final = 40.0
_PAUSE_S: Final = 0.1
#: Machines go before what is attached to them.
_ORDER: Final = ("compute", "volume", "network")

Say = Callable[[str], None]


@attrs.define
class Trace:
    """What the demo has made so far; written before each thing is made, where that can be."""

    data: Path
    server: Server | None = None
    #: The API's address, once it answers.
    url: str | None = None
    #: Settings of the runtime that is about to be registered.
    settings: JsonObject = attrs.field(factory=dict)
    runtime_id: str | None = None


def remove(trace: Trace, *, say: Say) -> list[str]:
    """Take everything away.

    :returns: what is left, in words; empty when nothing is.
    """
    problems: list[str] = []
    if trace.server is not None:
        if trace.url and trace.runtime_id:
            with _noted(problems):
                _through_api(trace)
        problems.clear()  # what the API could not remove is swept away below
        say("Stopping pitrix serve")
        with _noted(problems):
            trace.server.stop()
    if (trace.data / "pitrix.db").exists():
        with _noted(problems):
            problems += _sweep(trace)
    with _noted(problems):
        shutil.rmtree(trace.data)
    return problems + [
        f"process {pid} still runs: {text}" for pid, text in naming(str(trace.data)).items()
    ]


def naming(text: str) -> dict[int, str]:
    """Return the processes whose command line or environment names a text, but for this one and
    those it was started by.
    """
    own = _ancestors()
    found = {}
    for pid in processes():
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            if pid not in own and text.encode() in command + environment:
                found[pid] = command.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return found


def _through_api(trace: Trace) -> None:
    """Delete the clusters, and then the runtime with what pitrix itself keeps there.

    :raises PitrixError: the API refuses, as it does while a job is at work.
    """
    assert trace.url is not None  # noqa: S101  # the caller looked
    token = (trace.data / "token").read_text("utf-8").strip()
    with Api(trace.url, token=token) as api:
        for cluster in api.items("/v1/clusters"):
            if cluster["state"] in {"active", "failed", "cancelled"}:
                plan = api.post("/v1/plans", {"action": "delete", "cluster_id": cluster["id"]})
                path = f"/v1/clusters/{cluster['id']}/jobs"
                _finish(api, api.post(path, {"plan_id": plan["id"]}))
        answer = api.delete(f"/v1/runtimes/{trace.runtime_id}") or {}
        for job in answer.get("jobs") or []:
            _finish(api, job)


def _finish(api: Api, job: JsonObject) -> None:
    seen = watch(api, job["id"], display=LineDisplay(to_stderr=True), give_up_s=_JOB_S)
    if not seen.has_succeeded:
        raise CliError(f"job {job['id']} failed: {seen.job.get('error')}")


def _sweep(trace: Trace) -> list[str]:
    """Delete what the provider says is this installation's; say what it did not let go of."""
    provider = _provider(trace)
    try:
        deadline = time.monotonic() + _SWEEP_S
        owned = _in_order(provider.owned())
        while owned and time.monotonic() < deadline:
            for number, resource in enumerate(owned):
                with contextlib.suppress(PitrixError):  # tried again below, and told in the end
                    _delete(provider, resource, key=f"demo-sweep-{number}", deadline=deadline)
            owned = _in_order(provider.owned())
        return [f"{resource.interface} {resource.id} is still there" for resource in owned]
    finally:
        provider.close()


def _delete(
    provider: Provider[Any, Any], resource: TaggedResource, *, key: str, deadline: float
) -> None:
    interface: Any = provider.interface(resource.interface)
    ref = ResourceRef(id=resource.id, cluster_id=resource.tags.cluster_id)
    operation: Operation = interface.delete(ref, request_key=key)
    while time.monotonic() < deadline:
        if operation.state in {OperationState.DONE, OperationState.FAILED}:
            return
        if operation.state is OperationState.NEXT_STAGE:
            operation = interface.advance(operation, request_key=key)
            continue
        time.sleep(min(operation.retry_after_s, _PAUSE_S))
        operation = interface.poll(operation)


def _in_order(resources: Iterable[TaggedResource]) -> list[TaggedResource]:
    rank = {name: number for number, name in enumerate(_ORDER)}
    return sorted(resources, key=lambda found: rank.get(found.interface, len(rank)))


def _provider(trace: Trace) -> Provider[Any, Any]:
    """Build the provider as the server did; nothing of the server has to run any more."""
    runtime_id = trace.runtime_id or "unknown"
    runtime = Runtime(
        id=runtime_id,
        name=runtime_id,
        provider="local",
        owner="demo",
        settings=trace.settings,
        throw_away=True,
    )
    context = Context(
        installation_id=_installation_id(trace.data),
        state_dir=trace.data / "runtimes" / runtime_id,
    )
    cls = PluginRegistry().provider_class("local")
    return build_provider(cls, runtime, credential={}, context=context)


def _installation_id(data: Path) -> str:
    engine = make_engine(f"sqlite:///{data / 'pitrix.db'}")
    store = Store(engine, cipher=Cipher.from_file(data / "key"))
    try:
        with store.begin() as tx:
            return tx.identity.installation_id()
    finally:
        store.close()


@contextlib.contextmanager
def _noted(problems: list[str]) -> Iterator[None]:
    """Go on after a failure, having written it down: the next step has to be tried as well."""
    try:
        yield
    except Exception as ex:  # noqa: BLE001  # whatever it is, the rest still has to be taken away
        problems.append(str(ex) or type(ex).__name__)


def _ancestors() -> set[int]:
    found, pid = set(), os.getpid()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        except OSError:
            break
        pid = int(stat.rpartition(")")[2].split()[1])
    return found
