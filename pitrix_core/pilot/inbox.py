"""What a Frontgate's frame means to the database; run by the Pilot, one transaction a frame."""

import hmac
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from pitrix_core.errors import ConflictError, InvalidInputError, PitrixError
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.model.frontgate import SECURED
from pitrix_core.model.json import marker_of
from pitrix_core.pilot import tokens
from pitrix_core.pilot.authority import authority_of, with_source
from pitrix_core.pilot.enrolment import take_enrolment
from pitrix_core.pilot.supervision import REPORTS, take_report
from pitrix_core.pilot.tokens import Token
from pitrix_core.planner.kinds import AGENT_WAIT, FRONTGATE_ENSURE, FRONTGATE_WAIT
from pitrix_core.store import Store, Topic, Transaction
from pitrix_core.store.agents import Frontgate, Message
from pitrix_core.store.wakeups import Listener

log = logging.getLogger(__name__)

#: Where an etcd may be. Looser than agents/protocol, common.schema.json; no more than it needs.
_URL: Final = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?/?")
#: Where another machine of a Frontgate is.
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_LONGEST_URL: Final = 512
_MOST_URLS: Final = 16
#: Characters that are kept of a version.
_VERSION_CHARS: Final = 64


@attrs.frozen(kw_only=True)
class Frame:
    """One message on the wire; ``agents/protocol/README.md`` section 1."""

    id: str
    type: str
    body: JsonObject
    reply_to: str | None = None


@attrs.frozen(kw_only=True)
class Held:
    """A connection to a Frontgate; it counts for as long as the database has the same number."""

    frontgate_id: str
    connection: int


@attrs.frozen(kw_only=True)
class Admission:
    """That a Frontgate was let in."""

    held: Held
    #: The version that is spoken with it.
    protocol: int
    #: What it is to show from now on; None with protocol 1.
    token: Token | None


class LostConnectionError(ConflictError):
    """A connection does not count any more: the Frontgate has another one, or was cut off."""

    code = "lost_connection"


@attrs.frozen(kw_only=True)
class Desk:
    """Reads and writes the database for the Pilot; every method is one transaction, and blocks."""

    store: Store
    pilot_id: str

    def listening(self, wake: Callable[[], None]) -> AbstractContextManager[Listener]:
        """Call a function inside the block, from another thread, when there is a message to send.

        Only a help: see :mod:`pitrix_core.store.wakeups` for what may be missed.
        """
        return self.store.listening({Topic.OUTBOX: wake})

    def recognise(self, hello: JsonObject) -> None:
        """Make sure that a Frontgate is who it says; only reads, for anybody may say anything.

        :param hello: its first frame, of one of the ``PROTOCOLS``.
        :raises UnauthorizedError: it is not known, or what it shows is wrong, or was revoked.
        """
        with self.store.read() as tx:
            _recognised(tx, hello)

    def welcome(self, hello: JsonObject) -> Admission:
        """Let a Frontgate in; of its connections only this one counts from now on.

        :param hello: its first frame, of one of the ``PROTOCOLS``.
        :raises UnauthorizedError: it is not known, or what it shows is wrong, or was revoked.
        :raises InvalidInputError: it does not say where its etcd is.
        """
        return self.store.carry_out(lambda tx: self._welcomed(tx, hello))

    def _welcomed(self, tx: Transaction, hello: JsonObject) -> Admission:
        protocol, frontgate = _protocol(hello), _recognised(tx, hello)
        if protocol >= SECURED and isinstance(hello.get("token"), str):
            tokens.end_enrolment(tx, frontgate)
        number = tx.agents.connect(
            frontgate.id,
            pilot_id=self.pilot_id,
            endpoints=_endpoints(hello),
            protocol=protocol,
            version=_version(hello),
        )
        if protocol >= SECURED:
            authority_of(tx, frontgate)
        tx.queue.wake_kind(FRONTGATE_ENSURE)
        tx.queue.wake_kind(FRONTGATE_WAIT)
        data = {"pilot": self.pilot_id, "protocol": protocol}
        tx.events.add("frontgate.connected", frontgate.id, owner=frontgate.owner, data=data)
        return Admission(
            held=Held(frontgate_id=frontgate.id, connection=number),
            protocol=protocol,
            token=tokens.issue(tx, frontgate) if protocol >= SECURED else None,
        )

    def renew(self, held: Held) -> Token:
        """Make a newer token for a connected Frontgate.

        :raises LostConnectionError: another connection counts by now.
        """

        def renewed(tx: Transaction) -> Token:
            return tokens.issue(tx, _holder(tx, held))

        return self.store.carry_out(renewed)

    def certify(self, held: Held, asked: JsonObject) -> JsonObject:
        """Make a certificate for a connected Frontgate, by its own authority.

        :param asked: for which of its machines, and where that is, where it is several.
        :returns: the members of ``tls.put``.
        :raises LostConnectionError: another connection counts by now.
        """

        def certified(tx: Transaction) -> JsonObject:
            holder, of_member = _holder(tx, held), _of_member(asked)
            own = [urlsplit(url).hostname or "" for url in holder.endpoints]
            hosts = with_source(of_member.get("hosts", own))
            certificate = authority_of(tx, holder).issue(hosts, now=tx.now)
            return {**certificate.members(), **of_member}

        return self.store.carry_out(certified)

    def settle_in(self, held: Held) -> None:
        """Take note that a Frontgate has written its token down: its enrolment has served.

        :raises LostConnectionError: another connection counts by now.
        """
        self.store.carry_out(lambda tx: tokens.end_enrolment(tx, _holder(tx, held)))

    def goodbye(self, held: Held) -> None:
        """Write down that a connection is gone, unless another one counts by now."""

        def gone(tx: Transaction) -> None:
            if tx.agents.disconnect(held.frontgate_id, connection=held.connection):
                data = {"pilot": self.pilot_id}
                owner = _owner(tx, held.frontgate_id)
                tx.events.add("frontgate.disconnected", held.frontgate_id, owner=owner, data=data)

        self.store.carry_out(gone)

    def held(self) -> dict[str, int]:
        """Return the connections of this Pilot that count: Frontgate's id → number."""
        with self.store.read() as tx:
            return tx.agents.held_by(self.pilot_id)

    def show_life(self, *, silent_s: float) -> None:
        """Write down that this Pilot lives, and drop the connections of those that do not.

        :param silent_s: seconds after which a Pilot that has not done this is dead.
        """

        def shown(tx: Transaction) -> None:
            tx.agents.note_held(self.pilot_id)
            for frontgate_id in tx.agents.drop_silent(silent_s):
                owner, data = _owner(tx, frontgate_id), {"why": "its Pilot has died"}
                tx.events.add("frontgate.disconnected", frontgate_id, owner=owner, data=data)

        self.store.carry_out(shown)

    def outgoing(self, after: dict[str, int]) -> list[tuple[int, Message]]:
        """Return what Frontgates have to be sent, with secrets put in: for the wire only.

        A message whose secrets are not there is left out, and logged: it must not hold up others.

        :param after: Frontgate's id → number after which to look.
        """
        found = []
        with self.store.read() as tx:
            for number, message in tx.agents.unacknowledged(after):
                try:
                    body = _with_secrets(tx, message.body)
                except PitrixError as ex:
                    extra = {"action": "pilot.outbox", "frontgate_id": message.frontgate_id}
                    log.error("Message %s cannot be sent: %s", message.id, ex, extra=extra)  # noqa: TRY400  # no traceback: it would be the same each time
                    continue
                found.append((number, attrs.evolve(message, body=body)))
        return found

    def receive(self, held: Held, frame: Frame) -> None:
        """Store a frame and what it changes; a frame that came before changes nothing.

        :raises LostConnectionError: another connection counts by now; nothing is stored, for that
            one may have brought what is newer.
        """

        def received(tx: Transaction) -> None:
            _holder(tx, held)
            _received(tx, held.frontgate_id, frame)

        self.store.carry_out(received)


def _holder(tx: Transaction, held: Held) -> Frontgate:
    """Return whose connection it is, which counts until the end of the transaction."""
    found = tx.agents.holder(held.frontgate_id, connection=held.connection)
    if found is None:
        raise LostConnectionError("Another connection of the Frontgate counts by now.")
    return found


def _of_member(asked: JsonObject) -> JsonObject:
    """Read for which machine a certificate is asked for; nothing where it is the one that asks."""
    match asked:
        case {"member": int(number), "hosts": [str(host)]} if _ADDRESS.fullmatch(host):
            return {"member": number, "hosts": [host]}
    return {}


def _owner(tx: Transaction, frontgate_id: str) -> str:
    found = tx.agents.frontgate(frontgate_id)
    return "" if found is None else found.owner


def _protocol(hello: JsonObject) -> int:
    return int(hello.get("protocol", 1))


def _recognised(tx: Transaction, hello: JsonObject) -> Frontgate:
    """Return the Frontgate that says hello.

    :raises UnauthorizedError: it is not who it says, or may not come in any more.
    """
    name, token = str(hello.get("frontgate_id")), hello.get("token")
    frontgate = tx.agents.frontgate(name) if name.isprintable() else None
    if frontgate is None:
        raise tokens.unknown()
    if _protocol(hello) < SECURED:
        _require_static(tx, frontgate, str(token))
    elif isinstance(token, str):
        tokens.require(tx, frontgate, token)
    elif not tokens.is_enrolment(tx, frontgate, str(hello.get("enrolment"))):
        raise tokens.unknown()
    return frontgate


def _require_static(tx: Transaction, frontgate: Frontgate, token: str) -> None:
    """Make sure that the token of a Frontgate of version 1 is right, and was not revoked."""
    static = tx.secrets.get(frontgate.secret_id)
    # One that has spoken a later version, or is to, has another kind of secret.
    is_static = frontgate.protocol < SECURED and frontgate.enrolment_sha256 is None
    if not is_static or not hmac.compare_digest(static.encode(), token.encode(errors="replace")):
        raise tokens.unknown()
    tokens.require_generation(frontgate, 1)


def _received(tx: Transaction, frontgate_id: str, frame: Frame) -> None:
    if frame.type == "ack":
        tx.agents.acknowledge(frame.reply_to or "", frontgate_id=frontgate_id)
        return
    if frame.type in REPORTS:
        take_report(tx, frontgate_id, kind=frame.type, body=frame.body)
        return
    if frame.type == "command.result" and not _is_asked_for(tx, frontgate_id, frame.body):
        extra = {"action": "pilot.result", "frontgate_id": frontgate_id}
        log.warning("A result is of no command that its node was given", extra=extra)
        return
    message = Message(
        id=frame.id,
        frontgate_id=frontgate_id,
        type=frame.type,
        body=frame.body,
        reply_to=_answered(frame),
    )
    # of what answers nothing, only that it came is looked at again
    kept = message if message.reply_to is not None else attrs.evolve(message, body={})
    if tx.agents.receive(kept):
        _take_effect(tx, message)


def _is_asked_for(tx: Transaction, frontgate_id: str, result: JsonObject) -> bool:
    """Say whether a result's command was for its node, which may write a result of any name."""
    command = tx.agents.sent(str(result.get("command_id")))
    return (
        command is not None
        and command.frontgate_id == frontgate_id
        and all(command.body.get(name) == result.get(name) for name in ("cluster_id", "node_id"))
    )


def _endpoints(hello: JsonObject) -> list[str]:
    match hello.get("endpoints"):
        case [*urls] if 0 < len(urls) <= _MOST_URLS and all(map(_is_url, urls)):
            return urls
    raise InvalidInputError("A Frontgate has to say where its etcd is.", pointer="/endpoints")


def _is_url(value: JsonValue) -> bool:
    if not isinstance(value, str) or len(value) > _LONGEST_URL or not _URL.fullmatch(value):
        return False
    try:
        return bool(urlsplit(value).hostname)
    except ValueError:  # what stands in brackets is no address
        return False


def _version(hello: JsonObject) -> str:
    text = str(hello.get("version", ""))[:_VERSION_CHARS]
    return "".join(filter(str.isprintable, text))


def _answered(frame: Frame) -> str | None:
    """Return the message a frame answers; a command's result names the command."""
    if frame.type == "command.result":
        return str(frame.body.get("command_id"))
    return frame.reply_to


def _take_effect(tx: Transaction, message: Message) -> None:
    if message.reply_to is not None:
        answer = tx.agents.answer_to(message.reply_to)
        if answer is not None and answer.frontgate_id == message.frontgate_id:
            tx.queue.wake_request(message.reply_to)
    elif message.type == "node.enrolment":
        take_enrolment(tx, message)
    elif message.type == "node.status":
        node_id = str(message.body.get("node_id"))
        tx.clusters.set_node_agent(node_id, message.body, reported_by=message.frontgate_id)
        tx.queue.wake_kind(AGENT_WAIT, node_id=node_id)


def _with_secrets(tx: Transaction, value: JsonValue) -> Any:
    marker = marker_of(value)
    if marker is not None and marker[0] == "$secret":
        return tx.secrets.get(str(marker[1]))
    if isinstance(value, dict):
        return {key: _with_secrets(tx, member) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_secrets(tx, member) for member in value]
    return value
