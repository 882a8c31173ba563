"""Plans: what is asked for is checked, a place is found, and nothing is changed yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import core_world
import pytest

from pitrix_core import hookimpl
from pitrix_core.errors import (
    ConfigInvalidError,
    ConflictError,
    InvalidInputError,
    NoRuntimeError,
    NotFoundError,
    PackageError,
    PlanRefusedError,
    RuntimeChoiceError,
    TemplateRenderError,
)
from pitrix_core.findings import Finding, Level
from pitrix_core.model import Action, Runtime
from pitrix_core.planner.build import digest_of_plan
from pitrix_core.service import clusters, plans, runtimes
from pitrix_core.service.inputs import ApplyInput, PlanInput
from pitrix_core.service.services import Services

Release = Callable[..., str]
Register = Callable[..., Runtime]


def create(services: Services, version: str, actor: Any = core_world.ADMIN, **given: Any) -> Any:
    """Plan a new cluster."""
    return plans.create(services, actor, PlanInput(app_version_id=version, **given))


def count(services: Services, table: str) -> int:
    """Return how many rows a table has."""
    with services.store.engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one())  # noqa: S608


def test_a_plan_is_stored_and_changes_nothing(
    services: Services, release: Release, register: Register
) -> None:
    """It can be looked at again; there is no cluster yet."""
    register()

    plan = create(services, release(), config={"cluster": {"count": 2}})

    stored = plans.get(services, core_world.ADMIN, plan.id)
    assert attrs.evolve(stored, created_at=plan.created_at) == plan
    assert plan.digest == digest_of_plan(plan)
    assert plan.totals.machines == 2
    assert plan.config["cluster"] == {"count": 2, "name": "app"}
    assert count(services, "clusters") == 0


@pytest.mark.parametrize(
    ("given", "name"),
    [
        pytest.param({}, "app", id="the-apps"),
        pytest.param({"config": {"cluster": {"name": "mine"}}}, "mine", id="the-configurations"),
        pytest.param({"name": "ours"}, "ours", id="the-requests"),
        pytest.param({"name": "ours", "config": {"cluster": {"name": "mine"}}}, "ours", id="both"),
    ],
)
def test_a_cluster_has_a_name(
    services: Services, release: Release, register: Register, given: Any, name: str
) -> None:
    """It stands where the package expects it, too."""
    register()

    plan = create(services, release(), **given)

    assert plan.cluster_name == name
    assert plan.config["cluster"]["name"] == name


def test_a_package_may_have_no_place_for_a_name(
    services: Services, release: Release, register: Register
) -> None:
    """Then its configuration stays as it is."""
    register()

    plan = create(services, release(schema={"type": "object"}), name="ours")

    assert (plan.cluster_name, plan.config) == ("ours", {})


@pytest.mark.parametrize("name", ["x" * 21, "a/b", " ", "x" * 64, "cl-abcdefghijklmnop", "a\nb"])
def test_a_name_that_cannot_be_is_refused(
    services: Services, release: Release, register: Register, name: str
) -> None:
    """By the package's form or by ours: another's id would be taken for that other."""
    register()

    with pytest.raises(InvalidInputError) as caught:
        create(services, release(), name=name)

    assert caught.value.pointer in ("/name", "/config/cluster/name")
    assert caught.value.next_step is not None


def test_a_configuration_that_violates_its_schema_is_refused_as_a_whole(
    services: Services, release: Release, register: Register
) -> None:
    """Before any runtime is looked at; nothing is stored."""
    register()
    config = {"cluster": {"count": 9, "name": 5}, "colour": "red"}

    with pytest.raises(ConfigInvalidError) as caught:
        create(services, release(), config=config)

    assert {finding.pointer for finding in caught.value.findings} >= {
        "/config/colour",
        "/config/cluster/count",
    }
    assert count(services, "plans") == 0


def test_a_group_that_is_none_is_a_violation(
    services: Services, release: Release, register: Register
) -> None:
    """And not a failure of ours."""
    register()

    with pytest.raises(ConfigInvalidError) as caught:
        create(services, release(), config={"cluster": 5})

    assert caught.value.pointer == "/config/cluster"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        pytest.param({}, "/app_version_id", id="no-version"),
        pytest.param({"app_version_id": "x", "cluster_id": "y"}, "/cluster_id", id="an-id"),
        pytest.param({"action": Action.DELETE}, "/cluster_id", id="no-cluster"),
        pytest.param(
            {"action": Action.DELETE, "cluster_id": "x", "config": {"a": 1}}, "/action", id="more"
        ),
    ],
)
def test_what_is_missing_or_contradicts_the_action_is_refused(
    services: Services, given: Any, pointer: str
) -> None:
    """With the member it is about."""
    with pytest.raises(InvalidInputError) as caught:
        plans.create(services, core_world.ADMIN, PlanInput(**given))

    assert caught.value.pointer == pointer


def test_unknown_things_are_not_found(
    services: Services, release: Release, register: Register
) -> None:
    """Version, runtime, cluster and plan."""
    version = release()

    for call in (
        lambda: create(services, "appv-gone"),
        lambda: create(services, version, runtime_id="rt-gone"),
        lambda: plans.create(
            services, core_world.ADMIN, PlanInput(action=Action.DELETE, cluster_id="cl-gone")
        ),
        lambda: plans.get(services, core_world.ADMIN, "pln-gone"),
    ):
        with pytest.raises(NotFoundError, match="gone"):
            call()


# -- where -----------------------------------------------------------------------------------------


def test_the_one_runtime_that_matches_is_taken(
    services: Services, release: Release, register: Register
) -> None:
    """The others are ruled out by the repo's selectors."""
    register("there", labels={"zone": "b"})
    here = register("here", labels={"zone": "a"})

    assert create(services, release(selectors={"zone": ("a",)})).runtime_id == here.id


def test_several_that_match_have_to_be_chosen_from(
    services: Services, release: Release, register: Register
) -> None:
    """The error carries them; naming one, by id or name, is enough."""
    made = [register(name) for name in ("one", "two")]
    version = release()

    with pytest.raises(RuntimeChoiceError) as caught:
        create(services, version)

    assert list(caught.value.candidates) == [{"id": one.id, "name": one.name} for one in made]
    assert create(services, version, runtime_id="two").runtime_id == made[1].id


def test_none_that_matches_is_told_with_the_rule_against_each(
    services: Services, release: Release, register: Register
) -> None:
    """So that the operator sees what to change."""
    register("label", labels={"zone": "b"})
    register("kinds", labels={"zone": "a"}, settings={"interfaces": ["volume"]})
    register("image", labels={"zone": "a"}, settings={"images": ["other"]})
    version = release(selectors={"zone": ("a",)}, images=["debian"])

    with pytest.raises(NoRuntimeError) as caught:
        create(services, version)

    assert {finding.code for finding in caught.value.findings} == {
        "match.selector",
        "match.offers",
        "match.image",
    }
    assert caught.value.next_step is not None


def test_the_image_of_the_runtimes_cloud_is_planned(
    services: Services, release: Release, register: Register
) -> None:
    """Clouds for which the package names none do not match."""
    register("elsewhere", settings={"images": ["alpine"]})
    here = register("here", settings={"images": ["debian-12"]})
    version = release(images=[{"aws": "ami-1", "fake": "debian-12"}])

    plan = create(services, version)

    images = [task.input["image"] for task in plan.tasks if task.kind == "compute.create"]
    assert plan.runtime_id == here.id
    assert images == [{"image": "debian-12"}]


def test_a_package_without_an_image_for_any_cloud_here_is_told(
    services: Services, release: Release, register: Register
) -> None:
    """With the clouds it has one for."""
    register()

    with pytest.raises(NoRuntimeError) as caught:
        create(services, release(images=[{"aws": "ami-1", "azure": "urn-1"}]))

    [finding] = caught.value.findings
    assert finding.message.endswith("names no image for provider fake; it names: aws, azure.")


def test_the_repos_providers_are_a_rule(
    services: Services, release: Release, register: Register
) -> None:
    """Also for a runtime that was named."""
    here = register()

    with pytest.raises(NoRuntimeError) as caught:
        create(services, release(providers=("aws",)), runtime_id=here.id)

    assert caught.value.findings[0].code == "match.repo_provider"


def test_without_any_runtime_the_error_says_so(services: Services, release: Release) -> None:
    """There is nothing to rule out."""
    with pytest.raises(NoRuntimeError, match="No runtime is registered"):
        create(services, release())


def test_a_runtime_that_is_gone_is_not_planned_on(
    services: Services, release: Release, register: Register
) -> None:
    """Its row is still there, for what refers to it."""
    here = register()
    version = release()
    runtimes.delete(services, core_world.ADMIN, here.id)

    with pytest.raises(ConflictError, match="gone") as caught:
        create(services, version, runtime_id=here.id)

    assert caught.value.pointer == "/runtime_id"


# -- the app type and other plugins ----------------------------------------------------------------


@pytest.mark.parametrize("step", ["config_schema", "requires", "plan"])
def test_an_app_type_that_raises_is_named(
    services: Services, release: Release, register: Register, step: str
) -> None:
    """It is a plugin: whatever it raises is told as its failure, and nothing is stored."""
    register()

    with pytest.raises(PackageError, match=f"App type note failed to .*no {step} today"):
        create(services, release(raises=step))

    assert count(services, "plans") == 0


def test_a_template_that_raises_is_told_without_secrets(
    services: Services, release: Release, register: Register
) -> None:
    """It may quote what it was given: by then, secrets are markers."""
    register()

    with pytest.raises(TemplateRenderError, match="cannot be rendered") as caught:
        create(services, release(raises="template"), config={"password": "hunter2"})

    assert "hunter2" not in str(caught.value)


def test_a_schema_that_is_none_is_the_app_types_failure(
    services: Services, release: Release, register: Register
) -> None:
    """A package may bring a pattern that is none."""
    register()
    schema = {"properties": {"a": {"type": "string", "pattern": "("}}}

    with pytest.raises(PackageError, match="describe the configuration"):
        create(services, release(schema=schema), config={"a": "b"})


class Reviewer:
    """A plugin that has a remark on each plan."""

    def __init__(self, level: Level) -> None:
        self.level = level

    @hookimpl
    def pitrix_review_plan(self, plan: Any) -> Any:
        return [Finding(level=self.level, code="review", message=f"Mind {plan.cluster_name}.")]


def test_a_plugins_remark_goes_with_the_plan(
    store: Any, tmp_path: Path, repo: Any, release: Any, register: Any, services: Services
) -> None:
    """It is part of what the digest is over; an objection stops the plan."""
    register()
    version = release()
    minded = core_world.make_services(
        store, tmp_path, core_world.registry_of(plugins={"r": Reviewer(Level.WARNING)})
    )
    objecting = core_world.make_services(
        store, tmp_path, core_world.registry_of(plugins={"r": Reviewer(Level.ERROR)})
    )

    plan = create(minded, version)

    assert [finding.message for finding in plan.findings] == ["Mind app."]
    assert plan.digest == digest_of_plan(plan)
    with pytest.raises(PlanRefusedError, match="objects"):
        create(objecting, version)


def test_what_cannot_be_done_is_refused(
    services: Services, release: Release, register: Register
) -> None:
    """The app type plans a kind the provider does not offer: it required too little."""
    register(settings={"interfaces": ["volume"]})

    with pytest.raises(PlanRefusedError) as caught:
        create(services, release(requires=[]))

    assert caught.value.findings[0].code == "plan.kind"


# -- changes ---------------------------------------------------------------------------------------


def test_a_removal_is_planned_for_the_clusters_revision(
    services: Services, release: Release, register: Register
) -> None:
    """By id or by name, once nothing is at work on it."""
    register()
    plan = create(services, release(empty=True))
    clusters.apply(services, core_world.ADMIN, ApplyInput(plan_id=plan.id))

    removal = plans.create(
        services, core_world.ADMIN, PlanInput(action=Action.DELETE, cluster_id="app")
    )

    assert (removal.cluster_id, removal.revision) == (plan.cluster_id, 1)
    assert removal.runtime_id == plan.runtime_id


def test_a_cluster_that_is_being_changed_is_not_planned_on(
    services: Services, release: Release, register: Register
) -> None:
    """The error names the job."""
    register()
    plan = create(services, release())
    job = clusters.apply(services, core_world.ADMIN, ApplyInput(plan_id=plan.id))

    with pytest.raises(ConflictError, match=job.id) as caught:
        plans.create(services, core_world.ADMIN, PlanInput(action=Action.DELETE, cluster_id="app"))

    assert job.id in (caught.value.next_step or "")


def test_a_cluster_that_was_deleted_is_not_deleted_again(
    services: Services, release: Release, register: Register
) -> None:
    """Its row is still there."""
    register()
    plan = create(services, release(empty=True))
    clusters.apply(services, core_world.ADMIN, ApplyInput(plan_id=plan.id))
    data = PlanInput(action=Action.DELETE, cluster_id=plan.cluster_id)
    removal = plans.create(services, core_world.ADMIN, data)
    clusters.apply(
        services, core_world.ADMIN, ApplyInput(plan_id=removal.id), cluster_id=plan.cluster_id
    )

    with pytest.raises(ConflictError, match="deleted already"):
        plans.create(services, core_world.ADMIN, data)
