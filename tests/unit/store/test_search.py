"""The catalogue is searched by words, filters and order, alike on both kinds of database."""

from collections.abc import Callable
from typing import Any

import pytest

from pitrix_core.errors import NotFoundError
from pitrix_core.model import AppInfo
from pitrix_core.model.access import Action, Actor, Visibility, admin
from pitrix_core.store import Store
from pitrix_core.store.catalog import App, AppVersion
from pitrix_core.store.categories import Category
from pitrix_core.store.repos import Repo
from pitrix_core.store.search import Sort, Wish
from pitrix_core.store.slices import WHOLE, Slice
from pitrix_core.testing.manual_clock import ManualClock

ADMIN = admin("admin")
USER = Actor(owner="alice", actions=frozenset({Action.APPS_READ, Action.REPOS_READ}))


@pytest.fixture
def repo(store: Store, manual_clock: ManualClock) -> Repo:
    """A repo that everybody sees."""
    repo = Repo(id="repo-1", owner="admin", name="main", url="file:///x", created_at=manual_clock())
    with store.begin() as tx:
        tx.repos.add(repo)
    return repo


@pytest.fixture
def publish(store: Store, repo: Repo, manual_clock: ManualClock) -> Callable[..., None]:
    """Return a function that stores a version of an app, a second after the one before."""

    def published(name: str, version: str = "1.0.0", *, state: str = "active", **says: Any) -> None:
        manual_clock.advance(1)
        app = App(
            id=f"app-{name}",
            owner="admin",
            repo_id=repo.id,
            name=name,
            visibility=says.pop("visibility", None),
            created_at=manual_clock(),
        )
        release = AppVersion(
            id=f"ver-{name}-{version}",
            owner="admin",
            app_id=app.id,
            version=version,
            app_version="",
            app_type=says.pop("app_type", "vm"),
            digest="sha256:1",
            state=state,
            info=AppInfo(name=name, version=version, **says),
            created_at=manual_clock(),
        )
        with store.begin() as tx:
            tx.catalog.add_package("sha256:1", b"")
            tx.catalog.put_app(app)
            tx.catalog.add_version(release)
            tx.listings.refresh([app.id])

    return published


@pytest.fixture
def find(store: Store) -> Callable[..., list[str]]:
    """Return a function that looks for apps and returns their names."""

    def found(text: str = "", *, viewer: Actor = ADMIN, part: Slice = WHOLE, **more: Any) -> Any:
        with store.read() as tx:
            wish = Wish(text=text, **more)
            return [listing.name for listing in tx.search.apps(wish, part, viewer=viewer)]

    return found


@pytest.fixture
def shop(publish: Callable[..., None]) -> None:
    """A few apps."""
    publish("redis", description="A cache in memory", keywords=("cache", "nosql"))
    publish("redis-cluster", description="Many of them", keywords=("cache",))
    publish("mysql", title="MySQL 数据库", description="关系型数据库", keywords=("database",))
    publish("kafka", description="Streams; goes well with redis", app_type="helm")
    publish("café", title="Größe", maintainers=({"name": "Ada Lovelace"},))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("redis", ["redis", "redis-cluster", "kafka"], id="name-before-description"),
        pytest.param("REDIS", ["redis", "redis-cluster", "kafka"], id="any-case"),
        pytest.param("redis-cluster", ["redis-cluster"], id="name-with-a-dash"),
        pytest.param("cache memory", ["redis"], id="all-words"),
        pytest.param("memory cache", ["redis"], id="in-any-order"),
        pytest.param('"cache memory"', [], id="quotes-want-words-in-a-row"),
        pytest.param('"cache in memory"', ["redis"], id="quotes"),
        pytest.param("mys", ["mysql"], id="beginning-of-the-last-word"),
        pytest.param("mys kaf", [], id="other-words-are-whole"),
        pytest.param('"mys"', [], id="words-in-quotes-are-whole"),
        pytest.param("m", [], id="one-letter-is-a-whole-word"),
        pytest.param("数据库", ["mysql"], id="chinese"),
        pytest.param("数据", ["mysql"], id="two-characters-of-chinese"),
        pytest.param("系", ["mysql"], id="one-character-of-chinese"),
        pytest.param("数库", [], id="characters-that-are-apart"),
        pytest.param("mysql数据库", ["mysql"], id="two-scripts-at-once"),
        pytest.param("cafe", ["café"], id="without-the-accent"),
        pytest.param("grosse", ["café"], id="folded"),
        pytest.param("lovelace", ["café"], id="maintainer"),
        pytest.param("nosql", ["redis"], id="keyword"),
        pytest.param("\uff52edis", ["redis", "redis-cluster", "kafka"], id="full-width"),
    ],
)
def test_words_are_found(find: Callable[..., list[str]], text: str, names: list[str]) -> None:
    """In names, titles, keywords, descriptions and names of maintainers; the best match first."""
    assert find(text) == names


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "text",
    [
        '"',
        '""',
        "'",
        "redis AND",
        "NEAR(redis",
        "name:redis",
        "{name} : redis",
        "-redis",
        "redis*",
        "^redis",
        "redis:*",
        "redis & !kafka",
        "redis <-> kafka",
        "redis | (",
        "\\",
        "%_",
        "!!!",
        "\x00",
        "\ud800",
        "a" * 5_000,
        "a " * 3_000,
        "数" * 3_000,
        "' OR 1=1 --",
        "ﷺ" * 300,
    ],
    ids=repr,
)
def test_no_search_is_taken_for_a_databases_own_language(
    find: Callable[..., list[str]], text: str
) -> None:
    """Whatever people type is words, or nothing."""
    found = find(text[:300])

    assert set(found) <= {"redis", "redis-cluster", "mysql", "kafka", "café"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("terms", "names"),
    [
        pytest.param({"keyword": ("cache",)}, ["redis", "redis-cluster"], id="keyword"),
        pytest.param({"keyword": ("nosql", "database")}, ["mysql", "redis"], id="one-of-several"),
        pytest.param({"app_type": ("helm",)}, ["kafka"], id="app-type"),
        pytest.param({"maintainer": ("ada-lovelace",)}, ["café"], id="maintainer"),
        pytest.param({"keyword": ("cache",), "app_type": ("helm",)}, [], id="both"),
        pytest.param({"repo": ("repo-2",)}, [], id="another-repo"),
    ],
)
def test_apps_are_filtered(
    find: Callable[..., list[str]], terms: dict[str, tuple[str, ...]], names: list[str]
) -> None:
    """By one of the values of each kind; listed by name."""
    assert find(terms=terms) == names


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("text", ["", "redis"])
def test_pages_are_the_parts_of_the_whole(
    find: Callable[..., list[str]], sort: Sort, text: str
) -> None:
    """In every order, one app at a time."""
    whole = find(text, sort=sort)
    pages: list[str] = []
    after = None
    for _ in whole:
        pages += find(text, sort=sort, part=Slice(after=after, limit=1))
        after = f"app-{pages[-1]}"

    assert pages == whole
    assert find(text, sort=sort, part=Slice(after=after, limit=1)) == []


@pytest.mark.usefixtures("shop")
def test_the_newest_come_first_if_asked(find: Callable[..., list[str]]) -> None:
    """By when their last version came."""
    assert find(sort=Sort.NEWEST) == ["café", "kafka", "mysql", "redis-cluster", "redis"]


def test_a_page_after_an_app_that_went_is_refused(find: Callable[..., list[str]]) -> None:
    """The error says to begin again."""
    with pytest.raises(NotFoundError, match="not found any more"):
        find(part=Slice(after="app-gone", limit=1))


def test_the_newest_release_speaks_for_an_app(
    store: Store, publish: Callable[..., None], find: Callable[..., list[str]]
) -> None:
    """Not a pre-release, nor what is suspended; the words of others are not found."""
    publish("etcd", "1.0.0", description="old")
    publish("etcd", "1.10.0", description="current")
    publish("etcd", "1.9.0", description="between")
    publish("etcd", "2.0.0-rc.1", description="candidate")
    publish("etcd", "3.0.0", state="suspended", description="withdrawn")

    with store.read() as tx:
        listing = tx.search.page("app-etcd", viewer=ADMIN).listing

    assert (listing.latest_version, listing.description) == ("1.10.0", "current")
    assert listing.versions == 4
    assert find("current") == ["etcd"]
    assert [find(word) for word in ("old", "candidate", "withdrawn")] == [[], [], []]


def test_a_pre_release_speaks_where_there_is_no_other(
    store: Store, publish: Callable[..., None]
) -> None:
    """Better than nothing."""
    publish("etcd", "1.0.0-rc.1")

    with store.read() as tx:
        listing = tx.search.page("app-etcd", viewer=ADMIN).listing

    assert listing.latest_version == "1.0.0-rc.1"


def test_an_app_without_an_offer_is_its_owners_alone(
    publish: Callable[..., None], find: Callable[..., list[str]]
) -> None:
    """Others see it with its first active version."""
    publish("etcd", state="draft")

    before = find(viewer=USER)
    publish("etcd", "1.0.1")

    assert before == []
    assert find(viewer=ADMIN) == ["etcd"]
    assert find(viewer=USER) == ["etcd"]


def test_an_app_that_no_index_lists_any_more_is_not_listed(
    store: Store, publish: Callable[..., None], find: Callable[..., list[str]]
) -> None:
    """Nor to whom it belongs; it can be looked at yet."""
    publish("etcd")
    with store.begin() as tx:
        app = tx.catalog.app("etcd", viewer=ADMIN)
        tx.repos.take_off(app.repo_id)
        tx.listings.refresh([app.id])

    with store.read() as tx:
        page = tx.search.page(app.id, viewer=ADMIN)

    assert find(viewer=ADMIN) == []
    assert page.listing.latest_id is None


def test_what_somebody_may_not_see_is_neither_found_nor_counted(
    store: Store, publish: Callable[..., None], find: Callable[..., list[str]]
) -> None:
    """By the one rule for all things."""
    publish("etcd", keywords=("kv",))
    publish("hidden", keywords=("kv",), visibility=Visibility.PRIVATE)

    with store.read() as tx:
        counts = tx.search.counts(Wish(), viewer=USER)

    assert find("kv", viewer=USER) == ["etcd"]
    assert {count.value: count.apps for count in counts if count.kind == "keyword"} == {"kv": 1}


@pytest.mark.usefixtures("shop")
def test_what_is_found_is_counted(store: Store) -> None:
    """Of each kind, the commonest first."""
    with store.read() as tx:
        counts = tx.search.counts(Wish(text="redis"), viewer=ADMIN)

    found = [(count.kind, count.value, count.apps) for count in counts]
    assert found == [
        ("app_type", "vm", 2),
        ("app_type", "helm", 1),
        ("keyword", "cache", 2),
        ("keyword", "nosql", 1),
        ("repo", "repo-1", 3),
    ]


def test_an_app_is_in_the_categories_its_package_names(
    store: Store, publish: Callable[..., None], manual_clock: ManualClock
) -> None:
    """In all of them, whether the category or the package was there first, and in those above."""
    publish("mysql", categories=("Database",), keywords=("Big Data", "other"))
    with store.begin() as tx:
        for name, parent in (("storage", None), ("database", "storage"), ("big-data", None)):
            parent_id = None if parent is None else f"cat-{parent}"
            category = Category(
                id=f"cat-{name}", name=name, parent_id=parent_id, created_at=manual_clock()
            )
            tx.categories.add(category)
        tx.listings.refresh_named(["database", "big-data"])
    publish("postgresql", keywords=("database",))

    with store.read() as tx:
        first, second = (
            tx.search.page(f"app-{name}", viewer=ADMIN).listing for name in ("mysql", "postgresql")
        )

    assert first.categories == ("big-data", "database", "storage")
    assert second.categories == ("database", "storage")


def test_a_hand_comes_before_the_package_and_the_package_before_the_repo(
    store: Store, publish: Callable[..., None], manual_clock: ManualClock
) -> None:
    """Each counts where the one before it says nothing."""
    with store.begin() as tx:
        for name in ("chosen", "named", "usual"):
            category = Category(id=f"cat-{name}", name=name, created_at=manual_clock())
            tx.categories.add(category)
        tx.categories.put_repo("repo-1", ["cat-usual"])
    publish("says", keywords=("named",))
    publish("silent")
    publish("put", keywords=("named",))
    with store.begin() as tx:
        tx.categories.put_app("app-put", ["cat-chosen"])
        tx.listings.refresh(["app-put"])

    with store.read() as tx:
        found = {
            name: tx.search.page(f"app-{name}", viewer=ADMIN).listing.categories
            for name in ("says", "silent")
        }
        put = tx.search.page("app-put", viewer=ADMIN).listing.categories

    assert found == {"says": ("named",), "silent": ("usual",)}
    assert put == ("chosen",)


_STRANGE = ("\x00", "\ud800", "\u202e", " ", "", "'", '"', "\\", "%", "ﷺ" * 200, "x" * 100_000)


def test_an_app_may_say_the_strangest_things(
    publish: Callable[..., None], find: Callable[..., list[str]]
) -> None:
    """And is listed, as all others of its repo are."""
    distinct = " ".join(f"w{number:x}{'y' * (number % 70)}" for number in range(3_000))
    publish(
        "strange",
        title="".join(chr(code) for code in range(0x300)),
        description=distinct + "数" * 30_000,
        keywords=_STRANGE,
        categories=_STRANGE,
        maintainers=tuple({"name": text} for text in (*_STRANGE, 3, None, {})),
        icon="icon\x00.svg",
        screenshots=_STRANGE * 3,
        home="\x00",
    )

    assert find("strange") == find(distinct[:100]) == ["strange"]
