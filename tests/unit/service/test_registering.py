"""Repos and runtimes are registered by admins, as a whole or not at all, and taken away again."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    PackageInvalidError,
    PluginLoadError,
    PluginNotFoundError,
    RepoNotFoundError,
    UnauthorizedError,
)
from pitrix_core.jobs.effects import end_job
from pitrix_core.model import Cluster, ClusterState, JobState, Runtime
from pitrix_core.package.signing_key import make_key, sign
from pitrix_core.service import (
    agents,
    apps,
    clusters,
    identity,
    plans,
    plugins,
    providers,
    repos,
    runtimes,
    tokens,
)
from pitrix_core.service.apps import AppFilter
from pitrix_core.service.inputs import ApplyInput, PlanInput, RepoInput, RuntimeInput
from pitrix_core.service.services import Services
from pitrix_core.store.agents import Frontgate

ADMIN, USER = core_world.ADMIN, core_world.USER
VENDOR = make_key()
KEY = VENDOR.public.text
Register = Callable[..., Runtime]


def add_repo(services: Services, url: str, name: str = "notes", **given: Any) -> Any:
    """Register a repo."""
    return repos.add(services, ADMIN, RepoInput(name=name, url=url, **given))


# -- repos -----------------------------------------------------------------------------------------


def test_a_repo_is_indexed_when_it_is_registered(services: Services, repo: Any) -> None:
    """It is found by id and name, and its apps too."""
    repo.add(core_world.note())

    made = add_repo(services, repo.url)

    assert repos.get(services, USER, "notes") == repos.get(services, USER, made.id) == made
    [found] = apps.search(services, USER, AppFilter(text="AP"))
    assert found.name == "app"
    assert apps.search(services, USER, AppFilter(text="nothing")) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [(None, RepoNotFoundError), ("[]", PackageInvalidError), ("{", PackageInvalidError)],
    ids=["no-index", "no-entries", "no-yaml"],
)
def test_a_repo_without_an_index_is_not_registered(
    services: Services, repo: Any, text: str | None, kind: type[Exception]
) -> None:
    """Not half either: once the index is repaired, the same name can be used."""
    index = repo.path / "index.yaml"
    index.unlink() if text is None else index.write_text(text)

    with pytest.raises(kind):
        add_repo(services, repo.url)

    assert repos.search(services, ADMIN) == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        pytest.param({"name": ""}, "/name", id="no-name"),
        pytest.param({"name": "a/b"}, "/name", id="a-slash"),
        pytest.param({"name": "repo-abcdefghijklmnop"}, "/name", id="an-id"),
        pytest.param({"selectors": {"a/b": ()}}, "/selectors/a~1b", id="no-values"),
        pytest.param({"url": "http://x/"}, "/url", id="another-kind"),
        pytest.param({"trusted_keys": (KEY, "RWx")}, "/trusted_keys/1", id="no-key"),
    ],
)
def test_a_repo_that_cannot_be_is_refused(
    services: Services, repo: Any, given: Any, pointer: str
) -> None:
    """With the member it is about, and what to do."""
    with pytest.raises(InvalidInputError) as caught:
        add_repo(services, **{"url": repo.url, **given})

    assert caught.value.pointer == pointer
    assert caught.value.next_step is not None
    assert repos.search(services, ADMIN) == []


def test_a_name_is_taken_once(services: Services, repo: Any, register: Register) -> None:
    """Of repos and of runtimes."""
    add_repo(services, repo.url)
    register()

    with pytest.raises(ConflictError):
        add_repo(services, repo.url)
    with pytest.raises(ConflictError):
        register()


def test_versions_are_listed_newest_first(services: Services, repo: Any) -> None:
    """By their order as versions, not as texts; those before a release only if asked for."""
    for version in ("1.9.0", "1.10.0", "2.0.0-rc.1"):
        repo.add(core_world.note("app", version), "app", version)
    add_repo(services, repo.url)

    found = apps.versions(services, USER, "app")
    every = apps.versions(services, USER, "app", pre_release=apps.PreRelease.INCLUDE)
    only = apps.versions(services, USER, "app", pre_release=apps.PreRelease.ONLY)

    assert [one.version for one in found] == ["1.10.0", "1.9.0"]
    assert [one.version for one in every] == ["2.0.0-rc.1", "1.10.0", "1.9.0"]
    assert only == every[:1]
    assert apps.get(services, USER, "app").id == found[0].app_id
    schema = apps.config_schema(services, USER, found[0].id)
    assert set(schema["properties"]) == {"cluster", "password"}


def test_trusted_keys_are_kept_in_one_line_each(services: Services, repo: Any) -> None:
    """However they were written; each once."""
    file = f"untrusted comment: minisign public key\n{KEY}\n"

    made = add_repo(services, repo.url, trusted_keys=(file, f" {KEY} "))

    assert made.trusted_keys == repos.get(services, USER, "notes").trusted_keys == (KEY,)


def test_a_signer_is_shown_with_the_version(services: Services, repo: Any) -> None:
    """Of a repo that trusts keys; elsewhere nobody asked."""
    repo.add(core_world.note())
    text = sign(core_world.note(), VENDOR, trusted_comment="")
    (repo.path / "app-1.0.0.tgz.minisig").write_text(text)
    add_repo(services, repo.url, trusted_keys=(KEY,))

    [version] = apps.versions(services, USER, "app")

    assert apps.version(services, USER, version.id).signed_by == VENDOR.id


# -- who -------------------------------------------------------------------------------------------


def test_what_is_seen_is_not_changed_without_the_right(
    services: Services, repo: Any, register: Register
) -> None:
    """Registering, indexing and taking away."""
    here = register()
    repo_data = RepoInput(name="public", url=repo.url)
    repos.add(services, ADMIN, repo_data)
    runtime_data = RuntimeInput(name="mine", provider="fake")

    for call in (
        lambda: repos.add(services, USER, repo_data),
        lambda: repos.index(services, USER, "public"),
        lambda: runtimes.add(services, USER, runtime_data),
        lambda: runtimes.delete(services, USER, here.id),
    ):
        with pytest.raises(ForbiddenError, match="needs the right"):
            call()


def test_the_first_admin_has_a_token(services: Services, tmp_path: Path) -> None:
    """In a file that only its owner reads, whatever was there before; written once."""
    path = tmp_path / "token"
    path.write_text("an old one, much longer than any token is, to be overwritten as a whole" * 2)
    path.chmod(0o644)

    identity.ensure_admin_token(services.store, path)
    token = path.read_text()
    identity.ensure_admin_token(services.store, path)

    assert path.read_text() == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert identity.actor_of(services, token.strip()).is_admin
    with pytest.raises(UnauthorizedError):
        identity.actor_of(services, "wrong")


def test_an_installation_without_a_token_goes_on(services: Services, tmp_path: Path) -> None:
    """Whoever took the last one back logs in otherwise; nobody gets one by a restart."""
    path = tmp_path / "token"
    identity.ensure_admin_token(services.store, path)
    admin = identity.actor_of(services, path.read_text().strip())
    path.unlink()
    tokens.revoke(services, admin, "current")

    identity.ensure_admin_token(services.store, path)

    assert not path.exists()


# -- runtimes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        pytest.param({"provider": "gone"}, PluginNotFoundError, id="unknown-provider"),
        pytest.param({"provider": "broken"}, PluginLoadError, id="broken-provider"),
        pytest.param({"provider": "host"}, ForbiddenError, id="without-consent"),
        pytest.param({"settings": {"stages": "x"}}, InvalidInputError, id="settings"),
        pytest.param({"credential": {"api_key": 5}}, InvalidInputError, id="credential"),
        pytest.param({"name": " x"}, InvalidInputError, id="name"),
    ],
)
def test_a_runtime_that_cannot_be_is_not_registered(
    services: Services, register: Register, given: Any, kind: type[Exception]
) -> None:
    """Its credential is not kept either."""
    with pytest.raises(kind):
        register(**given)

    assert runtimes.search(services, ADMIN) == []
    with services.store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM secrets").scalar_one() == 0


def test_every_violation_of_a_runtime_is_told(services: Services, register: Register) -> None:
    """Settings and credential at once, the values of the latter left out."""
    with pytest.raises(InvalidInputError) as caught:
        register(settings={"stages": "x"}, credential={"key": "hunter2"})

    pointers = {finding.pointer for finding in caught.value.findings}
    assert pointers == {"/settings/stages", "/credential/key"}
    assert "hunter2" not in str(caught.value.findings)


def test_with_the_operators_consent_programs_run_here(store: Any, tmp_path: Path) -> None:
    """The provider says so of itself."""
    services = core_world.make_services(store, tmp_path, core_world.registry_of(), allow_local=True)

    made = runtimes.add(services, ADMIN, RuntimeInput(name="here", provider="host"))

    assert runtimes.search(services, USER) == [made]
    services.gates.close()


def test_a_runtime_is_checked_with_its_credential(services: Services, register: Register) -> None:
    """Which was kept as a secret."""
    fine, refused = register(), register("bad", credential={"api_key": "refused"})

    assert runtimes.check(services, USER, fine.name) == []
    [finding] = runtimes.check(services, USER, refused.id)
    assert finding.pointer == "/credential/api_key"


def test_an_empty_runtime_is_gone_at_once(services: Services, register: Register) -> None:
    """Its name is free again, and nothing remembers the old one."""
    old = register()
    gate = services.gates.of(old.id)

    begun = runtimes.delete(services, ADMIN, "here")
    new = register()

    assert begun == []
    assert runtimes.search(services, ADMIN) == [new]
    assert runtimes.get(services, ADMIN, "here").id == new.id != old.id
    assert services.gates.of(new.id) is not gate
    for call in (runtimes.get, runtimes.check, runtimes.delete):
        with pytest.raises(NotFoundError):
            call(services, ADMIN, old.id)


def test_a_runtime_deleted_by_another_process_is_forgotten(
    services: Services, register: Register, store: Any, tmp_path: Path
) -> None:
    """As soon as the next one is asked for."""
    old = register()
    services.gates.of(old.id)
    other = core_world.make_services(store, tmp_path, core_world.registry_of())
    runtimes.delete(other, ADMIN, old.id)
    new = register()

    services.gates.of(new.id)

    with pytest.raises(NotFoundError, match="was deleted"):
        services.gates.of(old.id)


def test_providers_are_built_once(services: Services, register: Register) -> None:
    """And closed when they are forgotten, or at the end."""
    here = register()

    assert services.gates.of(here.id) is services.gates.of(here.id)
    services.gates.forget(here.id)
    services.gates.forget(here.id)
    assert services.gates.of(here.id).offers()


def test_a_runtime_whose_provider_is_gone_can_be_taken_away(
    services: Services, register: Register
) -> None:
    """Nothing is on it that would need the provider."""
    here = register()
    services.gates.forget(here.id)
    with services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runtimes SET provider = 'uninstalled'")

    assert runtimes.delete(services, ADMIN, here.id) == []
    assert runtimes.search(services, ADMIN) == []


def test_a_runtime_with_clusters_stays(
    services: Services, register: Register, release: Any
) -> None:
    """They are named, with what to do."""
    register()
    plan = plans.create(services, ADMIN, PlanInput(app_version_id=release()))
    clusters.apply(services, ADMIN, ApplyInput(plan_id=plan.id))

    with pytest.raises(ConflictError, match=plan.cluster_id) as caught:
        runtimes.delete(services, ADMIN, "here")

    assert "cluster delete" in (caught.value.next_step or "")
    assert len(runtimes.search(services, ADMIN)) == 1


@pytest.fixture
def hidden(services: Services, register: Register) -> Callable[..., Runtime]:
    """Return a function that makes a runtime with a Frontgate on it."""

    def make(state: ClusterState = ClusterState.ACTIVE, *, machine: bool = True) -> Runtime:
        here = register()
        with services.store.begin() as tx:
            tx.clusters.add(
                Cluster(
                    id="cl-fg",
                    name="fg-1",
                    owner="system",
                    state=state,
                    runtime_id=here.id,
                    app_version_id="frontgate",
                    config={},
                    revision=1,
                    hidden=True,
                    created_at=tx.now,
                    updated_at=tx.now,
                )
            )
            secret = tx.secrets.add("token", owner="system")
            tx.agents.add_frontgate(
                Frontgate(
                    id="fg-1",
                    owner="system",
                    cluster_id="cl-fg",
                    runtime_id=here.id,
                    network_id="",
                    secret_id=secret.id,
                )
            )
            if machine:
                resource = core_world.machine_of("cl-fg")
                tx.clusters.put_resource(resource, owner="system", runtime_id=here.id)
        return here

    return make


def test_frontgates_go_before_their_runtime(services: Services, hidden: Any) -> None:
    """By jobs; asked again meanwhile, the same jobs are told."""
    here = hidden()

    [job] = runtimes.delete(services, ADMIN, here.id)
    [again] = runtimes.delete(services, ADMIN, here.id)

    assert job.state is JobState.RUNNING
    assert again.id == job.id
    with services.store.begin() as tx:
        [claim] = tx.queue.claim("run-1", limit=10)
        tx.queue.succeed(claim.task, {"id": "i-1"}, None)
        end_job(tx, job.id)
    with pytest.raises(NotFoundError):
        runtimes.get(services, ADMIN, here.id)


def test_a_frontgate_that_is_being_made_is_waited_for(services: Services, hidden: Any) -> None:
    """Its job ends, one way or the other."""
    here = hidden(ClusterState.CREATING)

    with pytest.raises(ConflictError, match="being made") as caught:
        runtimes.delete(services, ADMIN, here.id)

    assert caught.value.next_step is not None


def test_a_frontgate_that_never_had_a_machine_goes_at_once(services: Services, hidden: Any) -> None:
    """Its removal has nothing to do; the runtime is gone with it."""
    here = hidden(ClusterState.FAILED, machine=False)

    [job] = runtimes.delete(services, ADMIN, here.id)

    assert job.state is JobState.SUCCEEDED
    with pytest.raises(NotFoundError):
        runtimes.get(services, ADMIN, here.id)


def test_a_frontgate_that_was_made_just_now_is_noticed(services: Services, hidden: Any) -> None:
    """Between the look at the runtime and its removal; nothing is changed."""

    class Interfering:
        """A store in which something happens before the first transaction that writes."""

        def read(self) -> Any:
            return services.store.read()

        def begin(self) -> Any:
            with services.store.begin() as tx:
                tx.clusters.set_state("cl-fg", ClusterState.ACTIVE)
            return services.store.begin()

    here = hidden(ClusterState.DELETED)
    interfered = attrs.evolve(services, store=Interfering())

    with pytest.raises(ConflictError, match="used just now"):
        runtimes.delete(interfered, ADMIN, here.id)

    assert runtimes.search(services, ADMIN) == [here]


# -- what is installed -----------------------------------------------------------------------------


def test_providers_are_described_by_their_forms(services: Services) -> None:
    """Broken ones are listed, and told when asked for by name."""
    names = [info.name for info in providers.search(services, USER)]

    described = providers.describe(services, USER, "fake")

    assert names == ["broken", "fake", "host"]
    assert "stages" in str(described["settings_schema"])
    assert described["runs_on_this_host"] is False
    with pytest.raises(PluginLoadError, match="no sdk"):
        providers.describe(services, USER, "broken")


def test_a_broken_plugin_takes_nothing_from_the_others(services: Services, repo: Any) -> None:
    """It is reported; the good one's packages are indexed."""
    repo.add(core_world.note())
    add_repo(services, repo.url)

    status = {report.name: report.status for report in plugins.report(services, ADMIN)}

    assert status == {
        "fake": "ok",
        "file": "ok",
        "host": "ok",
        "broken": "broken",
        "notes": "ok",
        "bad": "broken",
    }
    assert len(apps.search(services, USER)) == 1


def test_agents_are_handed_out_by_their_digests(services: Services) -> None:
    """To anybody who knows what to expect."""
    file = services.agent_files.file_of("drone")

    assert agents.agent_file(services, "drone", file.sha256) == b"an agent"
    services.close()
