"""A real store, and an API of things over it whose use is a list in memory."""

import hashlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import falcon.testing
import pytest
from cryptography.fernet import Fernet

from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.errors import NotFoundError, PitrixError
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.plugins.discovery import PROVIDERS, REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.rest.app import make_app
from pitrix_core.rest.events import Pace, Streams
from pitrix_core.rest.operation import Call, Operation, Parameter, Shape
from pitrix_core.service.gates import Gates
from pitrix_core.service.services import Services
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.store.events import Event
from pitrix_core.store.groups import ROOT_ID
from pitrix_core.store.logins import ApiToken
from pitrix_core.testing.entry_points import entry_point

sys.path.insert(0, str(Path(__file__).parent))

TOKEN = "the-admin's-token"
OWNER = "admin"


@attrs.frozen(kw_only=True)
class ThingInput:
    """A thing to make."""

    name: str
    size: int = 1
    password: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Thing:
    """A thing."""

    id: str
    name: str


class Things:
    """The use behind the API: keeps things, and can be told to fail."""

    def __init__(self) -> None:
        self.made: list[Thing] = []
        self.failure: Exception | None = None
        self.before: Callable[[], object] = lambda: None

    def add(self, call: Call) -> Thing:
        self.before()
        if self.failure is not None:
            raise self.failure
        thing = Thing(id=f"thing-{len(self.made) + 1}", name=call.body.name)
        self.made.append(thing)
        return thing

    def get(self, call: Call) -> Thing:
        for thing in self.made:
            if thing.id == call.path["id"]:
                return thing
        raise NotFoundError("There is no such thing.", next_step="Make one.")

    def search(self, call: Call) -> list[Thing]:
        if self.failure is not None:
            raise self.failure
        return self.made[::2] if call.parameters["odd"] else self.made

    def delete(self, call: Call) -> None:
        self.made = [thing for thing in self.made if thing.id != call.path["id"]]


def _events(call: Call) -> list[Event]:
    subjects = frozenset(call.parameters.get("subject", ()))
    with call.services.store.read() as tx:
        return tx.events.after(
            call.parameters["after"], limit=call.parameters["limit"], subjects=subjects
        )


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store that knows one token, the admin's."""
    store = Store(make_engine(database), cipher=Cipher(Fernet.generate_key()))
    with store.begin() as tx:
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        tx.groups.ensure_root()
        user = tx.users.add(OWNER, group_id=ROOT_ID, role="admin")
        tx.users.grant(user.id, role="admin", group_id=ROOT_ID)
        token = ApiToken(id="tok-1", owner=OWNER, created_at=tx.now)
        tx.logins.add_token(token, digest=digest)
    yield store
    store.close()


@pytest.fixture
def services(store: Store, tmp_path: Path) -> Iterator[Services]:
    """The parts of a process, with the fake provider as the only plugin, and one agent."""
    fake = importlib.metadata.EntryPoint(
        name="fake", value="pitrix_core.testing.fake_provider:FakeProvider", group=PROVIDERS
    )
    files = entry_point(REPO_KINDS, "file", FileKind)
    registry = PluginRegistry(entry_points=[fake, files])
    opener = RepoOpener(store, registry)
    services = Services(
        store=store,
        registry=registry,
        gates=Gates(store, registry, data_dir=tmp_path, allow_local=False),
        loader=PackageLoader(store, registry),
        opener=opener,
        indexer=Indexer(store, registry, opener),
        agent_files=AgentFiles(
            tmp_path / "agents", builder=lambda _: _write_agent, public_url="http://127.0.0.1:1"
        ),
    )
    yield services
    services.close()


def _write_agent(path: Path) -> None:
    path.write_bytes(b"an agent")


@pytest.fixture
def things() -> Things:
    """The use behind the API."""
    return Things()


@pytest.fixture
def operations(things: Things) -> tuple[Operation, ...]:
    """One operation of every shape."""
    subject = Parameter(
        name="subject",
        description="About which.",
        schema={"type": "array", "items": {"type": "string"}},
    )
    after = Parameter(
        name="after",
        description="After which.",
        schema={"type": "integer", "minimum": 0, "default": 0},
    )
    odd = Parameter(
        name="odd", description="Every other one.", schema={"type": "boolean", "default": False}
    )
    return (
        Operation(
            id="addThing",
            method="POST",
            path="/v1/things",
            summary="Make a thing",
            run=things.add,
            input=ThingInput,
            answer=Thing,
            status=201,
            location="/v1/things/{id}",
        ),
        Operation(
            id="listThings",
            method="GET",
            path="/v1/things",
            summary="List the things",
            run=things.search,
            shape=Shape.PAGE,
            answer=Thing,
            parameters=(odd,),
        ),
        Operation(
            id="getThing",
            method="GET",
            path="/v1/things/{id}",
            summary="Show a thing",
            run=things.get,
            answer=Thing,
        ),
        Operation(
            id="deleteThing",
            method="DELETE",
            path="/v1/things/{id}",
            summary="Delete a thing",
            run=things.delete,
            status=202,
            may_be_empty=True,
        ),
        Operation(
            id="getFile",
            method="GET",
            path="/v1/files/{name}",
            summary="Download a file",
            run=lambda call: call.path["name"].encode(),
            shape=Shape.OCTETS,
            media_type="application/octet-stream",
            is_open=True,
        ),
        Operation(
            id="listEvents",
            method="GET",
            path="/v1/events",
            summary="List the events",
            run=_events,
            shape=Shape.EVENTS,
            answer=Event,
            parameters=(subject, after),
        ),
    )


@pytest.fixture
def streams() -> Streams:
    """Two streams at the most, which end after an instant."""
    return Streams(limit=2, pace=Pace(close_after_s=0.02, look_every_s=0.005))


@pytest.fixture
def anonymous(
    services: Services, operations: tuple[Operation, ...], streams: Streams
) -> falcon.testing.TestClient:
    """A client without a token."""
    app = make_app(services, operations=operations, streams=streams)
    return falcon.testing.TestClient(app)


@pytest.fixture
def client(anonymous: falcon.testing.TestClient) -> falcon.testing.TestClient:
    """A client with the admin's token."""
    return falcon.testing.TestClient(anonymous.app, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
def failing(things: Things) -> Callable[[PitrixError | Exception], None]:
    """Let the use fail from now on."""

    def fail(error: Exception) -> None:
        things.failure = error

    return fail
