"""How a Frontgate stands, for those who look after an installation."""

import datetime as dt
import enum
from typing import Final

import attrs

#: Versions of the agent protocol (``agents/protocol``) that are spoken, the newest last.
PROTOCOLS: Final = (1, 2)
#: The first one with enrolments, signed tokens and TLS; supervision and tables came with it.
SECURED: Final = 2


class FrontgateState(enum.StrEnum):
    """Whether a Frontgate is there, and if not, whether it can come."""

    CONNECTED = "connected"
    #: It has been let in before, and can come again.
    AWAY = "away"
    #: It was not let in yet; its enrolment is good.
    ENROLLING = "enrolling"
    #: What it could show was revoked, or has ended: only a new machine helps.
    SHUT_OUT = "shut_out"


@attrs.frozen(kw_only=True)
class FrontgateReport:
    """A Frontgate with its connection and its work."""

    id: str
    state: FrontgateState
    #: The hidden cluster it is.
    cluster_id: str
    runtime_id: str
    network_id: str
    #: Version of the agent protocol that it speaks, and its own; None before it first connected.
    protocol: int
    version: str | None
    #: How many machines it is to be.
    machines: int
    #: URLs of its etcd inside the network, one for each machine that is one of it by now; the one
    #: that the Pilot speaks with comes first.
    endpoints: tuple[str, ...]
    #: The Pilot that holds its connection.
    pilot_id: str | None
    connected_at: dt.datetime | None
    #: When a Pilot last held its connection.
    seen_at: dt.datetime | None
    #: When the secret of its user-data ends that it may enrol with; None once it has.
    enrolment_expires_at: dt.datetime | None
    #: When the token ends that it was given last; None before, and with protocol 1.
    token_expires_at: dt.datetime | None
    #: How often what it had was revoked, and one more.
    generation: int
    #: Clusters whose machines talk to it.
    clusters: tuple[str, ...]
    #: Messages to it that it has not acknowledged, and since when the first one waits.
    messages_waiting: int
    oldest_message_at: dt.datetime | None
