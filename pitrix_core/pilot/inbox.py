"""What a Frontgate's frame means to the database; run by the Pilot, one transaction a frame."""

import hmac
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import attrs

from pitrix_core.errors import InvalidInputError, PitrixError, UnauthorizedError
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.model.json import marker_of
from pitrix_core.planner.kinds import AGENT_WAIT, FRONTGATE_ENSURE, FRONTGATE_WAIT
from pitrix_core.store import Store, Topic, Transaction
from pitrix_core.store.agents import Message
from pitrix_core.store.wakeups import Listener

log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Frame:
    """One message on the wire; ``agents/protocol/README.md`` section 1."""

    id: str
    type: str
    body: JsonObject
    reply_to: str | None = None


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

    def welcome(self, hello: JsonObject) -> str:
        """Let a Frontgate in.

        :returns: its id.
        :raises UnauthorizedError: it is not known, or its token is wrong.
        :raises InvalidInputError: it does not say where its etcd is.
        """
        return self.store.carry_out(lambda tx: self._welcomed(tx, hello))

    def _welcomed(self, tx: Transaction, hello: JsonObject) -> str:
        frontgate = tx.agents.frontgate(str(hello.get("frontgate_id")))
        token = str(hello.get("token"))
        if frontgate is None or not hmac.compare_digest(
            tx.secrets.get(frontgate.secret_id).encode(), token.encode()
        ):
            raise UnauthorizedError("The Frontgate is not known, or its token is wrong.")
        endpoints = _endpoints(hello)
        tx.agents.connect(frontgate.id, pilot_id=self.pilot_id, endpoints=endpoints)
        tx.queue.wake_kind(FRONTGATE_ENSURE)
        tx.queue.wake_kind(FRONTGATE_WAIT)
        tx.events.add("frontgate.connected", frontgate.id, owner=frontgate.owner, data={})
        return frontgate.id

    def goodbye(self, frontgate_id: str) -> None:
        """Write down that a connection is gone."""
        with self.store.begin() as tx:
            tx.agents.disconnect(frontgate_id, pilot_id=self.pilot_id)

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

    def receive(self, frontgate_id: str, frame: Frame) -> None:
        """Store a frame and what it changes; a frame that came before changes nothing."""
        self.store.carry_out(lambda tx: _received(tx, frontgate_id, frame))


def _received(tx: Transaction, frontgate_id: str, frame: Frame) -> None:
    if frame.type == "ack":
        tx.agents.acknowledge(frame.reply_to or "", frontgate_id=frontgate_id)
        return
    message = Message(
        id=frame.id,
        frontgate_id=frontgate_id,
        type=frame.type,
        body=frame.body,
        reply_to=_answered(frame),
    )
    if tx.agents.receive(message):
        _take_effect(tx, message)


def _endpoints(hello: JsonObject) -> list[str]:
    match hello.get("endpoints"):
        case [*urls] if urls and all(isinstance(url, str) and url for url in urls):
            return urls
    raise InvalidInputError("A Frontgate has to say where its etcd is.", pointer="/endpoints")


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
