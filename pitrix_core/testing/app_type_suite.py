"""Conformance suite of application types.

Subclass it in a plugin's tests and override ``app_type`` and ``package``; ``config`` as well, where
the package has parameters without a default.
"""

import json
from typing import Any, Final

import jsonschema
import pytest

from pitrix_core.contracts import (
    AppType,
    ComputeInterface,
    ImageInterface,
    Interface,
    NetworkInterface,
    VolumeInterface,
)
from pitrix_core.contracts.apptype import MetadataRequest
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.convert import canonical, from_json, to_json
from pitrix_core.convert import schema_of as schema_of_class
from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import (
    Action,
    ClusterSnapshot,
    ImageQuery,
    JsonObject,
    PackageIndex,
    PackageSpec,
    PlanDraft,
    Runtime,
)
from pitrix_core.model.json import marker_of, referred_tasks
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.testing import app_type_cases as cases
from pitrix_core.testing.authoring_suite import AuthoringSuite
from pitrix_core.validation import resolve_pointer, violations

_INTERFACES: Final[tuple[type[Interface], ...]] = (
    ComputeInterface,
    VolumeInterface,
    NetworkInterface,
    ImageInterface,
)
_NAME: Final = r"^[a-z][a-z0-9-]{0,62}$"
#: Source: https://semver.org, the pattern's first half.
_VERSION: Final = r"^\d+\.\d+\.\d+"


class AppTypeSuite(AuthoringSuite):
    """One app type, tried with one package."""

    @pytest.fixture
    def app_type(self) -> AppType[Any]:
        """Return the app type under test."""
        raise NotImplementedError("override the fixture `app_type`")

    @pytest.fixture
    def package(self) -> PackageReader:
        """Return a package of its type."""
        raise NotImplementedError("override the fixture `package`")

    @pytest.fixture
    def spec(self, app_type: AppType[Any], package: PackageReader) -> PackageSpec:
        """Return the package as the app type reads it."""
        parsed: PackageSpec = app_type.parse(package)
        return parsed

    @pytest.fixture
    def config(self, app_type: AppType[Any], spec: PackageSpec) -> JsonObject:
        """Return a user's configuration: what the schema has as defaults."""
        return cases.default_config(app_type.config_schema(spec))

    @pytest.fixture
    def runtime(self) -> Runtime:
        """Return a runtime to plan for."""
        return Runtime(id="rt-suite", name="suite", provider="fake", owner="admin", zone="z1")

    @pytest.fixture
    def offers(self) -> frozenset[str]:
        """Return the task kinds that can be planned: all that the core knows."""
        kinds = {f"{i.name}.{verb}" for i in _INTERFACES for verb in i.verbs()}
        return CORE_KINDS | kinds

    @pytest.fixture
    def draft(
        self,
        app_type: AppType[Any],
        spec: PackageSpec,
        config: JsonObject,
        runtime: Runtime,
        offers: frozenset[str],
    ) -> PlanDraft:
        """Return the plan of a new cluster."""
        return app_type.plan(
            cases.plan_request(
                action=Action.CREATE, spec=spec, config=config, runtime=runtime, offers=offers
            )
        )

    @pytest.fixture
    def snapshot(self, draft: PlanDraft, config: JsonObject, runtime: Runtime) -> ClusterSnapshot:
        """Return the cluster once the plan has been carried out."""
        return cases.snapshot_of(draft, config=config, runtime=runtime)

    @pytest.fixture
    def removal(
        self,
        app_type: AppType[Any],
        spec: PackageSpec,
        snapshot: ClusterSnapshot,
        runtime: Runtime,
        offers: frozenset[str],
    ) -> PlanDraft:
        """Return the plan that removes the cluster again."""
        return app_type.plan(
            cases.plan_request(
                action=Action.DELETE,
                spec=spec,
                config=snapshot.cluster.config,
                runtime=runtime,
                offers=offers,
                current=snapshot,
            )
        )

    # -- packages ----------------------------------------------------------------------------------

    def test_it_claims_its_package(self, app_type: AppType[Any], package: PackageReader) -> None:
        """A package of the type is claimed by it."""
        assert app_type.claims(package.index) is True

    def test_it_leaves_other_packages(self, app_type: AppType[Any]) -> None:
        """A package with nothing in it that any type knows is not claimed."""
        index = PackageIndex(files={"README.md": 1, "main.txt": 20})

        assert app_type.claims(index) is False

    def test_names_for_templates_leave_it_itself(
        self, app_type: AppType[Any], package: PackageReader
    ) -> None:
        """Told of plugins' names for templates, it is a type of the same name."""
        named = app_type.with_template_names({"suite_name": 1})

        assert isinstance(named, AppType)
        assert (named.name, named.claims(package.index)) == (app_type.name, True)

    def test_it_names_the_application(self, spec: PackageSpec) -> None:
        """Name and version are what an index can hold."""
        jsonschema.validate(spec.info.name, {"type": "string", "pattern": _NAME})
        jsonschema.validate(spec.info.version, {"type": "string", "pattern": _VERSION})
        assert isinstance(spec, PackageSpec)

    def test_reading_is_repeatable(
        self, app_type: AppType[Any], package: PackageReader, spec: PackageSpec
    ) -> None:
        """The same package gives the same spec."""
        assert app_type.parse(package) == spec

    def test_a_good_package_has_no_errors(self, app_type: AppType[Any], spec: PackageSpec) -> None:
        """What the type remarks on a good package are findings, none of them an error."""
        found = app_type.validate(spec)

        assert all(isinstance(finding, Finding) for finding in found)
        assert errors_in(found) == ()

    # -- configuration -----------------------------------------------------------------------------

    def test_the_schema_is_one(self, app_type: AppType[Any], spec: PackageSpec) -> None:
        """The configuration's schema is JSON Schema 2020-12 of an object, and JSON itself."""
        schema = app_type.config_schema(spec)

        jsonschema.Draft202012Validator.check_schema(schema)
        assert json.loads(json.dumps(to_json(schema)))["type"] == "object"

    def test_every_property_has_a_title(self, app_type: AppType[Any], spec: PackageSpec) -> None:
        """Forms can be drawn: each property says what it is."""
        properties = app_type.config_schema(spec).get("properties", {})

        assert [name for name, part in properties.items() if not part.get("title")] == []

    def test_the_defaults_fit(
        self, app_type: AppType[Any], spec: PackageSpec, config: JsonObject
    ) -> None:
        """The configuration of a user who fills in nothing is valid."""
        found = violations(config, app_type.config_schema(spec))

        assert [finding for finding in found if not _at_marker(config, finding)] == []

    # -- plans -------------------------------------------------------------------------------------

    def test_planning_is_repeatable(
        self,
        app_type: AppType[Any],
        package: PackageReader,
        draft: PlanDraft,
        config: JsonObject,
        runtime: Runtime,
        offers: frozenset[str],
    ) -> None:
        """The same request gives the same plan, also from a package that is read anew."""
        request = cases.plan_request(
            action=Action.CREATE,
            spec=app_type.parse(package),
            config=config,
            runtime=runtime,
            offers=offers,
        )

        again = [canonical(app_type.plan(request)), canonical(app_type.plan(request))]

        assert again == [canonical(draft)] * 2

    def test_a_plan_is_json(self, draft: PlanDraft) -> None:
        """A plan can be stored and digested."""
        text = json.dumps(to_json(draft), allow_nan=False)

        assert json.loads(text)["tasks"]

    @pytest.mark.parametrize("plan", ["draft", "removal"])
    def test_a_plan_is_a_graph(self, request: pytest.FixtureRequest, plan: str) -> None:
        """Keys are unique, what a task comes after is there, and nothing waits for itself."""
        tasks = request.getfixturevalue(plan).tasks

        before = cases.predecessors(tasks)

        assert len(before) == len(tasks) > 0

    @pytest.mark.parametrize("plan", ["draft", "removal"])
    def test_references_lead_back(self, request: pytest.FixtureRequest, plan: str) -> None:
        """A ``$ref`` names a task that is done before."""
        tasks = request.getfixturevalue(plan).tasks
        before = cases.predecessors(tasks)

        dangling = [
            (task.key, name)
            for task in tasks
            for name in referred_tasks(to_json(task.input))
            if name not in before[task.key]
        ]

        assert dangling == []

    @pytest.mark.parametrize("plan", ["draft", "removal"])
    def test_kinds_are_offered(
        self, request: pytest.FixtureRequest, plan: str, offers: frozenset[str]
    ) -> None:
        """A plan holds only task kinds that somebody carries out."""
        kinds = {task.kind for task in request.getfixturevalue(plan).tasks}

        assert kinds <= offers

    def test_what_it_requires_is_known_before(
        self, app_type: AppType[Any], spec: PackageSpec, draft: PlanDraft
    ) -> None:
        """The kinds of a new cluster's plan are among ``requires``, but for the core's own."""
        kinds = {task.kind for task in draft.tasks}

        assert kinds - CORE_KINDS <= app_type.requires(spec)

    @pytest.mark.parametrize("plan", ["draft", "removal"])
    def test_inputs_fit_their_kinds(self, request: pytest.FixtureRequest, plan: str) -> None:
        """The input of a task fits its kind's JSON Schema, but where a marker stands."""
        wrong = []
        for task in request.getfixturevalue(plan).tasks:
            cls = cases.argument_class(task.kind, _INTERFACES)
            value = to_json(task.input)
            found = violations(value, schema_of_class(cls)) if cls else []
            wrong += [(task.key, each) for each in found if not _at_marker(value, each)]

        assert wrong == []

    def test_nodes_have_their_tasks(self, draft: PlanDraft) -> None:
        """A task that is about a node names a planned one, and nodes are told apart."""
        nodes = [node.id for node in draft.nodes]

        assert len(set(nodes)) == len(nodes)
        assert {task.node_id for task in draft.tasks} - {None} <= set(nodes)

    def test_images_are_known_before(
        self,
        app_type: AppType[Any],
        spec: PackageSpec,
        config: JsonObject,
        draft: PlanDraft,
        runtime: Runtime,
    ) -> None:
        """The images of planned machines are those that are looked for when runtimes match: plain
        ones, chosen for the runtime.
        """
        known = {query.at(runtime) for query in app_type.images(spec, config)}
        planned = [
            from_json(to_json(task.input)["image"], ImageQuery)
            for task in draft.tasks
            if task.kind == "compute.create"
        ]

        assert [query for query in planned if query not in known or query.choices] == []

    def test_links_are_where_they_say(
        self, app_type: AppType[Any], spec: PackageSpec, config: JsonObject
    ) -> None:
        """A link that is from a parameter says which, for the core to put an id in its place."""
        links = app_type.links(spec, config)

        wrong = [
            name
            for name, link in links.items()
            if link.pointer and resolve_pointer(config, link.pointer) != link.cluster_id
        ]
        assert wrong == []
        assert links == app_type.links(spec, config)

    def test_what_can_be_looked_at_has_names(
        self, app_type: AppType[Any], spec: PackageSpec, config: JsonObject
    ) -> None:
        """Tabs, and items of a role, are told apart by their names, each time the same."""
        tabs = app_type.display_tabs(spec, config)
        items = app_type.measured_items(spec, config)

        names = [[tab.title for tab in tabs], *([i.name for i in role] for role in items.values())]
        assert [group for group in names if len({*group} - {""}) < len(group)] == []
        assert tabs == app_type.display_tabs(spec, config)
        assert items == app_type.measured_items(spec, config)

    def test_everything_made_is_removed(
        self, snapshot: ClusterSnapshot, removal: PlanDraft
    ) -> None:
        """The plan of a removal names every machine and volume that was made."""
        made = {
            found.resource_id
            for found in snapshot.resources
            if found.kind in ("compute.create", "volume.create")
        }

        removed = {
            to_json(task.input).get("id") for task in removal.tasks if task.kind.endswith(".delete")
        }

        assert made <= removed

    # -- metadata ----------------------------------------------------------------------------------

    def test_metadata_is_texts_at_relative_paths(
        self,
        app_type: AppType[Any],
        spec: PackageSpec,
        snapshot: ClusterSnapshot,
        runtime: Runtime,
    ) -> None:
        """Leaves are strings or ``$secret`` markers, under paths without a leading slash; those of
        linked clusters too.
        """
        links = app_type.links(spec, snapshot.cluster.config)
        request = MetadataRequest(
            snapshot=snapshot,
            runtime=runtime,
            config=cases.linked_config(snapshot.cluster.config, links),
            links=dict.fromkeys(links, cases.linked_to(snapshot)),
        )

        metadata = app_type.metadata(spec, request)

        trees = [metadata.shared, *metadata.roles.values(), *metadata.nodes.values()]
        leaves = [(path, leaf) for tree in trees for path, leaf in tree.items()]
        assert [path for path, _ in leaves if not path or path.startswith("/")] == []
        assert [path for path, leaf in leaves if not _is_leaf(leaf)] == []
        assert metadata.nodes.keys() <= {node.id for node in snapshot.nodes}

    def test_metadata_is_repeatable(
        self,
        app_type: AppType[Any],
        spec: PackageSpec,
        snapshot: ClusterSnapshot,
        runtime: Runtime,
    ) -> None:
        """The same facts give the same metadata."""
        request = MetadataRequest(
            snapshot=snapshot, runtime=runtime, config=snapshot.cluster.config
        )

        first, second = app_type.metadata(spec, request), app_type.metadata(spec, request)

        assert first == second


def _at_marker(value: object, finding: Finding) -> bool:
    return marker_of(resolve_pointer(value, finding.pointer)) is not None


def _is_leaf(value: object) -> bool:
    marker = marker_of(value)
    return isinstance(value, str) or (marker is not None and marker[0] == "$secret")
