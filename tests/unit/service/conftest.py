"""A process's services over a real store, with packages of the tests' own app type."""

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

import core_world
import people_world

from pitrix_core.model import Runtime
from pitrix_core.model.access import Actor, Visibility
from pitrix_core.service import apps, repos, runtimes
from pitrix_core.service.inputs import RepoInput, RuntimeInput
from pitrix_core.service.services import Services
from pitrix_core.store import Store


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    """A store with this version's tables and nothing in them."""
    store = core_world.open_store(database, tmp_path)
    yield store
    store.close()


@pytest.fixture
def plugins() -> dict[str, object]:
    """More plugins; tests add theirs before they ask for services."""
    return {}


@pytest.fixture
def services(store: Store, tmp_path: Path, plugins: dict[str, object]) -> Iterator[Services]:
    """The parts of one process."""
    registry = core_world.registry_of(plugins=plugins)
    services = core_world.make_services(store, tmp_path, registry)
    yield services
    services.gates.close()


@pytest.fixture
def repo(tmp_path: Path) -> core_world.RepoFolder:
    """A folder with an index of no package."""
    return core_world.RepoFolder(tmp_path / "repo")


@pytest.fixture
def release(services: Services, repo: core_world.RepoFolder) -> Callable[..., str]:
    """Return a function that releases a note and returns its version's id."""

    def make(*, providers: tuple[str, ...] = (), selectors: Any = None, **says: Any) -> str:
        name = says.pop("name", "app")
        version = says.pop("version", "1.0.0")
        repo.add(core_world.note(name, version, **says), name, version)
        if not repos.search(services, core_world.ADMIN):
            data = RepoInput(
                name="notes", url=repo.url, providers=providers, selectors=selectors or {}
            )
            repos.add(services, core_world.ADMIN, data)
        else:
            repos.index(services, core_world.ADMIN, "notes")
        every = apps.PreRelease.INCLUDE
        found = apps.versions(services, core_world.ADMIN, name, pre_release=every)
        return next(one.id for one in found if one.version == version)

    return make


@pytest.fixture
def register(services: Services) -> Callable[..., Runtime]:
    """Return a function that registers a runtime of the fake provider."""

    def make(name: str = "here", **values: Any) -> Runtime:
        data = RuntimeInput(**{"name": name, "provider": "fake", **values})
        return runtimes.add(services, core_world.ADMIN, data)

    return make


@pytest.fixture
def people(services: Services) -> None:
    """A boss of ``/acme``, ada of ``/acme/web``, and eve of ``/other``."""
    people_world.populate(services)


@pytest.fixture
def actor(services: Services, people: None) -> Callable[[str], Actor]:
    """Return a user as somebody who asks."""
    return functools.partial(people_world.actor_of, services)


@pytest.fixture
def adas_runtime(services: Services, people: None) -> Runtime:
    """A private runtime of ada's, with a credential."""
    made = Runtime(
        id="rt-1", name="adas", provider="fake", owner="ada", visibility=Visibility.PRIVATE
    )
    with services.store.begin() as tx:
        credential = tx.secrets.add("hunter2", owner="ada")
        tx.runtimes.add(made, credential_id=credential.id)
    return made
