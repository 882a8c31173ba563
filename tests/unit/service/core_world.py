"""What tests of the core's middle stand on: an app type of their own, packages of it, a store."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from cryptography.fernet import Fernet

from pitrix_core import AppType, RepoKind, hookimpl
from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.errors import PackageInvalidError, TemplateRenderError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import (
    Action,
    DisplayTab,
    ImageChoice,
    ImageQuery,
    Link,
    MeasuredItem,
    Metadata,
    OwnedResource,
    PackageSpec,
    PlanDraft,
    PlannedNode,
    Task,
    access,
)
from pitrix_core.model.access import BUILT_IN_ROLES, Actor
from pitrix_core.package import describe, digest_of
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.plugins.discovery import PLUGINS, PROVIDERS, REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.service.gates import Gates
from pitrix_core.service.services import Services
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.testing.entry_points import entry_point
from pitrix_core.testing.fake_provider import FakeProvider

ADMIN = access.admin("admin")
USER = Actor(owner="user", actions=BUILT_IN_ROLES["user"])
OTHER = Actor(owner="other", actions=BUILT_IN_ROLES["user"])

#: What a configuration of a note may be, unless the note says something else.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "cluster": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "default": "", "maxLength": 20},
                "count": {"type": "integer", "minimum": 1, "maximum": 5, "default": 1},
            },
        },
        "password": {"type": "string", "writeOnly": True, "default": ""},
    },
}
#: The same, with two links.
LINKED_SCHEMA: dict[str, Any] = {
    **SCHEMA,
    "properties": {
        **SCHEMA["properties"],
        "links": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "db": {"type": "string", "default": ""},
                "zk": {"type": "string", "default": ""},
            },
        },
    },
}


@attrs.frozen(kw_only=True)
class NoteSpec(PackageSpec):
    """A note: what its ``note.json`` says."""

    says: Mapping[str, Any]


class NoteType(AppType[NoteSpec]):
    """An app type whose packages say in one file what it should do with them."""

    def __init__(self, name: str = "note", file: str = "note.json") -> None:
        self.name = name
        self.file = file

    def claims(self, index: Any) -> bool:
        return bool(index.has(self.file))

    def parse(self, reader: Any) -> NoteSpec:
        says = reader.read_json(self.file)
        _fail("parse", says)
        if says.get("invalid"):
            finding = Finding(level=Level.ERROR, code="note", message="bad", file=self.file)
            raise PackageInvalidError("The note is bad.", findings=[finding])
        return NoteSpec(info=describe(reader), says=says) if "nothing" not in says else None

    def validate(self, spec: NoteSpec) -> list[Finding]:
        _fail("validate", spec.says)
        return [
            Finding(level=Level(level), code="note", message=f"a {level}", file=self.file)
            for level in spec.says.get("findings", ())
        ]

    def config_schema(self, spec: NoteSpec, *, language: str = "en") -> Any:
        _fail("config_schema", spec.says)
        return spec.says.get("schema", SCHEMA)

    def requires(self, spec: NoteSpec) -> frozenset[str]:
        _fail("requires", spec.says)
        return frozenset(spec.says.get("requires", ["compute.create"]))

    def images(self, spec: NoteSpec, config: Any) -> frozenset[ImageQuery]:
        if spec.says.get("raises") == "template":
            raise TemplateRenderError(f"cluster.json.tmpl:1: cannot be rendered with {config}")
        return frozenset(map(_query, spec.says.get("images", ())))

    def links(self, spec: NoteSpec, config: Any) -> Mapping[str, Link]:
        _fail("links", spec.says)
        return {
            name: Link(
                cluster_id=config.get("links", {}).get(name, ""),
                pointer=f"/links/{name}",
                limits={app: tuple(versions) for app, versions in limits.items()},
            )
            for name, limits in spec.says.get("links", {}).items()
        }

    def measured_items(self, spec: NoteSpec, config: Any) -> Any:
        _fail("measured_items", spec.says)
        return {"": tuple(MeasuredItem(name=name) for name in spec.says.get("measures", ()))}

    def display_tabs(self, spec: NoteSpec, config: Any) -> tuple[DisplayTab, ...]:
        return tuple(
            DisplayTab(title=title, cmd=f"show {title}", roles=tuple(roles))
            for title, roles in spec.says.get("tabs", {}).items()
        )

    def plan(self, request: Any) -> PlanDraft:
        if request.action is Action.DELETE:
            return PlanDraft(tasks=tuple(_removals(request)))
        spec = request.spec
        _fail("plan", spec.says)
        count = request.config.get("cluster", {}).get("count", 1)
        nodes = tuple(
            PlannedNode(
                id=f"cln-{request.cluster_id}-{sid}",
                role="",
                sid=sid,
                gid=sid,
                planned={"cpu": 1, "memory_mib": 1024},
            )
            for sid in range(1, count + 1)
            if not spec.says.get("empty")
        )
        machines = tuple(_machine(request, node) for node in nodes)
        return PlanDraft(tasks=machines, nodes=nodes, endpoints={"main": {"port": 1}})

    def metadata(self, spec: NoteSpec, request: Any) -> Metadata:
        _fail("metadata", spec.says)
        password = request.config.get("password", "")
        linked = {
            f"links/{name}/{key}": value
            for name, link in request.links.items()
            for key, value in link.metadata.shared.items()
        }
        return Metadata(
            shared={"name": request.snapshot.cluster.name, "password": password, **linked},
            roles={"_": {"env/a": "1"}},
        )


def _fail(step: str, says: Mapping[str, Any]) -> None:
    if says.get("raises") == step:
        raise ValueError(f"no {step} today")


def _query(image: str | Mapping[str, str]) -> ImageQuery:
    """Return how a note names an image: for all clouds, or for each."""
    if isinstance(image, str):
        return ImageQuery(image=image)
    choices = tuple(ImageChoice(provider=cloud, image=name) for cloud, name in image.items())
    return ImageQuery(image="", choices=choices)


def _machine(request: Any, node: PlannedNode) -> Task:
    config = {"cluster_id": request.cluster_id, "node_id": node.id, "role": node.role}
    user_data: Any = {"$agent": {"agent": "drone", "config": config}}
    has_agent = request.spec.says.get("agents")
    image = _query(request.spec.says.get("images", ["debian"])[0]).at(request.runtime)
    return Task(
        key=f"compute.create/{node.sid}",
        kind="compute.create",
        title=f"Create machine {node.sid}",
        node_id=node.id,
        input={
            "name": f"{request.name}-{node.sid}",
            "cluster_id": request.cluster_id,
            "image": {"image": image.image},
            "user_data": user_data if has_agent else "",
        },
    )


def _removals(request: Any) -> list[Task]:
    return [
        Task(
            key=f"compute.delete/{number}",
            kind="compute.delete",
            title="Remove a machine",
            node_id=resource.node_id,
            input={"id": resource.resource_id, "cluster_id": request.cluster_id},
        )
        for number, resource in enumerate(request.current.resources)
    ]


class Types:
    """A plugin that adds app types."""

    def __init__(self, *types: AppType[Any]) -> None:
        self.types = types

    @hookimpl
    def pitrix_app_types(self) -> Any:
        return self.types


class HostProvider(FakeProvider):
    """A fake cloud that claims to run programs on this machine."""

    name = "host"
    runs_on_this_host = True


def registry_of(
    *types: AppType[Any],
    plugins: Mapping[str, object] | None = None,
    kinds: Mapping[str, type[RepoKind]] | None = None,
) -> Any:
    """Return the plugins of a process: two providers, app types, and one that is broken."""
    others = [entry_point(PLUGINS, name, plugin) for name, plugin in (plugins or {}).items()]
    others += [entry_point(REPO_KINDS, scheme, kind) for scheme, kind in (kinds or {}).items()]
    return PluginRegistry(
        entry_points=[
            entry_point(PROVIDERS, "fake", FakeProvider),
            entry_point(PROVIDERS, "host", HostProvider),
            entry_point(PROVIDERS, "broken", ImportError("no sdk")),
            entry_point(PLUGINS, "notes", Types(*(types or (NoteType(),)))),
            entry_point(PLUGINS, "bad", ImportError("no module")),
            entry_point(REPO_KINDS, "file", FileKind),
            *others,
        ]
    )


def indexer_of(store: Store, registry: Any) -> Indexer:
    """Return what indexes repos."""
    return Indexer(store, registry, RepoOpener(store, registry))


def open_store(database_url: str, folder: Path) -> Store:
    """Return a store on a database, with a key in a folder."""
    key = folder / "key"
    if not key.exists():
        key.write_bytes(Fernet.generate_key())
    return Store(make_engine(database_url), cipher=Cipher.from_file(key))


def make_services(store: Store, folder: Path, registry: Any, *, allow_local: bool = False) -> Any:
    """Return the parts of one process."""
    opener = RepoOpener(store, registry)
    return Services(
        store=store,
        registry=registry,
        gates=Gates(store, registry, data_dir=folder, allow_local=allow_local),
        loader=PackageLoader(store, registry),
        opener=opener,
        indexer=Indexer(store, registry, opener),
        agent_files=AgentFiles(
            folder / "agents",
            builder=lambda _name: lambda path: path.write_bytes(b"an agent") and None,
            public_url="http://127.0.0.1:1",
        ),
    )


def note(name: str = "app", version: str = "1.0.0", **says: Any) -> bytes:
    """Return the archive of a note."""
    return archive(
        {
            f"{name}/package.json": json.dumps({"name": name, "version": version}),
            f"{name}/note.json": json.dumps(says),
        }
    )


def archive(files: Mapping[str, str]) -> bytes:
    """Return a gzipped tar of files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:") as made:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            made.addfile(info, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


class RepoFolder:
    """A folder with packages and an index of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, list[dict[str, Any]]] = {}
        path.mkdir()
        self.write()

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def add(self, content: bytes, name: str = "app", version: str = "1.0.0", **entry: Any) -> None:
        """Put an archive into the folder, and list it."""
        file = f"{name}-{version}.tgz"
        (self.path / file).write_bytes(content)
        self.list(name, version, **{"urls": [file], "digest": digest_of(content), **entry})

    def list(self, name: str, version: str, **entry: Any) -> None:
        """List a version, whatever is there."""
        known = self.entries.setdefault(name, [])
        known[:] = [one for one in known if one["version"] != version]
        known.append({"version": version, **entry})
        self.write()

    def write(self) -> None:
        """Write the index; JSON is YAML."""
        text = json.dumps({"apiVersion": "v1", "entries": self.entries})
        (self.path / "index.yaml").write_text(text)


def machine_of(cluster_id: str, *, resource_id: str = "i-1") -> OwnedResource:
    """Return a machine that a cluster owns."""
    return OwnedResource(
        cluster_id=cluster_id,
        kind="compute.create",
        resource_id=resource_id,
        node_id=f"cln-{cluster_id}",
        request_key=f"key-{cluster_id}-{resource_id}",
    )
