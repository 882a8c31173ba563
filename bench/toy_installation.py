"""An installation for measurements: a database and a fake cloud in one folder, without an API."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.toy_app import MARKER, ToyTypes
from pitrix_core import wiring
from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.config import Config
from pitrix_core.model import Action, Job, Runtime, access
from pitrix_core.package import build_archive, write_index
from pitrix_core.pilot.agent_files import AgentFiles
from pitrix_core.plugins.discovery import PLUGINS, PROVIDERS, REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.service import apps, clusters, plans, repos, runtimes
from pitrix_core.service.gates import Gates
from pitrix_core.service.inputs import ApplyInput, PlanInput, RepoInput, RuntimeInput
from pitrix_core.service.services import Services
from pitrix_core.store import Store
from pitrix_core.testing.entry_points import entry_point
from pitrix_core.testing.fake_cloud import FakeCloud
from pitrix_core.testing.fake_provider import FakeProvider

ADMIN: Final = access.admin("admin")
_APP: Final = "toy"


def config_of(folder: Path, *, database_url: str = "") -> Config:
    """Return the settings of an installation in a folder.

    :param database_url: of its database; SQLite in the folder where it is left out.
    """
    return Config(data_dir=folder, database=database_url, log_level="error")


def open_services(config: Config, *, store: Store | None = None) -> Services:
    """Return what uses work with; for one process, which closes it.

    :param store: instead of one of the config's database.
    """
    registry = PluginRegistry(
        entry_points=[
            entry_point(PROVIDERS, "fake", FakeProvider),
            entry_point(PLUGINS, "toy", ToyTypes()),
            entry_point(REPO_KINDS, "file", FileKind),
        ]
    )
    store = store or wiring.make_store(config)
    opener = RepoOpener(store, registry)
    return Services(
        store=store,
        registry=registry,
        gates=Gates(store, registry, data_dir=config.data_dir, allow_local=False),
        loader=PackageLoader(store, registry),
        opener=opener,
        indexer=Indexer(store, registry, opener),
        agent_files=AgentFiles(config.data_dir, builder=_no_agent, public_url=""),
    )


def _no_agent(name: str) -> Any:
    raise LookupError(name)


class ToyInstallation:
    """One app, one runtime of the fake provider, and clusters; runners are others' business."""

    def __init__(self, folder: Path, *, cloud: Mapping[str, Any], database_url: str = "") -> None:
        """Make it in an empty folder.

        :param cloud: settings of the fake provider.
        """
        self.config = config_of(folder, database_url=database_url)
        wiring.prepare(self.config)
        self.services = open_services(self.config)
        cloud_file = str(folder / "cloud.db")
        self.cloud = FakeCloud(cloud_file)
        settings = {"state_file": cloud_file, **cloud}
        data = RuntimeInput(name="here", provider="fake", settings=settings)
        self.runtime: Runtime = runtimes.add(self.services, ADMIN, data)
        self._version_id = self._release(folder / "repo")

    @property
    def store(self) -> Store:
        """Its database."""
        return self.services.store

    def create(self, *, machines: int = 1, name: str | None = None) -> Job:
        """Begin to make a cluster, as the API would."""
        return self._begin(
            PlanInput(
                app_version_id=self._version_id,
                config={"machines": machines},
                runtime_id=self.runtime.id,
                name=name,
            )
        )

    def delete(self, cluster_id: str, *, force: bool = False) -> Job:
        """Begin to delete a cluster, as the API would."""
        return self._begin(PlanInput(action=Action.DELETE, cluster_id=cluster_id, force=force))

    def close(self) -> None:
        """Let go of the database."""
        self.services.close()

    def _begin(self, data: PlanInput) -> Job:
        plan = plans.create(self.services, ADMIN, data)
        target = data.cluster_id
        return clusters.apply(self.services, ADMIN, ApplyInput(plan_id=plan.id), cluster_id=target)

    def _release(self, folder: Path) -> str:
        source = folder / "source"
        source.mkdir(parents=True)
        (source / MARKER).write_text("{}")
        (source / "package.json").write_text(json.dumps({"name": _APP, "version": "1.0.0"}))
        built = build_archive(source)
        (folder / built.file_name).write_bytes(built.content)
        write_index(folder, now=dt.datetime.now(dt.UTC))
        repos.add(self.services, ADMIN, RepoInput(name="toys", url=folder.as_uri()))
        [version] = apps.versions(self.services, ADMIN, _APP)
        return version.id
