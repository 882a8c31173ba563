"""A folder that is served is a repo for whoever reads repos, and nothing else of it is shown."""

import http.client
import threading
from collections.abc import Iterator

import core_world
import pytest

from pitrix_core.catalog.opening import PlaceOpener
from pitrix_core.catalog.reach import Reach
from pitrix_core.catalog.serving import RepoServer
from pitrix_core.catalog.sources.http import HttpKind
from pitrix_core.errors import ConflictError
from pitrix_core.plugins.discovery import REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.testing.entry_points import entry_point


@pytest.fixture
def served(repo: core_world.RepoFolder) -> Iterator[RepoServer]:
    """A folder with one package, and files that are nobody's business."""
    repo.add(core_world.note())
    (repo.path / ".pitrix.lock").write_text("held")
    (repo.path.parent / "secret").write_text("none of its business")
    (repo.path / "link").symlink_to(repo.path.parent / "secret")
    server = RepoServer(repo.path, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)


def asked(
    server: RepoServer, path: str, *, method: str = "GET", **headers: str
) -> tuple[int, bytes]:
    """Ask for a path as it is written."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_served_folder_is_read_as_a_repo(served: RepoServer, repo: core_world.RepoFolder) -> None:
    """Its index is given once, and its archive as it is."""
    registry = PluginRegistry(entry_points=[entry_point(REPO_KINDS, "http", HttpKind)])

    with PlaceOpener(registry, Reach.parse("127.0.0.0/8")).open_place(served.url) as opened:
        found = opened.read_index()
        assert found is not None
        found.file.close()
        again = opened.read_index(found.tag)
        archive = opened.read("app-1.0.0.tgz", limit_bytes=10**6)

    assert again is None
    assert archive == (repo.path / "app-1.0.0.tgz").read_bytes()


def test_a_changed_index_has_another_tag(served: RepoServer, repo: core_world.RepoFolder) -> None:
    """It is read again."""
    registry = PluginRegistry(entry_points=[entry_point(REPO_KINDS, "http", HttpKind)])
    with PlaceOpener(registry, Reach.parse("127.0.0.0/8")).open_place(served.url) as opened:
        before = opened.read_index()
        repo.add(core_world.note("other"), "other")
        assert before is not None
        before.file.close()
        after = opened.read_index(before.tag)

    assert after is not None
    with after:
        assert b"other-1.0.0.tgz" in after.file.read()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="the-folder"),
        pytest.param("/.pitrix.lock", id="hidden"),
        pytest.param("/../secret", id="up"),
        pytest.param("/%2e%2e/secret", id="up-in-percent"),
        pytest.param("/..%2fsecret", id="slash-in-percent"),
        pytest.param("/link", id="link"),
        pytest.param("//etc/passwd", id="absolute"),
        pytest.param("/a%00b", id="a-null-byte"),
        pytest.param("/gone", id="gone"),
        pytest.param("/" + "x" * 5000, id="too-long"),
    ],
)
def test_nothing_else_is_served(served: RepoServer, path: str) -> None:
    """However it is asked for."""
    status, body = asked(served, path)

    assert status == 404
    assert b"none of its business" not in body


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_it_is_only_read(served: RepoServer, repo: core_world.RepoFolder, method: str) -> None:
    """Nobody puts anything into it."""
    before = (repo.path / "index.yaml").read_bytes()

    status, _ = asked(served, "/index.yaml", method=method)

    assert status == 501
    assert (repo.path / "index.yaml").read_bytes() == before


def test_a_head_has_no_body(served: RepoServer) -> None:
    """Connections stay in step."""
    assert asked(served, "/index.yaml", method="HEAD") == (200, b"")


def test_a_port_that_is_taken_is_told(served: RepoServer, repo: core_world.RepoFolder) -> None:
    """With what can be done."""
    port = int(served.url.rpartition(":")[2])

    with pytest.raises(ConflictError) as caught:
        RepoServer(repo.path, host="127.0.0.1", port=port)

    assert "--port 0" in (caught.value.next_step or "")
