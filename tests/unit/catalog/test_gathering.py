"""Readmes and pictures are gathered after apps are listed, and nobody waits for them."""

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from cryptography.fernet import Fernet

from pitrix_core.catalog.gathering import Gatherer
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.reach import Reach
from pitrix_core.errors import NotFoundError, PackageError
from pitrix_core.model import AppInfo, PackageIndex
from pitrix_core.model.access import admin
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.store import Cipher, Store, make_engine
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.repos import Repo
from pitrix_core.store.search import Wish
from pitrix_core.store.slices import WHOLE
from pitrix_core.testing.manual_clock import ManualClock

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
ADMIN = admin("admin")


@attrs.define
class Packages:
    """What packages hold, and how often one was asked for; stands for the loader."""

    files: dict[str, bytes] = attrs.field(factory=dict)
    failure: Exception | None = None
    reads: int = 0

    @property
    def index(self) -> PackageIndex:
        return PackageIndex(files={path: len(content) for path, content in self.files.items()})

    @property
    def reader(self) -> "Packages":
        return self

    def load(self, version: AppVersion) -> "Packages":
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return self

    def read_bytes(self, path: str) -> bytes:
        if path not in self.files:
            raise PackageError(f"{path}: there is no such file")
        return self.files[path]


@pytest.fixture
def store(database: str, manual_clock: ManualClock) -> Iterator[Store]:
    """An empty store."""
    engine = make_engine(database)
    cipher = Cipher(Fernet.generate_key())
    store = Store(engine, cipher=cipher, clock=lambda _: manual_clock())
    yield store
    store.close()


@pytest.fixture
def packages() -> Packages:
    """What packages hold."""
    return Packages()


@pytest.fixture
def gatherer(store: Store, packages: Packages) -> Gatherer:
    """A gatherer that may reach this machine."""
    reach = Reach.parse("127.0.0.0/8")
    opener = RepoOpener(store, PluginRegistry(entry_points=[]), reach)
    return Gatherer(store, packages, opener)  # type: ignore[arg-type]  # all it is asked for


@pytest.fixture
def web() -> Iterator[tuple[str, dict[str, bytes], list[str]]]:
    """A server: its address, what it has, and what it was asked for."""
    files: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", files, asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def release(store: Store, manual_clock: ManualClock) -> Callable[..., None]:
    """Return a function that releases a version of the one app."""
    repo = Repo(id="repo-1", owner="admin", name="r", url="file:///x", created_at=manual_clock())
    app = App(id="app-1", owner="admin", repo_id="repo-1", name="etcd", created_at=manual_clock())
    with store.begin() as tx:
        tx.repos.add(repo)
        tx.catalog.add_package("sha256:1", b"")
        tx.catalog.put_app(app)

    def released(version: str = "1.0.0", *, digest: str | None = "sha256:1", **says: Any) -> None:
        made = AppVersion(
            id=f"ver-{version}",
            owner="admin",
            app_id="app-1",
            version=version,
            app_version="",
            app_type="vm" if digest else None,
            digest=digest,
            state="active",
            info=AppInfo(name="etcd", version=version, **says),
            created_at=manual_clock(),
        )
        with store.begin() as tx:
            tx.catalog.add_version(made)
            tx.listings.refresh(["app-1"])

    return released


def icon_of(store: Store) -> bytes:
    """The icon of the app."""
    with store.read() as tx:
        return tx.assets.picture("app-1", 0).content


def test_a_readme_of_a_package_is_found_by(
    store: Store, release: Callable[..., None], gatherer: Gatherer, packages: Packages
) -> None:
    """Once it was gathered; its app was listed before."""
    packages.files["README.md"] = b"Replicates by raft"
    release()

    gatherer.gather()

    with store.read() as tx:
        found = tx.search.apps(Wish(text="raft"), WHOLE, viewer=ADMIN)
    assert [listing.name for listing in found] == ["etcd"]


def test_an_app_whose_newest_version_has_no_readme_is_not_found_by_the_last_one(
    store: Store, release: Callable[..., None], gatherer: Gatherer, packages: Packages
) -> None:
    """What it was is not what it is."""
    packages.files["README.md"] = b"Replicates by raft"
    release()
    gatherer.gather()
    packages.files.clear()
    release("1.1.0")

    gatherer.gather()

    with store.read() as tx:
        found = tx.search.apps(Wish(text="raft"), WHOLE, viewer=ADMIN)
    assert found == []


def test_a_package_that_nothing_is_wanted_of_is_not_read_again(
    release: Callable[..., None], gatherer: Gatherer, packages: Packages
) -> None:
    """Its app is listed anew again and again."""
    packages.files["README.md"] = b"Replicates by raft"
    release("1.1.0")
    gatherer.gather()
    release("1.0.0")

    gatherer.gather()

    assert packages.reads == 1


def test_what_was_not_begun_when_the_process_is_to_end_is_left_to_others(
    store: Store, release: Callable[..., None], gatherer: Gatherer, packages: Packages
) -> None:
    """At once, and not when those who died over it are given up."""
    release()
    stop = threading.Event()
    find = store.begin

    def stopping() -> Any:
        stop.set()
        return find()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "begin", stopping)
        gatherer.gather(stop)
    before = packages.reads
    gatherer.gather()

    assert (before, packages.reads) == (0, 1)


def test_pictures_of_a_package_are_shown(
    store: Store, release: Callable[..., None], gatherer: Gatherer, packages: Packages
) -> None:
    """By where the API has them."""
    packages.files |= {"icon.svg": SVG, "a.svg": SVG}
    release(icon="icon.svg", screenshots=("a.svg",))

    gatherer.gather()

    with store.read() as tx:
        icon = tx.search.page("app-1", viewer=ADMIN).listing.icon
        [screenshot] = tx.assets.screenshots("app-1")
    assert (icon or "").startswith("/v1/apps/app-1/icon?digest=sha256:")
    assert screenshot.startswith("/v1/apps/app-1/screenshots/1?digest=sha256:")
    assert b"<path" in icon_of(store)


def test_a_picture_is_fetched_from_where_an_index_says(
    store: Store,
    release: Callable[..., None],
    gatherer: Gatherer,
    web: tuple[str, dict[str, bytes], list[str]],
) -> None:
    """Also of a version whose package was not read."""
    url, files, _ = web
    files["/icon"] = SVG
    release(digest=None, icon=f"{url}/icon")

    gatherer.gather()

    assert b"<path" in icon_of(store)


def test_what_fails_is_tried_again_less_and_less_often(
    store: Store,
    release: Callable[..., None],
    gatherer: Gatherer,
    manual_clock: ManualClock,
    web: tuple[str, dict[str, bytes], list[str]],
) -> None:
    """And is shown once it is there."""
    url, files, asked = web
    release(icon=f"{url}/icon")

    gatherer.gather()
    gatherer.gather()
    tries = [len(asked)]
    for _ in range(2):
        manual_clock.advance(601)
        gatherer.gather()
        tries.append(len(asked))
    with pytest.raises(NotFoundError, match="status 404"):
        icon_of(store)
    files["/icon"] = SVG
    manual_clock.advance(601)
    gatherer.gather()

    assert tries == [1, 2, 2]
    assert b"<path" in icon_of(store)


def test_what_will_never_be_a_picture_is_not_tried_again(
    store: Store,
    release: Callable[..., None],
    gatherer: Gatherer,
    manual_clock: ManualClock,
    web: tuple[str, dict[str, bytes], list[str]],
) -> None:
    """Until its app names another one; why is told."""
    url, files, asked = web
    files["/icon"] = b"<html/>"
    release(icon=f"{url}/icon")

    gatherer.gather()
    manual_clock.advance(100_000)
    gatherer.gather()

    assert len(asked) == 1
    with pytest.raises(NotFoundError, match="no SVG"):
        icon_of(store)


def test_a_new_version_brings_its_own(
    store: Store, release: Callable[..., None], gatherer: Gatherer, packages: Packages
) -> None:
    """The picture that is not wanted any more is not shown meanwhile."""
    packages.files["old.svg"] = SVG
    release(icon="old.svg")
    gatherer.gather()
    packages.files["new.svg"] = SVG.replace(b"M0 0", b"M1 1")
    release("1.1.0", icon="new.svg")

    with pytest.raises(NotFoundError):
        icon_of(store)
    gatherer.gather()

    assert b"M1 1" in icon_of(store)


@pytest.mark.parametrize(
    "icon",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/icon",
        "https://10.0.0.1/icon",
        "../../etc/passwd",
        "file:///etc/passwd",
        "http://",
        "gopher://x/",
    ],
)
def test_no_address_leads_where_nobody_may_go(
    store: Store, release: Callable[..., None], gatherer: Gatherer, icon: str
) -> None:
    """Why is told, and the app is listed all the same."""
    release(icon=icon)

    gatherer.gather()

    with pytest.raises(NotFoundError):
        icon_of(store)
    with store.read() as tx:
        assert tx.search.page("app-1", viewer=ADMIN).listing.icon is None


@pytest.mark.parametrize(
    "failure", [PackageError("unreadable"), RuntimeError("a plugin's")], ids=["ours", "any"]
)
def test_a_package_that_cannot_be_read_stops_nothing(
    release: Callable[..., None],
    gatherer: Gatherer,
    packages: Packages,
    manual_clock: ManualClock,
    failure: Exception,
) -> None:
    """It is tried again later."""
    packages.failure = failure
    release()

    first = gatherer.gather()
    second = gatherer.gather()
    manual_clock.advance(601)
    third = gatherer.gather()

    assert (first, second, third) == (1, 0, 1)
    assert packages.reads == 2


def test_what_changes_meanwhile_is_gathered_anew(
    store: Store, release: Callable[..., None], manual_clock: ManualClock
) -> None:
    """Who gathered the old does not take the new for done."""
    release()
    with store.begin() as tx:
        [taken] = tx.listings.take_ungathered(limit=9, for_s=60.0)
    release("1.1.0")

    with store.begin() as tx:
        tx.listings.mark_gathered(taken, readme="old", again_after_s=None)
        [again] = tx.listings.take_ungathered(limit=9, for_s=60.0)

    assert again.version_id == "ver-1.1.0"
    assert again.has_readme


def test_what_is_taken_is_nobody_elses_for_a_while(
    store: Store, release: Callable[..., None], manual_clock: ManualClock
) -> None:
    """Until its time is over, in case that who took it died."""
    release()
    counts = []
    for advance_s in (0, 30, 31):
        manual_clock.advance(advance_s)
        with store.begin() as tx:
            counts.append(len(tx.listings.take_ungathered(limit=9, for_s=60.0)))

    assert counts == [1, 0, 1]


def test_an_app_that_another_release_wrote_is_listed(
    store: Store, release: Callable[..., None], gatherer: Gatherer
) -> None:
    """It knows no listings."""
    release()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM app_listings")

    gatherer.gather()

    with store.read() as tx:
        found = tx.search.apps(Wish(text="etcd"), WHOLE, viewer=ADMIN)
    assert [listing.name for listing in found] == ["etcd"]
