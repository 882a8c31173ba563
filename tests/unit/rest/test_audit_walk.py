"""Every operation of the API that changes something leaves an entry in the audit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import falcon.testing
import pytest
from stored_cluster import cluster_on, plan_on

from pitrix_core import AppType, hookimpl
from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.model import (
    ClusterState,
    PackageSpec,
    PlanDraft,
)
from pitrix_core.package import build_archive, describe
from pitrix_core.plugins.discovery import PLUGINS, PROVIDERS, REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.rest.app import make_app
from pitrix_core.rest.operation import Call, Operation, Shape
from pitrix_core.rest.operations import OPERATIONS
from pitrix_core.service.gates import Gates
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.store.agents import Frontgate
from pitrix_core.testing.entry_points import entry_point
from pitrix_core.testing.fake_provider import FakeProvider

Client = falcon.testing.TestClient

CHANGES: Final = {each.id: each for each in OPERATIONS if each.is_change}
#: They are no ``GET`` for their bodies' sake, and change nothing.
LOOKS: Final = frozenset({"checkRuntime", "validateRepo", "matchAppVersion"})


#: Passwords; planted, to be found nowhere.
GOOD_WORDS: Final = "long enough for anybody"
OTHER_WORDS: Final = "another one that is long"


class BareType(AppType[PackageSpec]):
    """Packages of nothing."""

    name = "bare"

    def claims(self, index: Any) -> bool:
        return bool(index.has("bare.json"))

    def parse(self, reader: Any) -> PackageSpec:
        return PackageSpec(info=describe(reader))

    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> Any:
        return {"type": "object", "properties": {}}

    def requires(self, spec: PackageSpec) -> frozenset[str]:
        return frozenset()

    def plan(self, request: Any) -> PlanDraft:
        return PlanDraft(tasks=())


class Plugin:
    """Adds the app type."""

    @hookimpl
    def pitrix_app_types(self) -> Any:
        return [BareType()]


class World:
    """Makes what operations are about, over the API where that has a way."""

    def __init__(self, services: Services, folder: Path) -> None:
        registry = PluginRegistry(
            entry_points=[
                entry_point(PROVIDERS, "fake", FakeProvider),
                entry_point(PLUGINS, "bare", Plugin()),
                entry_point(REPO_KINDS, "file", FileKind),
            ]
        )
        self.store: Store = services.store
        self.folder = folder
        opener = RepoOpener(self.store, registry)
        services = attrs.evolve(
            services,
            registry=registry,
            gates=Gates(self.store, registry, data_dir=folder, allow_local=False),
            loader=PackageLoader(self.store, registry),
            opener=opener,
            indexer=Indexer(self.store, registry, opener),
        )
        headers = {"Authorization": "Bearer the-admin's-token"}
        self._client = Client(make_app(services), headers=headers)

    def ask(self, method: str, path: str, body: Any = None, *, content: bytes = b"") -> Any:
        """Ask for something, which has to succeed; it is the request ``req-METHOD-PATH``."""
        given: dict[str, Any] = {"json": body} if body is not None else {}
        if content:
            given = {"body": content, "headers": {"Content-Type": "application/octet-stream"}}
        answer = self._client.simulate_request(method, f"/v1/{path}", **given)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json if answer.content else None

    def entries(self, action: str) -> list[Any]:
        """Return the entries of an operation."""
        found: list[Any] = self.ask("GET", f"audit?action={action}")["items"]
        return found

    def repo(self) -> str:
        folder = self.folder / "repo"
        folder.mkdir()
        (folder / "index.yaml").write_text("apiVersion: v1\nentries: {}\n")
        made = self.ask("POST", "repos", {"name": "empty", "url": f"file://{folder}"})
        return str(made["id"])

    def runtime(self) -> str:
        body = {"name": "here", "provider": "fake", "credential": {"api_key": "hunter2"}}
        return str(self.ask("POST", "runtimes", body)["id"])

    def cluster(self) -> str:
        """Make a cluster with a plan to delete it."""
        runtime = self.runtime()
        with self.store.begin() as tx:
            tx.clusters.add(cluster_on(runtime))
            tx.plans.add(plan_on(runtime))
        return "cl-1"

    def job(self) -> str:
        made = self.ask("POST", f"clusters/{self.cluster()}/jobs", {"plan_id": "plan-1"})
        return str(made["id"])

    def frontgate(self) -> str:
        cluster = attrs.evolve(cluster_on(self.runtime()), hidden=True, state=ClusterState.ACTIVE)
        with self.store.begin() as tx:
            tx.clusters.add(cluster)
            secret = tx.secrets.add("token", owner="system")
            made = Frontgate(
                id="fg-1",
                owner="system",
                cluster_id=cluster.id,
                runtime_id=cluster.runtime_id,
                network_id="net-1",
                secret_id=secret.id,
            )
            tx.agents.add_frontgate(made)
        return "fg-1"

    def archive(self, version: str = "0.1.0") -> bytes:
        folder = self.folder / f"package-{version}"
        folder.mkdir()
        info = {"api_version": "v1", "name": "bare", "version": version, "description": "Nothing"}
        (folder / "package.json").write_text(json.dumps(info))
        (folder / "bare.json").write_text("{}")
        return build_archive(folder).content

    def draft(self) -> Any:
        return self.ask("POST", "apps", content=self.archive())

    def moved(self, *moves: str) -> str:
        """Upload a version, and move it through its life."""
        version = str(self.draft()["id"])
        for move in moves:
            self.move(version, move)
        return version

    def move(self, version: str, move: str) -> None:
        self.ask("POST", f"app_versions/{version}/{move}", {"reason": "because"})

    def user(self) -> str:
        return str(self.ask("POST", "users", {"name": "alice", "password": GOOD_WORDS})["id"])

    def group(self) -> str:
        return str(self.ask("POST", "groups", {"name": "acme"})["id"])

    def grant(self) -> str:
        body = {"role": "user", "group": "/"}
        return str(self.ask("POST", f"users/{self.user()}/grants", body)["id"])

    def role(self) -> str:
        body = {"name": "reader", "actions": ["repos.read"]}
        return str(self.ask("POST", "roles", body)["name"])

    def token(self) -> str:
        return str(self.ask("POST", "tokens", {"name": "ci"})["id"])

    def quota(self) -> str:
        return str(self.ask("PUT", "quotas", {"limits": {"clusters": 3}})["id"])

    def category(self) -> str:
        return str(self.ask("POST", "categories", {"name": "databases"})["id"])

    def anchor(self) -> str:
        self.group()
        end = self.ask("GET", "audit/ends")["newest"]
        return f"{end['id']}:{end['hash']}"


def _plan_to_create(world: World) -> Any:
    world.runtime()
    version = world.moved("submit", "release")
    return world.ask("POST", "plans", {"app_version_id": version})


def _log_in(world: World) -> str:
    world.user()
    answer = world.ask("POST", "sessions", {"name": "alice", "password": GOOD_WORDS})
    return str(answer["session"]["id"])


#: Operation → what is done to have it carried out.
WALK: Final[dict[str, Callable[[World], object]]] = {
    "addUser": lambda w: w.user(),
    "changeUser": lambda w: w.ask("PATCH", f"users/{w.user()}", {"email": "a@example.org"}),
    "setPassword": lambda w: w.ask("POST", f"users/{w.user()}/password", {"password": OTHER_WORDS}),
    "deleteUser": lambda w: w.ask("DELETE", f"users/{w.user()}"),
    "grantRole": lambda w: w.grant(),
    "takeGrantBack": lambda w: w.ask("DELETE", f"grants/{w.grant()}"),
    "addRole": lambda w: w.role(),
    "deleteRole": lambda w: w.ask("DELETE", f"roles/{w.role()}"),
    "addGroup": lambda w: w.group(),
    "changeGroup": lambda w: w.ask("PATCH", f"groups/{w.group()}", {"name": "other"}),
    "deleteGroup": lambda w: w.ask("DELETE", f"groups/{w.group()}"),
    "logIn": _log_in,
    "addToken": lambda w: w.token(),
    "revokeToken": lambda w: w.ask("DELETE", f"tokens/{w.token()}"),
    "addRepo": lambda w: w.repo(),
    "changeRepo": lambda w: w.ask("PATCH", f"repos/{w.repo()}", {"labels": {"a": "b"}}),
    "deleteRepo": lambda w: w.ask("DELETE", f"repos/{w.repo()}"),
    "indexRepo": lambda w: w.ask("POST", f"repos/{w.repo()}/index"),
    "uploadApp": lambda w: w.draft(),
    "uploadAppVersion": lambda w: w.ask(
        "POST", f"apps/{w.draft()['app_id']}/versions", content=w.archive("0.2.0")
    ),
    "addRuntime": lambda w: w.runtime(),
    "limitRuntime": lambda w: w.ask("POST", f"runtimes/{w.runtime()}/limit", {"concurrency": 3}),
    "shareRuntime": lambda w: w.ask(
        "POST", f"runtimes/{w.runtime()}/share", {"visibility": "private"}
    ),
    "shareApp": lambda w: w.ask(
        "POST", f"apps/{w.draft()['app_id']}/share", {"visibility": "public"}
    ),
    "deleteRuntime": lambda w: w.ask("DELETE", f"runtimes/{w.runtime()}"),
    "sweepOrphans": lambda w: w.ask("POST", f"runtimes/{w.runtime()}/orphans/sweep", {}),
    "revokeFrontgate": lambda w: w.ask("POST", f"frontgates/{w.frontgate()}/revoke"),
    "createPlan": _plan_to_create,
    "createCluster": lambda w: w.ask("POST", "clusters", {"plan_id": _plan_to_create(w)["id"]}),
    "changeCluster": lambda w: w.job(),
    "pauseJob": lambda w: w.ask("POST", f"jobs/{w.job()}/pause"),
    "cancelJob": lambda w: w.ask("POST", f"jobs/{w.job()}/cancel", {}),
    "setQuota": lambda w: w.quota(),
    "removeQuota": lambda w: w.ask("DELETE", f"quotas/{w.quota()}"),
    "addCategory": lambda w: w.category(),
    "replaceCategory": lambda w: w.ask("PUT", f"categories/{w.category()}", {"name": "stores"}),
    "deleteCategory": lambda w: w.ask("DELETE", f"categories/{w.category()}"),
    "putAppCategories": lambda w: w.ask(
        "PUT", f"apps/{w.draft()['app_id']}/categories", {"categories": [w.category()]}
    ),
    "putRepoCategories": lambda w: w.ask(
        "PUT", f"repos/{w.repo()}/categories", {"categories": [w.category()]}
    ),
    "submitAppVersion": lambda w: w.moved("submit"),
    "withdrawAppVersion": lambda w: w.moved("submit", "withdraw"),
    "deleteAppVersion": lambda w: w.moved("delete"),
    "pruneAudit": lambda w: w.ask("POST", "audit/prune", {"anchor": w.anchor()}),
}
#: They make something, or have something done; of passwords nothing is told.
NEW: Final = frozenset(
    {
        "addUser",
        "setPassword",
        "grantRole",
        "addRole",
        "addGroup",
        "logIn",
        "addToken",
        "addRepo",
        "indexRepo",
        "uploadApp",
        "uploadAppVersion",
        "addRuntime",
        "sweepOrphans",
        "createPlan",
        "createCluster",
        "changeCluster",
        "setQuota",
        "addCategory",
    }
)
#: Carried out elsewhere: by who is logged in, reviewers, nodes, runners and Frontgates; what they
#: leave is seen by the test after the next.
OTHERS: Final = frozenset(
    {
        "endSession",
        "reviseAppVersion",
        "takeAppVersion",
        "passAppVersion",
        "rejectAppVersion",
        "releaseAppVersion",
        "suspendAppVersion",
        "recoverAppVersion",
        "renewFrontgate",
        "askForTab",
        "retryJob",
        "resumeJob",
        "rollBackJob",
    }
)


@pytest.fixture
def world(services: Services, tmp_path: Path) -> World:
    """An installation without anything in it."""
    return World(services, tmp_path)


@pytest.mark.parametrize("operation_id", WALK)
def test_an_operation_leaves_an_entry(world: World, operation_id: str) -> None:
    """Carried out for real: one for each request, of who did it, with none of what was secret."""
    WALK[operation_id](world)

    found = world.entries(operation_id)
    assert found, operation_id
    assert len({entry["request_id"] for entry in found}) == len(found)
    assert all(entry["user"] for entry in found)
    assert not any(text in str(found) for text in ("hunter2", GOOD_WORDS, OTHER_WORDS))


@pytest.mark.parametrize("operation_id", sorted(set(WALK) - NEW))
def test_what_was_there_is_told_of(world: World, operation_id: str) -> None:
    """Of what is changed or taken away, as it was: nobody else knows that afterwards."""
    WALK[operation_id](world)

    assert any(entry["before"] for entry in world.entries(operation_id))


def test_the_walk_goes_to_every_operation() -> None:
    """Whoever adds one says here how it is carried out."""
    assert set(CHANGES) == set(WALK) | LOOKS | OTHERS


@pytest.mark.parametrize("operation_id", sorted(set(CHANGES) - LOOKS))
def test_no_operation_can_be_forgotten(services: Services, operation_id: str) -> None:
    """Whatever a use does to the store, its operation is told of, unless a stranger asks."""
    operation = CHANGES[operation_id]

    def change(call: Call) -> None:
        with call.services.store.begin() as tx:
            tx.chores.take("something", every_s=60.0)

    bare = Operation(
        id=operation.id,
        method=operation.method,
        path=operation.path,
        summary="Change something",
        run=change,
        shape=Shape.RECORD,
        may_be_empty=True,
        is_open=operation.is_open,
    )
    client = Client(
        make_app(services, operations=(bare,)),
        headers={"Authorization": "Bearer the-admin's-token"},
    )
    path = operation.path.replace("{", "").replace("}", "")

    answer = client.simulate_request(operation.method, path)

    with services.store.read() as tx:
        actions = [entry.action for entry in tx.audit.entries()]
    assert answer.status_code == 204, answer.text
    assert actions == ([] if operation.is_open else [operation.id])
