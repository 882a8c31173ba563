"""A deployment as it is wished for, wherever it will be: what plans and comparisons begin with."""

from collections.abc import Callable, Mapping

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.model import Action, JsonObject, PlanDraft, PlanRequest, Runtime, SecretRef
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.service.configs import completed_config, without_secrets
from pitrix_core.service.defaults import with_defaults
from pitrix_core.service.languages import DEFAULT_LANGUAGE
from pitrix_core.service.links import Linked, resolve_links
from pitrix_core.service.names import require_name
from pitrix_core.service.services import Services
from pitrix_core.store import new_id
from pitrix_core.store.catalog import AppVersion


@attrs.frozen(kw_only=True)
class Deployment:
    """An app version and its configuration: checked, completed, and rid of its secrets."""

    version: AppVersion
    package: ReadPackage
    #: Of the cluster.
    name: str
    #: The clusters it is linked to; with its configuration.
    linked: Linked
    #: Id → text of each secret that the configuration refers to.
    kept: Mapping[str, str] = attrs.field(repr=False)


def prepare(
    services: Services,
    version: AppVersion,
    config: JsonObject,
    *,
    owner: str,
    name: str | None = None,
    language: str = DEFAULT_LANGUAGE,
) -> Deployment:
    """Check a configuration, and complete it; nothing is stored.

    :param owner: among whose clusters links are looked for.
    :param name: of the cluster; None for the one in the configuration, or the app's.
    :param language: of labels in findings about the configuration.
    :raises ConfigInvalidError: the configuration violates its schema; with every finding.
    :raises InvalidInputError: the name cannot be one.
    :raises PackageError: the package cannot be read, or its template not be rendered.
    """
    package = services.loader.load(version)
    with asking(package.app_type, to="describe the configuration"):
        schema = package.app_type.config_schema(package.spec, language=language)
        filled = with_defaults(config, schema)
        called = name or _name_in(filled) or package.spec.info.name
        require_name(called)
        plain = completed_config(_named(filled, schema, called), schema)
    kept: dict[str, str] = {}
    linked = resolve_links(
        services, package, without_secrets(plain, schema, keep=_keeper(kept)), owner=owner
    )
    return Deployment(version=version, package=package, name=called, linked=linked, kept=kept)


def request_of(services: Services, deployment: Deployment, runtime: Runtime) -> PlanRequest:
    """Return what the app type is asked to plan, for one runtime.

    :raises PitrixError: the runtime's provider cannot be used.
    """
    return PlanRequest(
        action=Action.CREATE,
        cluster_id=new_id("cl"),
        name=deployment.name,
        spec=deployment.package.spec,
        config=deployment.linked.config,
        runtime=runtime,
        current=None,
        offers=services.gates.of(runtime.id).offers() | CORE_KINDS,
    )


def drafted(package: ReadPackage, request: PlanRequest) -> PlanDraft:
    """Have the app type draft a plan.

    :raises PackageError: it fails to.
    """
    with asking(package.app_type, to="plan"):
        return package.app_type.plan(request)


def _keeper(kept: dict[str, str]) -> Callable[[str], SecretRef]:
    def keep(text: str) -> SecretRef:
        ref = SecretRef(new_id("sec"))
        kept[ref.id] = text
        return ref

    return keep


def _name_in(config: JsonObject) -> str:
    cluster = config.get("cluster")
    found = cluster.get("name") if isinstance(cluster, Mapping) else None
    return found if isinstance(found, str) else ""


def _named(config: JsonObject, schema: JsonObject, name: str) -> JsonObject:
    """Put the cluster's name where packages expect it, if the package has such a field."""
    members = schema.get("properties", {}).get("cluster", {}).get("properties", {})
    cluster = config.get("cluster", {})
    if "name" not in members or not isinstance(cluster, Mapping):
        return config
    return {**config, "cluster": {**cluster, "name": name}}
