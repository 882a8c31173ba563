"""Puts the parts together; the only place that builds everything.

Each function runs one process of an installation: the API, a runner, a Pilot, an indexer.
``supervisor.py`` starts one of each for a single machine.
"""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs

from pitrix_core.catalog.gathering import Gatherer
from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.reach import Reach
from pitrix_core.config import Config
from pitrix_core.contracts.keys import KeyProvider
from pitrix_core.errors import NotFoundError, UnsupportedOperationError
from pitrix_core.jobs.handler import TaskHandler
from pitrix_core.jobs.orphan_tasks import OrphanDelete
from pitrix_core.jobs.provider_tasks import ProviderTasks
from pitrix_core.jobs.runner import Runner, RunnerSettings
from pitrix_core.jobs.worker import Worker
from pitrix_core.logs import set_up_logging
from pitrix_core.model.access import Actor
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.pilot.arrival import FrontgateWait
from pitrix_core.pilot.frontgates import FrontgateEnsure
from pitrix_core.pilot.hidden import SYSTEM_OWNER
from pitrix_core.pilot.inbox import Desk
from pitrix_core.pilot.server import Pilot
from pitrix_core.pilot.server import run_pilot as serve_frontgates
from pitrix_core.pilot.tasks import AgentWait, MetadataDelete, MetadataPut, ServiceRun
from pitrix_core.pilot.userdata import FetchRules, make_user_data
from pitrix_core.planner import kinds
from pitrix_core.planner.agents import as_spoken
from pitrix_core.planner.frontgate import PilotPlace
from pitrix_core.plugins.keys import open_keys
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.rest.server import serve_api
from pitrix_core.service import rotation
from pitrix_core.service.gates import Gates
from pitrix_core.service.housekeeping import Keeping, do_chores
from pitrix_core.service.identity import ensure_admin_token
from pitrix_core.service.issuers import Issuers, read_issuers
from pitrix_core.service.quotas import QuotaReview
from pitrix_core.service.rotation import KeyStatus, Rotation
from pitrix_core.service.services import Services
from pitrix_core.store import Cipher, Store, make_engine, new_id
from pitrix_core.store.audit import Deed
from pitrix_core.store.key_file import FileKeys, FileKeySettings
from pitrix_core.supervisor import bind, inherited_listener, supervise

log = logging.getLogger(__name__)

#: Seconds between looks whether a repo is to be indexed, or a package to be read.
_LOOK_EVERY_S: Final = 5.0
#: Seconds between looks whether a chore is due.
_CHORES_EVERY_S: Final = 60.0


def prepare(config: Config) -> None:
    """Make the data folder, its key, the tables and the first admin token, if missing."""
    from pitrix_core.store.migrations import upgrade  # noqa: PLC0415 (only the first process needs it)

    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = make_store(config)
    try:
        upgrade(store.engine)
        ensure_admin_token(store, config.token_file)
        with store.begin() as tx:
            tx.data_keys.current()  # made now, and not by whoever reads first
    finally:
        store.close()


def _require_prepared(config: Config) -> None:
    """Make sure that an installation is there, instead of beginning half of one."""
    if config.key_provider == FileKeys.name and not config.key_file.exists():
        raise NotFoundError(
            f"There is no installation in {config.data_dir}.",
            next_step=f"Make one: pitrix serve --data {config.data_dir}",
        )


def make_store(config: Config) -> Store:
    """Return the store; it connects to nothing yet."""
    return Store(make_engine(config.database_url), cipher=make_cipher(config))


def make_cipher(config: Config) -> Cipher:
    """Return what encrypts secrets; beside a plugin's keys it knows the key file's, if it is there.

    :raises PluginError: the provider of keys is not installed, not enabled, or broken.
    :raises InvalidInputError: its settings do not fit.
    """
    file = FileKeySettings(path=str(config.key_file))
    if config.key_provider == FileKeys.name:
        return Cipher(FileKeys(file))
    registry = PluginRegistry(enabled=config.enabled)
    keys = open_keys(registry.key_provider(config.key_provider), config.key_settings)
    return Cipher(keys, others=[FileKeys(file)] if config.key_file.exists() else [])


def make_services(config: Config) -> Services:
    """Return what every use works with; one per process, built after a fork."""
    store = make_store(config)
    registry = PluginRegistry(enabled=config.enabled, own={"quotas": QuotaReview(store)})
    opener = RepoOpener(store, registry, Reach.parse(config.private_repos))
    indexer = Indexer(store, registry, opener, interval_s=config.index_interval_s)
    agent_files = AgentFiles(
        config.data_dir / "agents", builder=registry.agent_builder, public_url=config.api_url
    )
    return Services(
        store=store,
        registry=registry,
        gates=Gates(store, registry, data_dir=config.data_dir, allow_local=config.allow_local),
        loader=PackageLoader(store, registry, indexer.reading),
        opener=opener,
        indexer=indexer,
        agent_files=agent_files,
        pilot=PilotPlace(
            urls=config.frontgate_urls,
            ca=config.pilot_authority(),
            agents_url=agent_files.url,
            agents_ca=config.public_authority(),
        ),
        review_policy=config.review_policy,
        job_deadline_s=config.job_deadline_s,
        issuers=Issuers(read_issuers(config.issuers), public_url=config.api_url),
    )


@attrs.frozen
class TaskKindTable:
    """Finds the handler of a task kind: the core's own by name, all others with the provider."""

    core: dict[str, TaskHandler]
    provider: TaskHandler

    def handler_of(self, kind: str) -> TaskHandler:
        """Return the handler.

        :raises UnsupportedOperationError: it is a kind of the core that this version does not know.
        """
        interface = kind.partition(".")[0]
        own = {known.partition(".")[0] for known in self.core}
        if interface in own and kind not in self.core:
            raise UnsupportedOperationError(f"{kind}: this version does not know it")
        return self.core.get(kind, self.provider)


def make_task_kinds(services: Services, config: Config) -> TaskKindTable:
    """Return the handlers of all task kinds."""
    store = services.store

    def secret(secret_id: str, owner: str) -> str:
        with store.read() as tx:
            return tx.secrets.get_own(secret_id, owner=owner)

    core: dict[str, TaskHandler] = {
        kinds.FRONTGATE_ENSURE: FrontgateEnsure(
            store=store, provider=services.gates.of, pilot=services.pilot
        ),
        kinds.FRONTGATE_WAIT: FrontgateWait(store=store),
        kinds.METADATA_PUT: MetadataPut(store=store, loader=services.loader),
        kinds.METADATA_DELETE: MetadataDelete(store=store),
        kinds.AGENT_WAIT: AgentWait(
            store=store,
            machine=lambda runtime_id, machine_id: services.gates.of(runtime_id).get_instance(
                machine_id
            ),
        ),
        kinds.SERVICE_RUN: ServiceRun(store=store),
        kinds.ORPHAN_DELETE: OrphanDelete(store=store, gate=services.gates.of),
    }
    provider = ProviderTasks(
        gate=services.gates.of,
        secret=secret,
        user_data=lambda start, limit_bytes: make_user_data(
            as_spoken(start),
            services.agent_files.file_of(start.agent),
            limit_bytes=limit_bytes,
            rules=FetchRules(authority=config.public_authority()),
        ),
    )
    return TaskKindTable(core=core, provider=provider)


# -- keys ------------------------------------------------------------------------------------------


def key_status(config: Config) -> KeyStatus:
    """Say under which keys an installation's secrets are."""
    with _keys(config) as (store, keys):
        return rotation.status(store, keys)


def rotate_keys(config: Config) -> Rotation:
    """Make a new key for what secrets are encrypted with; processes may run meanwhile.

    :raises ConflictError: another one is at it.
    """
    with _keys(config) as (store, keys), _alone(keys):
        return rotation.rotate(store, keys)


def rotate_data_keys(config: Config) -> Rotation:
    """Encrypt every secret anew, under new keys; processes may run meanwhile.

    :raises ConflictError: another one is at it.
    """
    with _keys(config) as (store, keys), _alone(keys):
        return rotation.rotate_data_keys(store, keys)


def prepare_key(config: Config) -> Path:
    """Make the key that the next rotation will take, and return its file.

    :raises UnsupportedOperationError: keys are not kept in a file.
    """
    with _keys(config) as (_, keys), _alone(keys):
        if not isinstance(keys, FileKeys):
            raise UnsupportedOperationError(
                "keys.prepare: only keys in a file have to be on every machine beforehand.",
                next_step="pitrix secrets rotate",
            )
        return keys.prepare()


@contextlib.contextmanager
def _keys(config: Config) -> Iterator[tuple[Store, KeyProvider]]:
    _require_prepared(config)
    cipher = make_cipher(config)
    store = Store(make_engine(config.database_url), cipher=cipher)
    deed = Deed(actor=Actor(owner=SYSTEM_OWNER), action="rotateKeys")
    try:
        yield store.on_behalf(deed), cipher.keys
    finally:
        store.close()


def _alone(keys: KeyProvider) -> contextlib.AbstractContextManager[None]:
    return keys.locked() if isinstance(keys, FileKeys) else contextlib.nullcontext()


# -- processes -------------------------------------------------------------------------------------


def serve(config: Config, *, on_ready: Callable[[str], None] = lambda _url: None) -> None:
    """Run everything on this machine until a signal says to end.

    :param on_ready: called with the API's URL once it answers.

    :raises ConflictError: another one runs on the same data folder.
    :raises PitrixError: a port is taken, or the API does not come up.
    """
    set_up_logging(config.log_level)
    supervise(config, prepare=prepare, on_ready=on_ready)


def run_api(config: Config) -> None:
    """Serve the REST API until a signal says to end."""
    set_up_logging(config.log_level)
    _require_prepared(config)
    listener = inherited_listener()
    address = listener.detach() if listener else f"{config.api_host}:{config.api_port}"
    serve_api(lambda: make_services(config), bind=address)


def run_runner(config: Config) -> None:
    """Carry tasks out, index repos and keep house, until a signal says to end."""
    set_up_logging(config.log_level)
    _require_prepared(config)
    with _stopped_by_signals() as stop, _closing(make_services(config)) as services:
        beside = [
            threading.Thread(target=target, args=(services, config, stop), daemon=True)
            for target in (_index_now_and_then, _gather_now_and_then, _keep_house)
        ]
        for thread in beside:
            thread.start()
        worker = Worker(services.store, make_task_kinds(services, config))
        Runner(services.store, worker, RunnerSettings()).run(stop)
        for thread in beside:
            thread.join(timeout=2.0)


def run_pilot(config: Config) -> None:
    """Serve Frontgates until a signal says to end."""
    set_up_logging(config.log_level)
    _require_prepared(config)
    with _stopped_by_signals() as stop:
        store = make_store(config)
        try:
            pilot = Pilot(Desk(store=store, pilot_id=new_id("pil")))
            listener = inherited_listener() or bind(
                config.pilot_host, config.pilot_port, option="--port"
            )
            serve_frontgates(pilot, listener, stop=stop, tls=config.pilot_tls())
        finally:
            store.close()


def run_indexer(config: Config) -> None:
    """Index repos now and then until a signal says to end."""
    set_up_logging(config.log_level)
    _require_prepared(config)
    with _stopped_by_signals() as stop, _closing(make_services(config)) as services:
        gathering = threading.Thread(
            target=_gather_now_and_then, args=(services, config, stop), daemon=True
        )
        gathering.start()
        _index_now_and_then(services, config, stop)
        gathering.join(timeout=2.0)


def _index_now_and_then(services: Services, config: Config, stop: threading.Event) -> None:
    look_every_s = min(_LOOK_EVERY_S, config.index_interval_s)
    pause_s = look_every_s
    while not stop.wait(pause_s):
        pause_s = look_every_s
        try:
            pause_s = 0.0 if index_due(services, stop.is_set) else look_every_s
        except Exception:  # the database may be away for a while; the loop must not end
            log.exception("The repos could not be indexed", extra={"action": "index.all"})


def _gather_now_and_then(services: Services, config: Config, stop: threading.Event) -> None:
    gatherer = Gatherer(services.store, services.loader, services.opener)
    while not stop.wait(min(_LOOK_EVERY_S, config.index_interval_s)):
        try:
            gatherer.gather(stop)
        except Exception:  # the database may be away for a while; the loop must not end
            log.exception("Readmes and pictures were not read", extra={"action": "catalog.gather"})


def _keep_house(services: Services, config: Config, stop: threading.Event) -> None:
    keeping = Keeping(
        messages_s=config.keep_messages_s,
        answers_s=config.keep_answers_s,
        events_s=config.keep_events_s,
        jobs_s=config.keep_jobs_s,
        look_every_s=config.orphans_interval_s,
    )
    while not stop.wait(_CHORES_EVERY_S):
        try:
            do_chores(services, keeping, stop)
        except Exception:  # the database may be away for a while; the loop must not end
            log.exception("A chore was not done", extra={"action": "chores"})


def index_due(services: Services, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Index the repos that are due, then read some of the packages that are.

    :returns: how many there were; 0 where there is nothing to be done for a while.
    """
    indexer = services.indexer
    return indexer.index_due(is_stopped) + indexer.reading.read_due(is_stopped)


@contextlib.contextmanager
def _closing(services: Services) -> Iterator[Services]:
    try:
        yield services
    finally:
        services.close()


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, and put the old handlers back at the end."""
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
