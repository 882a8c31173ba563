"""An installation of one database and one fake cloud in files, and runners as real processes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pitrix_core.contracts import Context
from pitrix_core.model import (
    Action,
    Cluster,
    ClusterState,
    Job,
    Plan,
    Runtime,
    Task,
    TaskRecord,
    Totals,
)
from pitrix_core.store import Cipher, Store, make_engine, migrations, new_id, tables
from pitrix_core.testing.fake_cloud import FakeCloud, Thing

RUNTIME = Runtime(id="rt-1", name="fake", provider="fake", owner="admin", zone="")
SCRIPT = Path(__file__).parent / "runner_process.py"
INSTALLATION = Context(installation_id="0" * 32, state_dir=Path("/nonexistent")).installation_id


class Installation:
    """What the runners share, and the runners themselves."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.database_url = database_url
        self._folder = str(folder)
        self._cloud_file = str(folder / "cloud.db")
        self.cloud = FakeCloud(self._cloud_file)
        self.store = Store(make_engine(database_url), cipher=Cipher(Fernet.generate_key()))
        migrations.upgrade(self.store.engine)
        with self.store.begin() as tx:
            tx.runtimes.add(RUNTIME, credential_id=None)
        self.processes: list[subprocess.Popen[str]] = []

    def start(
        self, *, request_s: float = 60.0, runner: dict[str, Any] | None = None, **cloud: Any
    ) -> "subprocess.Popen[str]":
        """Start a runner.

        :param runner: its settings.
        :param cloud: settings of the fake provider.
        """
        arguments = {
            "database": self.database_url,
            "folder": self._folder,
            "cloud": {"state_file": self._cloud_file, **cloud},
            "runner": runner or {},
            "request_s": request_s,
        }
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), json.dumps(arguments)], text=True, stdout=subprocess.PIPE
        )
        self.processes.append(process)
        return process

    def submit(self, *tasks: Task) -> Job:
        """Store a job on a cluster of its own."""
        cluster_id = new_id("cl")
        with self.store.begin() as tx:
            tx.clusters.add(
                Cluster(
                    id=cluster_id,
                    name=cluster_id,
                    owner="admin",
                    state=ClusterState.CREATING,
                    runtime_id=RUNTIME.id,
                    app_version_id="ver-1",
                    config={},
                    revision=1,
                    created_at=tx.now,
                    updated_at=tx.now,
                )
            )
            owned = [attrs.evolve(t, input={**t.input, "cluster_id": cluster_id}) for t in tasks]
            plan = Plan(
                id=new_id("pln"),
                action=Action.CREATE,
                owner="admin",
                cluster_id=cluster_id,
                cluster_name=cluster_id,
                revision=0,
                app_version_id="ver-1",
                runtime_id=RUNTIME.id,
                config={},
                tasks=tuple(owned),
                nodes=(),
                endpoints={},
                totals=Totals(),
                price=None,
                findings=(),
                digest="",
                created_at=tx.now,
            )
            return tx.jobs.add(plan)

    def job(self, job: Job) -> Job:
        """Read a job."""
        with self.store.read() as tx:
            return tx.jobs.get(job.id)

    def tasks(self, job: Job) -> list[TaskRecord]:
        """Read a job's tasks."""
        with self.store.read() as tx:
            return tx.jobs.tasks(job.id)

    def recorded(self, jobs: list[Job]) -> list[str]:
        """Return ids of the resources the database knows."""
        with self.store.read() as tx:
            found = [tx.clusters.snapshot(job.cluster_id).resources for job in jobs]
        return sorted(resource.resource_id for resources in found for resource in resources)

    def in_cloud(self) -> list[Thing]:
        """Return what is in the cloud."""
        with self.cloud.rows() as rows:
            return rows.of(INSTALLATION)

    def runners(self) -> int:
        """Return how many runners live, as far as the database knows."""
        with self.store.engine.connect() as connection:
            count = sa.select(sa.func.count()).select_from(tables.runners)
            return connection.execute(count).scalar_one()

    def calls(self, operation: str) -> int:
        """Return how often the cloud was asked for something."""
        with self.cloud.rows() as rows:
            return rows.calls(operation)

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            process.kill()
            process.communicate()
        self.store.close()


def volume(key: str, *after: str) -> Task:
    """A task that makes a volume."""
    return Task(
        key=key,
        kind="volume.create",
        title=f"Make {key}",
        input={"name": key, "size_gib": 1},
        after=after,
    )


def wait_until(condition: Callable[[], object], *, within_s: float, what: str) -> float:
    """Wait for something.

    :returns: seconds waited.
    :raises AssertionError: it did not come about in time.
    """
    began_s = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - began_s
        assert waited_s < within_s, f"{what}: not within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - began_s
