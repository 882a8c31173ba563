"""A small application type: one machine with a volume; and ones that are broken in one way each."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import attrs

from pitrix_core import AppType
from pitrix_core.contracts.apptype import MetadataRequest
from pitrix_core.contracts.authoring import Documents
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.errors import InvalidInputError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import (
    Action,
    AppInfo,
    DisplayTab,
    ImageQuery,
    JsonObject,
    Link,
    Metadata,
    PackageIndex,
    PackageSpec,
    PlanDraft,
    PlannedNode,
    PlanRequest,
    Task,
)

IMAGE = ImageQuery(image="debian-12")


class Sample(AppType[PackageSpec]):
    """Reads ``sample.json``: a name and a version."""

    name = "sample"
    dialects = ("json",)

    def claims(self, index: PackageIndex) -> bool:
        return index.has("sample.json")

    def parse(self, reader: Any) -> PackageSpec:
        return PackageSpec(info=AppInfo(**reader.read_json("sample.json")))

    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> JsonObject:
        return {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "minimum": 1, "default": 1, "title": "Size"},
                "password": {"type": "string", "writeOnly": True, "title": "Password"},
            },
        }

    def requires(self, spec: PackageSpec) -> frozenset[str]:
        return frozenset({"volume.create", "compute.create"})

    def images(self, spec: PackageSpec, config: JsonObject) -> frozenset[ImageQuery]:
        return frozenset({IMAGE})

    def plan(self, request: PlanRequest) -> PlanDraft:
        return self.removal(request) if request.action is Action.DELETE else self.creation(request)

    def creation(self, request: PlanRequest) -> PlanDraft:
        cluster_id = request.cluster_id
        volume = Task(
            key="volume.create/1",
            kind="volume.create",
            title="Create volume",
            input={"name": "data", "cluster_id": cluster_id, "size_gib": request.config["size"]},
            node_id="cln-1",
        )
        machine = Task(
            key="compute.create/1",
            kind="compute.create",
            title="Create machine",
            input={
                "name": "sample-1",
                "cluster_id": cluster_id,
                "image": {"image": IMAGE.image},
                "volumes": [{"volume_id": {"$ref": "volume.create/1#/id"}}],
            },
            after=("volume.create/1",),
            node_id="cln-1",
        )
        node = PlannedNode(id="cln-1", role="", sid=1, gid=1)
        return PlanDraft(tasks=(volume, machine), nodes=(node,))

    def removal(self, request: PlanRequest) -> PlanDraft:
        made = request.current.resources if request.current else ()
        tasks = [
            Task(
                key=f"{found.kind.partition('.')[0]}.delete/1",
                kind=f"{found.kind.partition('.')[0]}.delete",
                title="Remove",
                input={"id": found.resource_id},
                after=("compute.delete/1",) if found.kind == "volume.create" else (),
            )
            for found in made
        ]
        return PlanDraft(tasks=tuple(tasks))

    def metadata(self, spec: PackageSpec, request: MetadataRequest) -> Metadata:
        password = request.config["password"]
        return Metadata(shared={"name": spec.info.name, "password": password})

    def documents(self, spec: PackageSpec, config: JsonObject) -> Documents:
        return Documents(files={"sample": {"size": config["size"]}})

    def outline(self, spec: PackageSpec) -> JsonObject:
        return {"machines": 1}

    def skeleton(self, name: str, *, dialect: str = "") -> dict[str, bytes]:
        if dialect not in ("", *self.dialects):
            raise InvalidInputError(f"there is no dialect {dialect!r}")
        return {"sample.json": json.dumps({"name": name, "version": "0.1.0"}).encode()}


def with_input(draft: PlanDraft, **members: Any) -> PlanDraft:
    """Return a plan with more in its machine's input."""
    volume, machine = draft.tasks
    changed = attrs.evolve(machine, input={**machine.input, **members})
    return attrs.evolve(draft, tasks=(volume, changed))


class ClaimsEverything(Sample):
    def claims(self, index: PackageIndex) -> bool:
        return True


class TakesAnotherName(Sample):
    def with_template_names(self, names: dict[str, Any]) -> "AppType[PackageSpec]":
        other = type(self)()
        other.name = "named"
        return other


class IsNoSchema(Sample):
    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> JsonObject:
        schema = super().config_schema(spec)
        size = {**schema["properties"]["size"], "exclusiveMaximum": True}
        return {"type": "object", "properties": {**schema["properties"], "size": size}}


class HasBadDefaults(Sample):
    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> JsonObject:
        schema = super().config_schema(spec)
        size = {"type": "integer", "minimum": 1, "default": 0, "title": "Size"}
        return {"type": "object", "properties": {**schema["properties"], "size": size}}

    def creation(self, request: PlanRequest) -> PlanDraft:
        return super().creation(attrs.evolve(request, config={"size": 1}))


class HasNoTitles(Sample):
    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> JsonObject:
        schema = super().config_schema(spec)
        return {**schema, "properties": {**schema["properties"], "odd": {"type": "string"}}}


class CountsItsPlans(Sample):
    numbers = itertools.count()

    def creation(self, request: PlanRequest) -> PlanDraft:
        return with_input(super().creation(request), name=f"sample-{next(self.numbers)}")


class RefersForward(Sample):
    def creation(self, request: PlanRequest) -> PlanDraft:
        volume, machine = super().creation(request).tasks
        late = attrs.evolve(
            volume, input={**volume.input, "name": {"$ref": "compute.create/1#/id"}}
        )
        return attrs.evolve(super().creation(request), tasks=(late, machine))


class PlansTheImpossible(Sample):
    def requires(self, spec: PackageSpec) -> frozenset[str]:
        return super().requires(spec) | {"wishes.grant"}

    def creation(self, request: PlanRequest) -> PlanDraft:
        draft = super().creation(request)
        wish = Task(key="wish", kind="wishes.grant", title="Grant a wish")
        return attrs.evolve(draft, tasks=(*draft.tasks, wish))


class RequiresTooLittle(Sample):
    def requires(self, spec: PackageSpec) -> frozenset[str]:
        return frozenset({"compute.create"})


class AsksForWords(Sample):
    def creation(self, request: PlanRequest) -> PlanDraft:
        return with_input(super().creation(request), cpu="two")


class ForgetsItsNode(Sample):
    def creation(self, request: PlanRequest) -> PlanDraft:
        return attrs.evolve(super().creation(request), nodes=())


class HidesItsImage(Sample):
    def images(self, spec: PackageSpec, config: JsonObject) -> frozenset[ImageQuery]:
        return frozenset()


class ShowsTwins(Sample):
    def display_tabs(self, spec: PackageSpec, config: JsonObject) -> tuple[DisplayTab, ...]:
        return (DisplayTab(title="Users", cmd="a"), DisplayTab(title="Users", cmd="b"))


class LinksNowhere(Sample):
    def links(self, spec: PackageSpec, config: JsonObject) -> dict[str, Link]:
        return {"db": Link(cluster_id="cl-1", pointer="/size")}


class ShowsSnapshots(Sample):
    def links(self, spec: PackageSpec, config: JsonObject) -> dict[str, Link]:
        return {"db": Link(cluster_id="cl-of-the-package")}

    def metadata(self, spec: PackageSpec, request: MetadataRequest) -> Metadata:
        shared = super().metadata(spec, request).shared
        return Metadata(shared={**shared, **{k: v.snapshot for k, v in request.links.items()}})


class LeavesVolumes(Sample):
    def removal(self, request: PlanRequest) -> PlanDraft:
        tasks = super().removal(request).tasks
        return PlanDraft(tasks=tuple(t for t in tasks if t.kind != "volume.delete"))


class RendersNumbers(Sample):
    def metadata(self, spec: PackageSpec, request: MetadataRequest) -> Metadata:
        return Metadata(shared={"size": request.config["size"]})


class MakesMetadataAnew(Sample):
    numbers = itertools.count()

    def metadata(self, spec: PackageSpec, request: MetadataRequest) -> Metadata:
        return Metadata(shared={"number": str(next(self.numbers))})


class ShowsNoJson(Sample):
    def documents(self, spec: PackageSpec, config: JsonObject) -> Documents:
        return Documents(files={"sample": {"sizes": {1, 2}}})


class ShowsErrors(Sample):
    def documents(self, spec: PackageSpec, config: JsonObject) -> Documents:
        finding = Finding(level=Level.ERROR, code="sample.size", message="too small")
        return Documents(findings=(finding,))


class ShowsAnew(Sample):
    numbers = itertools.count()

    def documents(self, spec: PackageSpec, config: JsonObject) -> Documents:
        return Documents(files={"sample": next(self.numbers)})


class OutlinesAnew(Sample):
    numbers = itertools.count()

    def outline(self, spec: PackageSpec) -> JsonObject:
        return {"machines": next(self.numbers)}


class LosesItself(Sample):
    def upgrade_findings(self, before: PackageSpec, after: PackageSpec) -> list[Finding]:
        return [Finding(level=Level.WARNING, code="sample.lost", message="all is lost")]


class BeginsBadly(Sample):
    def skeleton(self, name: str, *, dialect: str = "") -> dict[str, bytes]:
        return {**super().skeleton("sample", dialect=dialect), "README.md": name.encode()}


class KnowsEveryDialect(Sample):
    def skeleton(self, name: str, *, dialect: str = "") -> dict[str, bytes]:
        return super().skeleton(name)


class AdvisesErrors(Sample):
    def advice(self, reader: PackageReader, spec: PackageSpec) -> list[Finding]:
        return [Finding(level=Level.ERROR, code="package.icon", message="no icon")]


class ExplainsNothing(Sample):
    def advice(self, reader: PackageReader, spec: PackageSpec) -> list[Finding]:
        return [Finding(level=Level.INFO, code="sample.ugly", message="not nice")]


class LosesFindings(Sample):
    def located(self, reader: PackageReader, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return tuple(findings)[1:]
