"""Frontgates, and the messages to and from them."""

import datetime as dt
from collections.abc import Mapping, Sequence

import attrs
import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.model import ClusterState, JsonObject
from pitrix_core.store import tables
from pitrix_core.store.engine import insert_once
from pitrix_core.store.records import record


@attrs.frozen(kw_only=True)
class Frontgate:
    """The gate of one network of one runtime."""

    id: str
    owner: str
    #: The hidden cluster it is.
    cluster_id: str
    runtime_id: str
    network_id: str
    #: What it shows to the Pilot at first; with protocol 1 always.
    secret_id: str
    #: Version of the agent protocol that it speaks.
    protocol: int = 1
    #: Its own version; None before it first connected.
    version: str | None = None
    #: URLs of its etcd inside the network.
    endpoints: tuple[str, ...] = ()
    #: Tokens of other generations are worth nothing; counts up when they are revoked.
    generation: int = 1
    #: Of what it may show for a token; None once it has one.
    enrolment_sha256: str | None = None
    enrolment_expires_at: dt.datetime | None = None
    #: When the token ends that was given last.
    token_expires_at: dt.datetime | None = None
    #: The Pilot that holds its connection.
    pilot_id: str | None = None
    #: Number of the connection that counts.
    connection: int = 0
    connected_at: dt.datetime | None = None
    #: When a Pilot last said that it holds its connection.
    seen_at: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class Message:
    """A frame to a Frontgate, or from one."""

    id: str
    frontgate_id: str
    type: str
    body: JsonObject
    reply_to: str | None = None
    #: When it was put into the outbox; None of one that is not from there.
    created_at: dt.datetime | None = None


class AgentRepository:
    """What Pilots and runners share about agents."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    # -- frontgates --------------------------------------------------------------------------------

    def add_frontgate(self, frontgate: Frontgate) -> None:
        """Store a Frontgate; there is one for a runtime's network at the most."""
        self._connection.execute(tables.frontgates.insert().values(**convert.to_json(frontgate)))

    def frontgate(self, frontgate_id: str) -> Frontgate | None:
        """Return a Frontgate that was not removed."""
        return self._frontgate(tables.frontgates.c.id == frontgate_id)

    def frontgate_at(self, runtime_id: str, network_id: str) -> Frontgate | None:
        """Return the Frontgate of a runtime's network."""
        columns = tables.frontgates.c
        return self._frontgate(
            (columns.runtime_id == runtime_id) & (columns.network_id == network_id)
        )

    def frontgate_serving(self, cluster_id: str) -> Frontgate | None:
        """Return the Frontgate that a cluster's machines talk to."""
        query = sa.select(tables.clusters.c.frontgate_id).where(tables.clusters.c.id == cluster_id)
        frontgate_id = self._connection.scalar(query)
        return None if frontgate_id is None else self.frontgate(frontgate_id)

    def serve(self, cluster_id: str, *, frontgate_id: str) -> None:
        """Write down which Frontgate a cluster's machines talk to."""
        self._connection.execute(
            tables.clusters.update()
            .where(tables.clusters.c.id == cluster_id)
            .values(frontgate_id=frontgate_id)
        )

    def frontgate_of(self, cluster_id: str) -> Frontgate | None:
        """Return the Frontgate that a hidden cluster is."""
        return self._frontgate(tables.frontgates.c.cluster_id == cluster_id)

    def _frontgate(self, which: "sa.ColumnElement[bool]") -> Frontgate | None:
        query = sa.select(tables.frontgates).where(which, tables.frontgates.c.removed_at.is_(None))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, Frontgate)

    def frontgates(self) -> list[Frontgate]:
        """Return every Frontgate that was not removed, by their ids."""
        columns = tables.frontgates.c
        query = sa.select(tables.frontgates).where(columns.removed_at.is_(None))
        rows = self._connection.execute(query.order_by(columns.id))
        return [record(row, Frontgate) for row in rows]

    def served_by(self, frontgate_id: str) -> tuple[str, ...]:
        """Return the ids of the clusters that a Frontgate serves."""
        return self._served_by(frontgate_id, least_revision=0)

    def configured_by(self, frontgate_id: str) -> tuple[str, ...]:
        """Return the ids of those among them whose metadata it was given."""
        return self._served_by(frontgate_id, least_revision=1)

    def _served_by(self, frontgate_id: str, *, least_revision: int) -> tuple[str, ...]:
        columns = tables.clusters.c
        query = sa.select(columns.id).where(
            columns.frontgate_id == frontgate_id,
            columns.state != ClusterState.DELETED,
            columns.metadata_revision >= least_revision,
        )
        return tuple(self._connection.scalars(query.order_by(columns.id)))

    def waiting_for(self, frontgate_id: str) -> tuple[int, dt.datetime | None]:
        """Return how many messages wait to be acknowledged, and since when the first one does."""
        columns = tables.outbox.c
        query = sa.select(sa.func.count(), sa.func.min(columns.created_at)).where(
            columns.frontgate_id == frontgate_id, columns.acked_at.is_(None)
        )
        count, oldest_at = self._connection.execute(query).one()
        return count, oldest_at

    def let_enrol(
        self, frontgate_id: str, *, sha256: str | None, expires_at: dt.datetime | None
    ) -> None:
        """Write down what it may show for a token; None: nothing any more."""
        self._update(frontgate_id, enrolment_sha256=sha256, enrolment_expires_at=expires_at)

    def note_token(self, frontgate_id: str, *, expires_at: dt.datetime) -> None:
        """Write down when the token ends that it was given."""
        self._update(frontgate_id, token_expires_at=expires_at)

    def revoke(self, frontgate_id: str) -> None:
        """Make every token and enrolment it has worth nothing, and cut its connection."""
        self._update(
            frontgate_id,
            generation=tables.frontgates.c.generation + 1,
            enrolment_sha256=None,
            enrolment_expires_at=None,
            token_expires_at=None,
        )
        self.drop_connection(frontgate_id)

    # -- their connections -------------------------------------------------------------------------

    def connect(
        self,
        frontgate_id: str,
        *,
        pilot_id: str,
        endpoints: Sequence[str],
        protocol: int = 1,
        version: str | None = None,
    ) -> int:
        """Write down which Pilot holds its connection, and where its etcd is.

        :returns: the connection's number; no other one counts from now on.
        """
        columns = tables.frontgates.c
        changed = (
            tables.frontgates.update()
            .where(columns.id == frontgate_id)
            .values(
                pilot_id=pilot_id,
                endpoints=list(endpoints),
                protocol=protocol,
                version=version,
                connection=columns.connection + 1,
                connected_at=self._now,
                seen_at=self._now,
            )
        )
        number: int = self._connection.scalar(changed.returning(columns.connection))
        return number

    def disconnect(self, frontgate_id: str, *, connection: int) -> bool:
        """Write down that a connection is gone.

        :returns: False when another one counts by now.
        """
        columns = tables.frontgates.c
        ended = self._connection.execute(
            tables.frontgates.update()
            .where(columns.id == frontgate_id, columns.connection == connection)
            .values(pilot_id=None, connected_at=None, seen_at=self._now)
        )
        return ended.rowcount > 0

    def drop_connection(self, frontgate_id: str) -> None:
        """Have the Pilot that holds its connection, if one does, close it."""
        number = tables.frontgates.c.connection + 1
        self._update(frontgate_id, pilot_id=None, connected_at=None, connection=number)

    def holder(self, frontgate_id: str, *, connection: int) -> Frontgate | None:
        """Return whose connection it is, if it counts; it does until the end of the transaction."""
        columns = tables.frontgates.c
        query = sa.select(tables.frontgates).where(
            columns.id == frontgate_id,
            columns.connection == connection,
            columns.pilot_id.is_not(None),
            columns.removed_at.is_(None),
        )
        row = self._connection.execute(query.with_for_update(read=True)).one_or_none()
        return None if row is None else record(row, Frontgate)

    def held_by(self, pilot_id: str) -> dict[str, int]:
        """Return the connections of a Pilot that count: Frontgate's id → number."""
        columns = tables.frontgates.c
        is_held = (columns.pilot_id == pilot_id) & columns.removed_at.is_(None)
        query = sa.select(columns.id, columns.connection).where(is_held)
        return {row.id: row.connection for row in self._connection.execute(query)}

    def note_held(self, pilot_id: str) -> None:
        """Write down that a Pilot lives and holds its connections."""
        self._connection.execute(
            tables.frontgates.update()
            .where(tables.frontgates.c.pilot_id == pilot_id)
            .values(seen_at=self._now)
        )

    def drop_silent(self, older_s: float) -> list[str]:
        """Drop the connections that their Pilots have said nothing of for a while: they are dead.

        :returns: the ids of their Frontgates.
        """
        columns = tables.frontgates.c
        before = self._now - dt.timedelta(seconds=older_s)
        silent = columns.pilot_id.is_not(None) & (columns.seen_at < before)
        dropped = self._connection.scalars(
            tables.frontgates.update()
            .where(silent)
            .values(pilot_id=None, connected_at=None, connection=columns.connection + 1)
            .returning(columns.id)
        )
        return list(dropped)

    def remove_frontgate(self, cluster_id: str) -> None:
        """Free its place, and drop what was still to be sent to it."""
        frontgate = self.frontgate_of(cluster_id)
        if frontgate is None:
            return
        self._update(frontgate.id, removed_at=self._now)
        self._connection.execute(
            tables.outbox.update()
            .where(tables.outbox.c.frontgate_id == frontgate.id, tables.outbox.c.acked_at.is_(None))
            .values(acked_at=self._now)
        )

    def _update(self, frontgate_id: str, **values: object) -> None:
        self._connection.execute(
            tables.frontgates.update()
            .where(tables.frontgates.c.id == frontgate_id)
            .values(**values)
        )

    # -- messages ----------------------------------------------------------------------------------

    def sent(self, message_id: str) -> Message | None:
        """Return a message that was put into the outbox."""
        query = sa.select(tables.outbox).where(tables.outbox.c.id == message_id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, Message)

    def send(self, message: Message) -> None:
        """Put a message into the outbox; one of the same id is not put in twice.

        The messages to one Frontgate are put in by one transaction at a time: Pilots go by their
        numbers, so that none may appear below one that was sent.
        """
        self._lock_frontgate(message.frontgate_id)
        insert_once(
            self._connection,
            tables.outbox,
            id=message.id,
            frontgate_id=message.frontgate_id,
            type=message.type,
            body=convert.to_json(message.body),
            created_at=self._now,
        )

    def _lock_frontgate(self, frontgate_id: str) -> None:
        columns = tables.frontgates.c
        query = sa.select(columns.id).where(columns.id == frontgate_id)
        self._connection.execute(query.with_for_update(key_share=True)).all()

    def unacknowledged(
        self, after: Mapping[str, int], *, limit: int = 1000
    ) -> list[tuple[int, Message]]:
        """Return messages that Frontgates have not acknowledged, in order, with their numbers.

        :param after: Frontgate's id → number after which to look.
        """
        columns = tables.outbox.c
        numbers = self._new_numbers(after, limit=limit)
        if not numbers:
            return []
        query = (
            sa.select(tables.outbox).where(columns.sequence.in_(numbers)).order_by(columns.sequence)
        )
        return [(row.sequence, record(row, Message)) for row in self._connection.execute(query)]

    def _new_numbers(self, after: Mapping[str, int], *, limit: int) -> list[int]:
        """Return numbers of unacknowledged messages that come after their Frontgate's own.

        Compared here: a condition for each of thousands of Frontgates is more than SQLite takes
        (1,000 deep).
        """
        columns = tables.outbox.c
        names = _padded(list(after))
        found: list[int] = []
        least = min(after.values(), default=0)
        while after and len(found) < limit:
            query = (
                sa.select(columns.sequence, columns.frontgate_id)
                .where(
                    columns.acked_at.is_(None),
                    columns.frontgate_id.in_(names),
                    columns.sequence > least,
                )
                .order_by(columns.sequence)
                .limit(limit)
            )
            rows = self._connection.execute(query).all()
            found += [row.sequence for row in rows if row.sequence > after[row.frontgate_id]]
            if len(rows) < limit:
                break
            least = rows[-1].sequence
        return found[:limit]

    def acknowledge(self, message_id: str, *, frontgate_id: str) -> None:
        """Write down that a message is safe with the Frontgate it was sent to."""
        columns = tables.outbox.c
        self._connection.execute(
            tables.outbox.update()
            .where(
                columns.id == message_id,
                columns.frontgate_id == frontgate_id,
                columns.acked_at.is_(None),
            )
            .values(acked_at=self._now)
        )

    def receive(self, message: Message) -> bool:
        """Store a message from a Frontgate.

        :returns: False when it was received before.
        """
        inbox_id = f"{message.frontgate_id}:{message.id}"
        return insert_once(
            self._connection,
            tables.inbox,
            id=inbox_id,
            frontgate_id=message.frontgate_id,
            type=message.type,
            reply_to=message.reply_to,
            body=convert.to_json(message.body),
            at=self._now,
        )

    def answer_to(self, message_id: str) -> Message | None:
        """Return what a message was answered by the Frontgate it was sent to, if it was."""
        inbox, outbox = tables.inbox.c, tables.outbox.c
        query = (
            sa.select(tables.inbox)
            .join(tables.outbox, outbox.id == inbox.reply_to)
            .where(inbox.reply_to == message_id, inbox.frontgate_id == outbox.frontgate_id)
            .order_by(inbox.at)
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else record(row, Message)


def _padded(names: list[str]) -> list[str]:
    """Repeat a name until there are 1, 2, 4, 8, … of them: each number of them is a statement of
    its own, which drivers keep prepared, on every connection.
    """
    wanted = 1 << max(0, len(names) - 1).bit_length()
    return [*names, *names[:1] * (wanted - len(names))]
