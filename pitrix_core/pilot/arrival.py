"""The task kind that waits for Frontgates, and what there is to know of one that is there."""

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import attrs

from pitrix_core.jobs.handler import TaskCall
from pitrix_core.model import JsonValue, Operation
from pitrix_core.model.frontgate import SECURED
from pitrix_core.pilot import tokens
from pitrix_core.pilot.answers import CoreTasks, done, failed, pending
from pitrix_core.pilot.authority import authority_of
from pitrix_core.planner.agents import member_secret
from pitrix_core.store import Store, Transaction
from pitrix_core.store.agents import Frontgate, Message

#: Where nodes enrol; agents/protocol/README.md section 1.4.
_ENROL_PORT: Final = 2378


@attrs.frozen(kw_only=True)
class FrontgateWait(CoreTasks):
    """``frontgate.wait``: waits until a Frontgate's first connection; or until machines have joined
    it, which it is told to let in.
    """

    store: Store

    def start(self, call: TaskCall, *, request_key: str) -> Operation:
        """Look at once: it may have been faster. Its machine is new, and has all the time again."""
        with self.store.begin() as tx:
            frontgate = tx.agents.frontgate(call.input["frontgate_id"])
            if frontgate is not None:
                tokens.prolong_enrolment(tx, frontgate)
                _expect_members(tx, frontgate, call.input.get("members", ()), request_key)
        return self.poll(call, pending(call))

    def poll(self, call: TaskCall, operation: Operation) -> Operation:
        """Look again."""
        with self.store.read() as tx:
            frontgate = tx.agents.frontgate(call.input["frontgate_id"])
            if frontgate is None:
                return failed(call, "The Frontgate was removed.")
            if frontgate.connected_at is None:
                return pending(call, note="the Frontgate has not connected to the Pilot")
            told = outputs_of(tx, frontgate)
        if not {*call.input.get("addresses", ())} <= _hosts(frontgate):
            return pending(call, note="not all of the Frontgate's machines have joined it")
        joining = {"ca": told["ca"], "join_urls": [told["enrol_url"]]} if told["ca"] else {}
        return done(call, {"id": frontgate.id, **joining})


def outputs_of(tx: Transaction, frontgate: Frontgate) -> dict[str, JsonValue]:
    """Tell what machines behind a Frontgate have to know of it."""
    speaks_tls = frontgate.protocol >= SECURED
    enrol_url, *_ = enrol_urls_of(frontgate)
    return {
        "id": frontgate.id,
        "protocol": frontgate.protocol,
        "endpoints": list(frontgate.endpoints),
        "ca": authority_of(tx, frontgate).pem if speaks_tls else "",
        "enrol_url": enrol_url if speaks_tls else "",
    }


def enrol_urls_of(frontgate: Frontgate) -> list[str]:
    """Return where machines enrol, and others of the Frontgate's join."""
    hosts = [urlsplit(url).hostname or "" for url in frontgate.endpoints]
    places = [f"[{host}]" if ":" in host else host for host in hosts]
    return [f"https://{place}:{_ENROL_PORT}" for place in places]


def _hosts(frontgate: Frontgate) -> set[str]:
    return {urlsplit(url).hostname or "" for url in frontgate.endpoints}


def _host(frontgate: Frontgate) -> str:
    """Return where a Frontgate was met last; empty before it was."""
    return urlsplit(next(iter(frontgate.endpoints), "")).hostname or ""


def address_of(frontgate: Frontgate) -> str:
    """Return a Frontgate's address; empty where it has a name, or was never met."""
    try:
        return str(ipaddress.ip_address(_host(frontgate)))
    except ValueError:
        return ""


def _expect_members(
    tx: Transaction, frontgate: Frontgate, numbers: Iterable[int], message_id: str
) -> None:
    """Tell a Frontgate which machines it is to let in."""
    expires_at = (tx.now + tokens.ENROLMENT_LASTS).strftime("%Y-%m-%dT%H:%M:%SZ")
    members = [
        {
            "number": number,
            "enrolment_sha256": tokens.digest(
                tx.secrets.get(member_secret(frontgate.id, number).id)
            ),
            "expires_at": expires_at,
        }
        for number in numbers
    ]
    if members:
        body = {"members": members}
        message = Message(id=message_id, frontgate_id=frontgate.id, type="etcd.members", body=body)
        tx.agents.send(message)
