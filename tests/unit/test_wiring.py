"""The parts of each process are put together so that they work."""

import logging
import os
import signal
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pitrix_core import wiring
from pitrix_core.config import Config
from pitrix_core.errors import NotFoundError, PitrixError, UnsupportedOperationError
from pitrix_core.model import Action, Plan, Runtime, Totals
from pitrix_core.model.quota import Limits, Quota, Scope
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.service.services import Services
from pitrix_core.store.repos import Repo


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The settings of an installation that is not there yet."""
    return Config(data_dir=tmp_path / "data", index_interval_s=0.01, pilot_port=0)


@pytest.fixture
def services(config: Config) -> Iterator[Services]:
    """The parts of a process of a prepared installation."""
    wiring.prepare(config)
    services = wiring.make_services(config)
    yield services
    services.close()


def test_an_installation_is_made_once(config: Config) -> None:
    """Key and token are its owner's only, and stay what they are."""
    wiring.prepare(config)
    before = [path.read_text() for path in (config.token_file, config.key_file)]

    wiring.prepare(config)

    assert [path.read_text() for path in (config.token_file, config.key_file)] == before
    modes = [config.data_dir.stat(), config.token_file.stat(), config.key_file.stat()]
    assert [stat.S_IMODE(found.st_mode) for found in modes] == [0o700, 0o600, 0o600]


RUNS = [wiring.run_api, wiring.run_runner, wiring.run_pilot, wiring.run_indexer]


@pytest.mark.parametrize("run", RUNS)
def test_a_process_alone_needs_an_installation(config: Config, run: Callable[..., None]) -> None:
    """It says how to make one, and makes no half of one."""
    with pytest.raises(NotFoundError, match="no installation") as caught:
        run(config)

    assert "pitrix serve" in (caught.value.next_step or "")
    assert not config.data_dir.exists()


@pytest.fixture
def told_to_end() -> Iterator[None]:
    """SIGTERM comes again and again; without a handler of the tested code it does nothing."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    is_over = threading.Event()

    def tell() -> None:
        while not is_over.wait(0.1):
            os.kill(os.getpid(), signal.SIGTERM)

    teller = threading.Thread(target=tell)
    teller.start()
    yield
    is_over.set()
    teller.join()
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("told_to_end")
@pytest.mark.parametrize("run", [wiring.run_runner, wiring.run_pilot, wiring.run_indexer])
def test_a_process_ends_when_it_is_told(config: Config, run: Callable[..., None]) -> None:
    """By the signal a supervisor sends; handlers are put back as they were."""
    wiring.prepare(config)
    before = signal.getsignal(signal.SIGTERM)

    run(config)

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_pilots_port_that_is_taken_is_a_clear_error(config: Config, tmp_path: Path) -> None:
    """As it is with the supervisor."""
    wiring.prepare(config)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = Config(data_dir=config.data_dir, pilot_port=taken.getsockname()[1])

        with pytest.raises(PitrixError, match="Cannot listen"):
            wiring.run_pilot(other)


def test_every_kind_of_the_core_has_its_handler(services: Services, config: Config) -> None:
    """All other kinds are the provider's; what looks like the core's and is not is refused."""
    table = wiring.make_task_kinds(services, config)

    assert {kind for kind in CORE_KINDS if table.handler_of(kind) is table.core[kind]} == CORE_KINDS
    assert table.handler_of("compute.create") is table.provider
    with pytest.raises(UnsupportedOperationError, match=r"metadata\.dance"):
        table.handler_of("metadata.dance")


def test_drivers_are_told_a_tasks_own_secrets(services: Services, config: Config) -> None:
    """Those of the task's owner, whatever a package names."""
    with services.store.begin() as tx:
        secret_id = tx.secrets.add("hunter2", owner="alice").id
    provider = wiring.make_task_kinds(services, config).provider

    assert provider.secret(secret_id, "alice") == "hunter2"  # type: ignore[attr-defined]
    with pytest.raises(NotFoundError, match="not one of mallory's"):
        provider.secret(secret_id, "mallory")  # type: ignore[attr-defined]


def add_repos(services: Services, tmp_path: Path) -> None:
    """Register a repo whose folder is gone, and one with an index."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "index.yaml").write_text("entries: {}")
    with services.store.begin() as tx:
        for name, url in (("a-gone", "file:///gone"), ("b-there", folder.as_uri())):
            tx.repos.add(
                Repo(id=f"repo-{name}", owner="admin", name=name, url=url, created_at=tx.now)
            )


def indexed(services: Services) -> list[str]:
    """Return the names of repos that were indexed."""
    with services.store.read() as tx:
        return [repo.name for repo in tx.repos.all() if repo.indexed_at]


def test_a_repo_that_fails_does_not_stop_the_others(
    services: Services, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged."""
    add_repos(services, tmp_path)

    wiring.index_due(services)

    assert indexed(services) == ["b-there"]
    assert "a-gone" in caplog.text


def test_indexing_goes_on_after_a_failure(
    services: Services,
    config: Config,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The database may be away for a while."""
    add_repos(services, tmp_path)
    real, calls = wiring.index_due, []

    def failing_once(services: Any, is_stopped: Any) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("away")
        found = real(services, is_stopped)
        os.kill(os.getpid(), signal.SIGTERM)
        return found

    monkeypatch.setattr(wiring, "index_due", failing_once)
    with caplog.at_level(logging.ERROR):
        wiring.run_indexer(config)

    assert indexed(services) == ["b-there"]
    assert "could not be indexed" in caplog.text


def test_a_runner_keeps_house(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on after a failure, with the times that are set."""
    wiring.prepare(config)
    calls: list[Any] = []

    def failing_once(_services: Any, keeping: Any, _stop: Any) -> None:
        calls.append(keeping)
        if len(calls) == 1:
            raise OSError("away")
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(wiring, "do_chores", failing_once)
    monkeypatch.setattr(wiring, "_CHORES_EVERY_S", 0.01)
    with caplog.at_level(logging.ERROR):
        wiring.run_runner(config)

    assert "A chore was not done" in caplog.text
    assert calls[-1].events_s == config.keep_events_s


def test_every_process_holds_plans_against_quotas(services: Services) -> None:
    """The core's own review is among the hooks, whichever plugins are enabled."""
    with services.store.begin() as tx:
        nothing = Quota(id="", scope=Scope.EVERY_USER, limits=Limits(clusters=0), updated_at=tx.now)
        tx.quotas.put(nothing, group_id=None)
        plan = Plan(
            id="pln-1",
            action=Action.CREATE,
            owner="alice",
            cluster_id="cl-1",
            cluster_name="demo",
            revision=0,
            app_version_id="appv-1",
            runtime_id="rt-1",
            config={},
            tasks=(),
            nodes=(),
            endpoints={},
            totals=Totals(),
            price=None,
            findings=(),
            digest="",
            created_at=tx.now,
        )
    runtime = Runtime(id="rt-1", name="here", provider="fake", owner="alice", zone="")

    [finding] = services.registry.hooks().review_plan(plan, runtime)

    assert finding.code == "quota.exceeded"
