"""Puts the parts of a Frontgate together and runs them until it is told to end."""

import contextlib
import fcntl
import logging
import math
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pitrix_drone.etcd import EtcdClient, EtcdError
from pitrix_frontgate import __version__
from pitrix_frontgate.archives import Archives
from pitrix_frontgate.channel import Channel, Greeting
from pitrix_frontgate.config import FrontgateConfig, Places
from pitrix_frontgate.doors import Doorkeeper, first_doors
from pitrix_frontgate.enrol_server import EnrolServer
from pitrix_frontgate.enrolment import Enrolment
from pitrix_frontgate.errors import FrontgateError
from pitrix_frontgate.etcd_binary import find_etcd
from pitrix_frontgate.etcd_server import EtcdServer
from pitrix_frontgate.frames import Frame, new_id
from pitrix_frontgate.handlers import Handlers
from pitrix_frontgate.identity import Identity
from pitrix_frontgate.joining import join
from pitrix_frontgate.links import Dialler
from pitrix_frontgate.members import Members
from pitrix_frontgate.mirror import Mirror, find_registry
from pitrix_frontgate.outbox import Entry, Outbox
from pitrix_frontgate.pulse import Pulse
from pitrix_frontgate.rbac import AccessControl, open_store, store_id
from pitrix_frontgate.reports import Reports
from pitrix_frontgate.status import Presence
from pitrix_frontgate.turns import Turn, take_turns

log = logging.getLogger(__name__)

#: A first start on a slow disk; a healthy one takes half a second.
_ETCD_START_S: Final = 60.0

_LOOK_S: Final = 0.5
_JOIN_S: Final = 2.0


def run(config: FrontgateConfig, places: Places, *, address: str) -> None:
    """Run a Frontgate until SIGTERM or SIGINT. Main thread only.

    :param address: etcd listens there.
    :raises FrontgateError: it cannot start, or a part of it broke.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(places.lock):
        if config.join_urls and not places.initial_cluster.exists():
            join(config, places, address=address, stop=stop)
        if stop.is_set():
            return
        with _etcd(config, places, address) as server:
            server.await_ready(within_s=_start_s(config), stop=stop)
            if not stop.is_set():
                _run_on(config, places, server=server, stop=stop)


def _run_on(
    config: FrontgateConfig, places: Places, *, server: EtcdServer, stop: threading.Event
) -> None:
    client = _store(config, places, server=server, stop=stop)
    if client is None:
        return
    try:
        if config.member is None:
            _serve(config, places, client=client, server=server, stop=stop)
        else:
            take_turns(
                Members(client, address=server.address),
                client,
                server,
                number=config.member,
                places=places,
                keeper=_keeper(config, places, server),
                presence=Presence(
                    places.running,
                    endpoint=server.endpoint,
                    outbox=Outbox(),
                    identity=Identity(config, places.token),
                    member=config.member,
                    leads=False,
                ),
                serve=lambda turn: _serve(
                    config, places, client=client, server=server, stop=stop, turn=turn
                ),
                stop=stop,
            )
    finally:
        client.close()


def _store(
    config: FrontgateConfig, places: Places, *, server: EtcdServer, stop: threading.Event
) -> EtcdClient | None:
    """Open the store; one that several machines make is there when most of them are.

    :returns: None when *stop* is set before.
    """
    while True:
        try:
            return open_store(server.endpoint, places.root_password)
        except EtcdError as ex:
            if config.member is None:
                raise
            log.info("the store cannot be opened yet: %s", ex)
        if stop.wait(_LOOK_S):
            return None


def _start_s(config: FrontgateConfig) -> float:
    """Tell how long etcd may take; one of several waits for the others as long as it takes."""
    return _ETCD_START_S if config.member is None else math.inf


def _serve(
    config: FrontgateConfig,
    places: Places,
    *,
    client: EtcdClient,
    server: EtcdServer,
    stop: threading.Event,
    turn: Turn | None = None,
) -> None:
    """Be the Frontgate until *stop* is set, or the turn of this machine is over."""
    over = threading.Event()
    outbox = Outbox()
    identity = Identity(config, places.token, share=turn.share if turn else lambda _: None)
    if turn is not None:
        turn.adopt(identity)
    pulse = Pulse()
    reports = Reports(client, outbox, store_id=store_id(client), protocol=config.protocol)
    presence = Presence(
        places.running,
        endpoint=server.endpoint,
        outbox=outbox,
        identity=identity,
        dropped=lambda: reports.dropped,
        member=config.member,
    )
    keeper = _keeper(config, places, server)
    others = turn.cut_others if turn else lambda: None
    access = AccessControl(client, cut=keeper.cut, cut_others=others)
    entrance = turn.entrance if turn else None
    dialler = Dialler(config, pulse=pulse)
    endpoints = turn.endpoints if turn else (_endpoint(config, server),)
    channel = Channel(
        config.pilot_urls,
        Greeting(__version__, endpoints, config.member),
        identity=identity,
        dialler=dialler,
        pulse=pulse,
        handlers=Handlers(client, access, keeper, entrance=entrance),
        outbox=outbox,
        on_connected=presence.connected,
    )
    parts = {"channel": channel.run, "reports": reports.run}
    if config.is_secured:
        archives = Archives(
            config.agents_url, folder=places.archives, ca=config.agents_ca, proxy=dialler.proxy
        )
        desk = EnrolServer(
            Enrolment(client, access),
            archives,
            address=server.address,
            identity=places.identity,
            entrance=entrance,
        )
        parts |= {"enrolment": desk.run, **_mirror(config, places, address=server.address)}
    threads = [
        threading.Thread(target=_guarded(part, over), args=(over,), name=name, daemon=True)
        for name, part in parts.items()
    ]

    def look() -> None:
        _ask_for_certificate(config, keeper, outbox)
        for wish in turn.wishes() if turn else ():
            outbox.offer(Entry(f"tls/{wish['member']}", Frame(new_id(), "tls.renew", wish)))
        presence.write()

    look()
    for thread in threads:
        thread.start()
    while not stop.wait(_LOOK_S) and all(thread.is_alive() for thread in threads):
        if turn is not None and turn.is_over():
            break
        look()
        reports.catch_up()
    broken = [thread.name for thread in threads if not thread.is_alive() and not stop.is_set()]
    over.set()
    keeper.close()
    channel.close()
    for thread in threads:
        thread.join(timeout=_JOIN_S)
    with contextlib.suppress(FileNotFoundError):
        places.running.unlink()
    if broken:
        raise FrontgateError(f"{', '.join(broken)} broke; the reason is above")


def _keeper(config: FrontgateConfig, places: Places, server: EtcdServer) -> Doorkeeper:
    return Doorkeeper(
        server,
        places,
        is_plain_always=not config.is_secured,
        is_member=config.member is not None,
    )


def _mirror(
    config: FrontgateConfig, places: Places, *, address: str
) -> dict[str, Callable[[threading.Event], None]]:
    """Return what mirrors images, where this machine can."""
    program = find_registry()
    if program is None:
        return {}
    mirror = Mirror(
        program,
        address=address,
        upstream=config.image_mirror,
        identity=places.identity,
        folder=places.mirror,
    )
    return {"mirror": mirror.run}


def _ask_for_certificate(config: FrontgateConfig, keeper: Doorkeeper, outbox: Outbox) -> None:
    """Have the Pilot asked, where that is due."""
    if config.is_secured and keeper.is_renewal_due():
        outbox.offer(Entry("tls", Frame(new_id(), "tls.renew", {})))


def _endpoint(config: FrontgateConfig, server: EtcdServer) -> str:
    """Tell where drones are to be sent."""
    return server.tls_endpoint if config.is_secured else server.plain_endpoint


def _guarded(
    part: Callable[[threading.Event], None], stop: threading.Event
) -> Callable[[threading.Event], None]:
    """Log what ends a thread: nobody else would."""

    def guarded(event: threading.Event) -> None:
        try:
            part(event)
        except Exception:
            if not stop.is_set():
                log.exception("a part of the Frontgate broke")

    return guarded


def _initial_cluster(places: Places) -> str:
    try:
        return places.initial_cluster.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


@contextlib.contextmanager
def _etcd(config: FrontgateConfig, places: Places, address: str) -> Iterator[EtcdServer]:
    binary = find_etcd(throw_away=config.throw_away)
    server = EtcdServer(
        binary,
        address=address,
        data=places.etcd_data,
        throw_away=config.throw_away,
        doors=first_doors(
            places,
            is_plain_always=not config.is_secured,
            is_member=config.member is not None,
        ),
        member=config.member,
        initial_cluster=_initial_cluster(places),
    )
    log.info("etcd is %s, listening at %s", binary.path, server.endpoint)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as ex:
            raise FrontgateError(
                f"another Frontgate uses {path.parent}; end it, or set PITRIX_ROOT"
            ) from ex
        yield
