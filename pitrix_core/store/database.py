"""The store: opens transactions, in which the repositories work."""

import contextlib
import copy
import datetime as dt
import functools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final, Self, TypeAlias, TypeVar

import sqlalchemy as sa

from pitrix_core.store.access import AccessRepository
from pitrix_core.store.agents import AgentRepository
from pitrix_core.store.assets import AssetRepository
from pitrix_core.store.audit import AuditRepository, Deed
from pitrix_core.store.belongings import BelongingRepository
from pitrix_core.store.catalog import CatalogRepository
from pitrix_core.store.categories import CategoryRepository
from pitrix_core.store.chores import ChoreRepository
from pitrix_core.store.cipher import Cipher
from pitrix_core.store.clusters import ClusterRepository
from pitrix_core.store.courses import CourseRepository
from pitrix_core.store.data_keys import DataKeyRepository
from pitrix_core.store.durations import DurationRepository
from pitrix_core.store.engine import DATABASE_TROUBLE, db_now, is_collision, read_options
from pitrix_core.store.events import EventRepository
from pitrix_core.store.groups import GroupRepository
from pitrix_core.store.identity import IdentityRepository
from pitrix_core.store.index_entries import IndexEntryRepository
from pitrix_core.store.indexing import IndexingRepository
from pitrix_core.store.jobs import JobRepository
from pitrix_core.store.lanes import LaneRepository
from pitrix_core.store.listings import ListingRepository
from pitrix_core.store.logins import LoginRepository
from pitrix_core.store.metering import MeteringRepository
from pitrix_core.store.ownership import OwnershipRepository
from pitrix_core.store.plans import PlanRepository
from pitrix_core.store.queue import QueueRepository
from pitrix_core.store.quotas import QuotaRepository
from pitrix_core.store.readings import ReadingRepository
from pitrix_core.store.repos import RepoRepository
from pitrix_core.store.retention import RetentionRepository
from pitrix_core.store.reviews import ReviewRepository
from pitrix_core.store.roles import RoleRepository
from pitrix_core.store.runtimes import RuntimeRepository
from pitrix_core.store.search import SearchRepository
from pitrix_core.store.secrets import SecretRepository
from pitrix_core.store.supervision import SupervisionRepository
from pitrix_core.store.usage import UsageRepository
from pitrix_core.store.users import UserRepository
from pitrix_core.store.wakeups import Listener, Topic, Wake

T = TypeVar("T")

#: How often a transaction is carried out again that others were in the way of, and the longest
#: pause before the first repetition, in seconds; pauses double.
_REPETITIONS: Final = 5
_FIRST_PAUSE_S: Final = 0.02

#: Tells the time of a transaction by its connection.
Clock: TypeAlias = Callable[[sa.Connection], dt.datetime]


class Transaction:
    """One database transaction, with a repository per aggregate; ``now`` is the database's time."""

    def __init__(
        self,
        connection: sa.Connection,
        *,
        cipher: Cipher,
        clock: Clock = db_now,
        deed: Deed | None = None,
    ) -> None:
        """Work inside the transaction of ``connection``.

        :param deed: what it is for, if somebody asked for it.
        """
        self._connection = connection
        self._cipher = cipher
        self._clock = clock
        self._deed = deed

    @functools.cached_property
    def now(self) -> dt.datetime:
        """The database's time, when it was first asked for in this transaction."""
        return self._clock(self._connection)

    @functools.cached_property
    def identity(self) -> IdentityRepository:
        """The installation, and answers kept for idempotency keys."""
        return IdentityRepository(self._connection, now=self.now)

    @functools.cached_property
    def access(self) -> AccessRepository:
        """Who may do what."""
        return AccessRepository(self._connection)

    @functools.cached_property
    def groups(self) -> GroupRepository:
        """The tree of groups."""
        return GroupRepository(self._connection, now=self.now)

    @functools.cached_property
    def users(self) -> UserRepository:
        """Who there is."""
        return UserRepository(self._connection, now=self.now)

    @functools.cached_property
    def roles(self) -> RoleRepository:
        """Roles of the installation's own."""
        return RoleRepository(self._connection, now=self.now)

    @functools.cached_property
    def belongings(self) -> BelongingRepository:
        """What belongs to whom."""
        return BelongingRepository(self._connection, secrets=self.secrets)

    @functools.cached_property
    def logins(self) -> LoginRepository:
        """What people show to say who they are."""
        return LoginRepository(self._connection, now=self.now)

    @functools.cached_property
    def data_keys(self) -> DataKeyRepository:
        """What secrets are encrypted with."""
        return DataKeyRepository(self._connection, cipher=self._cipher, now=self.now)

    @functools.cached_property
    def secrets(self) -> SecretRepository:
        """Secrets."""
        return SecretRepository(
            self._connection, cipher=self._cipher, data_keys=self.data_keys, now=self.now
        )

    @functools.cached_property
    def audit(self) -> AuditRepository:
        """Who changed what."""
        return AuditRepository(self._connection, now=self.now, deed=self._deed)

    @functools.cached_property
    def events(self) -> EventRepository:
        """What happened."""
        return EventRepository(self._connection, now=self.now)

    @functools.cached_property
    def catalog(self) -> CatalogRepository:
        """Apps, versions and packages."""
        return CatalogRepository(self._connection, now=self.now)

    @functools.cached_property
    def listings(self) -> ListingRepository:
        """What is listed of apps; made anew whenever something of them changes."""
        return ListingRepository(self._connection, now=self.now)

    @functools.cached_property
    def search(self) -> SearchRepository:
        """What people find in the catalogue."""
        return SearchRepository(self._connection)

    @functools.cached_property
    def categories(self) -> CategoryRepository:
        """What apps are sorted into."""
        return CategoryRepository(self._connection, now=self.now)

    @functools.cached_property
    def assets(self) -> AssetRepository:
        """What apps look like."""
        return AssetRepository(self._connection, now=self.now)

    @functools.cached_property
    def indexing(self) -> IndexingRepository:
        """Which repos are due, and who is at them."""
        return IndexingRepository(self._connection, now=self.now)

    @functools.cached_property
    def index_entries(self) -> IndexEntryRepository:
        """What indexes list."""
        return IndexEntryRepository(self._connection, now=self.now)

    @functools.cached_property
    def readings(self) -> ReadingRepository:
        """What is to be read of what indexes list."""
        return ReadingRepository(self._connection, now=self.now)

    @functools.cached_property
    def repos(self) -> RepoRepository:
        """Where apps come from."""
        return RepoRepository(self._connection, now=self.now)

    @functools.cached_property
    def reviews(self) -> ReviewRepository:
        """The lives of versions."""
        return ReviewRepository(self._connection, now=self.now)

    @functools.cached_property
    def runtimes(self) -> RuntimeRepository:
        """Runtimes."""
        return RuntimeRepository(self._connection, now=self.now)

    @functools.cached_property
    def plans(self) -> PlanRepository:
        """Plans."""
        return PlanRepository(self._connection, now=self.now)

    @functools.cached_property
    def clusters(self) -> ClusterRepository:
        """Clusters, nodes, and their resources."""
        return ClusterRepository(self._connection, now=self.now)

    @functools.cached_property
    def ownership(self) -> OwnershipRepository:
        """Whose resources in an account are."""
        return OwnershipRepository(self._connection, now=self.now)

    @functools.cached_property
    def jobs(self) -> JobRepository:
        """Jobs and tasks, as they are written by the API and read by everyone."""
        return JobRepository(self._connection, now=self.now)

    @functools.cached_property
    def courses(self) -> CourseRepository:
        """How jobs begin, are paused, are stopped, and end."""
        return CourseRepository(self._connection, now=self.now)

    @functools.cached_property
    def queue(self) -> QueueRepository:
        """Tasks and runners, as runners use them."""
        return QueueRepository(self._connection, now=self.now)

    @functools.cached_property
    def durations(self) -> DurationRepository:
        """How long tasks take."""
        return DurationRepository(self._connection)

    @functools.cached_property
    def lanes(self) -> LaneRepository:
        """What shares the limits of a runtime."""
        return LaneRepository(self._connection, now=self.now)

    @functools.cached_property
    def chores(self) -> ChoreRepository:
        """What one process of several does now and then."""
        return ChoreRepository(self._connection, now=self.now)

    @functools.cached_property
    def retention(self) -> RetentionRepository:
        """What is old enough to be dropped."""
        return RetentionRepository(self._connection, now=self.now)

    @functools.cached_property
    def agents(self) -> AgentRepository:
        """Frontgates, and the messages to and from them."""
        return AgentRepository(self._connection, now=self.now)

    @functools.cached_property
    def supervision(self) -> SupervisionRepository:
        """How nodes are."""
        return SupervisionRepository(self._connection, now=self.now)

    @functools.cached_property
    def metering(self) -> MeteringRepository:
        """What is used from when until when."""
        return MeteringRepository(self._connection, now=self.now)

    @functools.cached_property
    def usage(self) -> UsageRepository:
        """What was used, added up."""
        return UsageRepository(self._connection, now=self.now)

    @functools.cached_property
    def quotas(self) -> QuotaRepository:
        """How much people may have."""
        return QuotaRepository(self._connection, now=self.now)

    def finish(self) -> None:
        """Write what is written last; the store calls it before it commits."""
        if "events" in vars(self):
            self.events.flush()
        if "audit" in vars(self):
            self.audit.flush()


class Store:
    """Opens transactions on one database; safe to share between threads, not over a fork."""

    def __init__(self, engine: sa.Engine, *, cipher: Cipher, clock: Clock = db_now) -> None:
        """Keep the engine; connect to nothing yet.

        :param clock: tells every transaction's time; the database's by default, so that all
            processes share one.
        """
        self._engine = engine
        self._reading = engine.execution_options(**read_options(engine))
        # SQLite lets one write at a time, and has the others sleep and look again. Threads of one
        # process wait for one another here instead, and go on at once.
        is_sqlite = engine.dialect.name == "sqlite"
        self._turn = threading.RLock() if is_sqlite else contextlib.nullcontext()
        self._cipher = cipher
        self._clock = clock
        self._deed: Deed | None = None
        self._is_told = False

    def on_behalf(self, deed: Deed | None) -> Self:
        """Return the same store for the use of one request: what it changes is in the audit.

        :param deed: what is asked for, and by whom; None for what is to be in no audit.

        The first transaction that changes something tells of it, in the words of the request where
        nothing else was added; so no operation can be forgotten.
        """
        bound = copy.copy(self)
        bound._deed = deed  # noqa: SLF001  # of this very class
        bound._is_told = False  # noqa: SLF001
        return bound

    @property
    def engine(self) -> sa.Engine:
        """The engine, for migrations."""
        return self._engine

    @contextlib.contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction; commits at the end of the block, rolls back on an exception.

        :raises Exception: one of ``DATABASE_TROUBLE``: the database is away or busy, or other
            transactions were in the way; :meth:`carry_out` repeats it in the last case.
        """
        with self._turn, self._engine.begin() as connection:
            tx = Transaction(connection, cipher=self._cipher, clock=self._clock, deed=self._deed)
            yield tx
            if self._deed is not None and not (self._is_told or tx.audit.has_entries):
                tx.audit.add_wanted()
            tx.finish()
        self._is_told = True

    def carry_out(self, act: Callable[[Transaction], T]) -> T:
        """Do something in a transaction, and again if others were in its way.

        :param act: what to do; it may be done several times, of which only the last one counts.
        :raises Exception: what :meth:`begin` raises.
        """
        for pause_s in (_FIRST_PAUSE_S * 2**number for number in range(_REPETITIONS)):
            try:
                with self.begin() as tx:
                    return act(tx)
            except DATABASE_TROUBLE as ex:
                if not is_collision(ex):
                    raise
            time.sleep(random.uniform(0, pause_s))  # noqa: S311  # not a secret
        with self.begin() as tx:
            return act(tx)

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction for reading: all it reads is of one moment; it waits for no writer."""
        with self._reading.begin() as connection:
            yield Transaction(connection, cipher=self._cipher, clock=self._clock)

    def listening(self, wake: Mapping[Topic, Wake]) -> AbstractContextManager[Listener]:
        """Call these functions inside the block whenever there is something of their topics.

        Only a help: see :mod:`pitrix_core.store.wakeups` for what may be missed.
        """
        return Listener(self._engine, wake).running()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
