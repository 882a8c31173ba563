"""Helm itself reads the repos that are made here, and what Helm makes is read here.

Helm is its own library, as PyPI's ``helm-python-sdk`` has it; the registry is Debian's.
"""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lab_needs
import pytest
from lab_etcd import eventually, free_port

from pitrix_core.catalog.opening import PlaceOpener
from pitrix_core.catalog.reach import Reach
from pitrix_core.catalog.serving import RepoServer
from pitrix_core.contracts.repo import Release
from pitrix_core.package.index import IndexReader
from pitrix_core.plugins.registry import PluginRegistry

_WORKER = Path(__file__).with_name("helm_worker.py")
_LIMIT_S = 120.0
#: A version with what tags of registries cannot hold.
_VERSION = "1.2.3+b.1"

Helm = Callable[..., Any]


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Ask Helm; what it keeps is kept in the test's folder."""
    lab_needs.library("helm_python", package="helm-python-sdk")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def run(verb: str, *words: str) -> Any:
        done = subprocess.run(
            [sys.executable, str(_WORKER), verb, *words],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def chart(helm: Helm, tmp_path: Path) -> Path:
    """A chart of Helm's, packed."""
    folder = tmp_path / "chart"
    folder.mkdir()
    return Path(helm("chart", str(folder), "demo", _VERSION))


@pytest.fixture
def opener() -> PlaceOpener:
    """Opens repos of this machine."""
    return PlaceOpener(PluginRegistry(), Reach.parse("127.0.0.0/8"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry: its host and port."""
    program = lab_needs.program("docker-registry", package="docker-registry")
    port = free_port("127.0.0.1")
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (tmp_path / "registry.yml").write_text(json.dumps(settings))
    process = subprocess.Popen([program, "serve", str(tmp_path / "registry.yml")])
    try:
        eventually(lambda: _listens(port), "the registry listens")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def release(archive: Path) -> Release:
    """Return a chart as it is pushed, with a signature of ours."""
    return Release(file_name=archive.name, archive=archive.read_bytes(), signature=b"signed")


def read_all(opener: PlaceOpener, url: str, **settings: Any) -> dict[tuple[str, str], bytes]:
    """Return the archives that a repo lists, by their names and versions."""
    with opener.open_place(url, settings=settings) as opened:
        found = opened.read_index()
        assert found is not None
        with found:
            entries = list(IndexReader(found.file))
        return {
            (entry.name, entry.version): opened.read(entry.urls[0], limit_bytes=10**7)
            for entry in entries
        }


def test_helm_reads_a_folder_that_is_served(
    helm: Helm, chart: Path, opener: PlaceOpener, tmp_path: Path
) -> None:
    """Its index, and the chart that was pushed into it."""
    folder, fetched = tmp_path / "repo", tmp_path / "fetched"
    folder.mkdir()
    fetched.mkdir()
    with opener.open_place(folder.as_uri()) as opened:
        opened.push(release(chart))
    server = RepoServer(folder, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        [listed] = helm("index", server.url)["demo"]
        names = helm("pull", "demo", _VERSION, str(fetched), server.url)
    finally:
        server.stop()
        thread.join(10)

    assert (listed["version"], listed["appVersion"]) == (_VERSION, "1.16.0")
    assert names == [chart.name]
    assert (fetched / chart.name).read_bytes() == chart.read_bytes()


def test_a_folder_that_helm_has_listed_is_read(
    helm: Helm, chart: Path, opener: PlaceOpener, tmp_path: Path
) -> None:
    """Its index is as good as one of ours."""
    folder = tmp_path / "repo"
    folder.mkdir()
    shutil.copy(chart, folder)
    helm("list_folder", str(folder))

    found = read_all(opener, folder.as_uri())

    assert found == {("demo", _VERSION): chart.read_bytes()}


def test_helm_pulls_what_was_pushed_into_a_registry(
    helm: Helm, chart: Path, opener: PlaceOpener, registry: str, tmp_path: Path
) -> None:
    """The signature beside the chart does not disturb it."""
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    with opener.open_place(f"oci://{registry}/charts", settings={"plain_http": True}) as opened:
        opened.push(release(chart))

    helm("pull", f"oci://{registry}/charts/demo", _VERSION, str(fetched), "")

    assert (fetched / chart.name).read_bytes() == chart.read_bytes()


def test_what_helm_pushed_into_a_registry_is_listed_and_read(
    helm: Helm, chart: Path, opener: PlaceOpener, registry: str
) -> None:
    """By the chart itself, and by the folder it is in."""
    helm("push", str(chart), f"oci://{registry}/charts")

    for place in ("charts", "charts/demo"):
        found = read_all(opener, f"oci://{registry}/{place}", plain_http=True)

        assert found == {("demo", _VERSION): chart.read_bytes()}
