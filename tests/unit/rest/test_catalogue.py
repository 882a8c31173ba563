"""The store over HTTP: searched, counted, sorted, and shown with pictures and readmes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

import core_world  # found by the line above

from pitrix_core.catalog.gathering import Gatherer
from pitrix_core.rest.app import make_app
from pitrix_core.service import repos
from pitrix_core.service.inputs import RepoInput
from pitrix_core.service.services import Services
from pitrix_core.store import Store

Client = falcon.testing.TestClient
#: Of the fixture `store`.
TOKEN = "the-admin's-token"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>evil()</script><path d="M0 0"/></svg>'


@pytest.fixture
def services(store: Store, tmp_path: Path) -> Services:
    """A process whose app type reads notes."""
    made: Services = core_world.make_services(store, tmp_path, core_world.registry_of())
    return made


@pytest.fixture
def api(services: Services) -> Client:
    """A client of the whole API, as the admin."""
    return Client(make_app(services), headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
def release(services: Services, tmp_path: Path) -> Callable[..., None]:
    """Return a function that releases packages of a name, with what they say of themselves."""
    folder = core_world.RepoFolder(tmp_path / "repo")

    def released(name: str, files: dict[str, str] | None = None, **says: Any) -> None:
        about = {"name": name, "version": "1.0.0", **says}
        note = {"package.json": json.dumps(about), "note.json": "{}", **(files or {})}
        archive = core_world.archive({f"{name}/{path}": text for path, text in note.items()})
        folder.add(archive, name, about["version"])
        if not repos.search(services, core_world.ADMIN):
            data = RepoInput(name="notes", url=folder.url, providers=("fake",))
            repos.add(services, core_world.ADMIN, data)
        else:
            repos.index(services, core_world.ADMIN, "notes")

    return released


def names(api: Client, query: str = "") -> list[str]:
    """Names of the apps that a search finds."""
    return [item["name"] for item in api.simulate_get("/v1/apps", query_string=query).json["items"]]


def test_apps_are_searched(api: Client, release: Callable[..., None]) -> None:
    """By words and by what they have, all of which they need."""
    release("mysql", keywords=["database"], title="MySQL")
    release("redis", keywords=["database", "cache"])
    release("kafka")

    assert names(api, "q=red") == ["redis"]
    assert names(api, "keyword=database") == ["mysql", "redis"]
    assert names(api, "keyword=database&keyword=nothing&q=mysql") == ["mysql"]
    assert names(api, "provider=fake&repo=notes&app_type=note") == ["kafka", "mysql", "redis"]
    assert names(api, "provider=host") == []


def test_pages_follow_one_another(api: Client, release: Callable[..., None]) -> None:
    """Until the last one, which has no cursor."""
    for name in ("a", "b", "c"):
        release(name)

    first = api.simulate_get("/v1/apps", query_string="limit=2").json
    second = api.simulate_get("/v1/apps", query_string=f"limit=2&cursor={first['next_cursor']}")

    assert [item["name"] for item in first["items"]] == ["a", "b"]
    assert [item["name"] for item in second.json["items"]] == ["c"]
    assert second.json["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("q=" + "x" * 201, 422, id="too-long"),
        pytest.param("sort=random", 422, id="unknown-order"),
        pytest.param("category=nothing", 404, id="unknown-category"),
        pytest.param("repo=nothing", 404, id="unknown-repo"),
        pytest.param("cursor=nonsense", 422, id="no-cursor-of-ours"),
        pytest.param("&".join(f"keyword={n}" for n in range(21)), 422, id="too-many"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(api: Client, query: str, status: int) -> None:
    """With an error of ours."""
    assert api.simulate_get("/v1/apps", query_string=query).status_code == status


def test_what_is_found_is_counted(api: Client, release: Callable[..., None]) -> None:
    """Also by provider, as far as repos name some."""
    release("mysql", keywords=["database"])
    release("redis", keywords=["database"], maintainers=[{"name": "Ada Lovelace"}])

    found = api.simulate_get("/v1/app_counts").json["items"]

    repo_id = api.simulate_get("/v1/repos/notes").json["id"]
    assert {(item["kind"], item["value"]): item["apps"] for item in found} == {
        ("repo", repo_id): 2,
        ("app_type", "note"): 2,
        ("keyword", "database"): 2,
        ("maintainer", "ada-lovelace"): 1,
        ("provider", "fake"): 2,
    }


def test_a_page_of_an_app_says_all_there_is(api: Client, release: Callable[..., None]) -> None:
    """By name as by id."""
    release("mysql", home="https://mysql.example", sources=["https://s.example"], title="MySQL")
    release("mysql", version="2.0.0-rc.1")

    page = api.simulate_get("/v1/apps/mysql").json

    assert page == api.simulate_get(f"/v1/apps/{page['id']}").json
    told = {name: page[name] for name in ("title", "home", "sources", "latest_version", "versions")}
    assert told == {
        "title": "MySQL",
        "home": "https://mysql.example",
        "sources": ["https://s.example"],
        "latest_version": "1.0.0",
        "versions": 2,
    }
    assert page["pre_releases"] == 1
    assert page["use"] == {"deployments": 0, "clusters": 0, "users": 0}


def test_pictures_are_shown_and_do_nothing(
    api: Client, services: Services, release: Callable[..., None]
) -> None:
    """Whatever a stranger put into them; a copy by its digest stays good for ever."""
    release("mysql", {"icon.svg": SVG}, icon="icon.svg", screenshots=["icon.svg", "none.svg"])
    Gatherer(services.store, services.loader, services.opener).gather()
    page = api.simulate_get("/v1/apps/mysql").json

    icon = api.simulate_get(page["icon"])
    by_name = api.simulate_get("/v1/apps/mysql/icon")

    assert (icon.status_code, icon.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "evil" not in icon.text
    assert "sandbox" in icon.headers["Content-Security-Policy"]
    assert icon.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in icon.headers["Cache-Control"]
    assert by_name.headers["Cache-Control"] == "private, no-cache"
    assert [api.simulate_get(path).status_code for path in page["screenshots"]] == [200]


def test_a_picture_is_not_sent_twice(
    api: Client, services: Services, release: Callable[..., None]
) -> None:
    """To who has a copy."""
    release("mysql", {"icon.svg": SVG}, icon="icon.svg")
    Gatherer(services.store, services.loader, services.opener).gather()
    tag = api.simulate_get("/v1/apps/mysql/icon").headers["ETag"]

    again = api.simulate_get("/v1/apps/mysql/icon", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["icon", "screenshots/1", "screenshots/0", "screenshots/-1", "screenshots/x"]
)
def test_there_are_no_other_pictures(api: Client, release: Callable[..., None], path: str) -> None:
    """An app without any has none; and a screenshot is no icon."""
    release("mysql")

    assert api.simulate_get(f"/v1/apps/mysql/{path}").status_code == 404


def test_a_readme_is_shown_in_a_language(api: Client, release: Callable[..., None]) -> None:
    """As Markdown, and as HTML that is safe."""
    files = {"README.md": "# Hi <script>evil()</script>", "README.zh-CN.md": "# 你好"}
    release("mysql", files)
    version = api.simulate_get("/v1/apps/mysql").json["latest_id"]

    own = api.simulate_get(f"/v1/app_versions/{version}/readme").json
    chinese = api.simulate_get(
        f"/v1/app_versions/{version}/readme", headers={"Accept-Language": "zh-CN"}
    ).json

    assert own == {"language": "", "markdown": files["README.md"], "html": "<h1>Hi </h1>\n"}
    assert chinese["html"] == "<h1>你好</h1>\n"


def test_a_package_without_a_readme_is_told_so(api: Client, release: Callable[..., None]) -> None:
    """It is not there."""
    release("mysql")
    version = api.simulate_get("/v1/apps/mysql").json["latest_id"]

    assert api.simulate_get(f"/v1/app_versions/{version}/readme").status_code == 404


def test_apps_are_sorted_into_categories(api: Client, release: Callable[..., None]) -> None:
    """By their packages' words, by hand, and found by the category above."""
    release("mysql", categories=["Database"])
    release("redis")
    api.simulate_post("/v1/categories", json={"name": "storage"})
    api.simulate_post("/v1/categories", json={"name": "database", "parent": "storage"})

    by_package = names(api, "category=storage")
    put = api.simulate_put("/v1/apps/redis/categories", json={"categories": ["database"]})
    by_hand = names(api, "category=database")

    assert by_package == ["mysql"]
    assert put.json["categories"] == ["database", "storage"]
    assert by_hand == ["mysql", "redis"]


def test_a_category_is_changed_and_removed(api: Client, release: Callable[..., None]) -> None:
    """What was in it follows, and stays without it."""
    release("mysql")
    made = api.simulate_post("/v1/categories", json={"name": "db"}).json
    path = f"/v1/categories/{made['id']}"
    api.simulate_put("/v1/repos/notes/categories", json={"categories": ["db"]})

    api.simulate_put(path, json={"name": "database", "titles": {"zh-CN": "数据库"}})
    changed = api.simulate_get("/v1/apps/mysql").json["categories"]
    removed = api.simulate_delete(path)
    left = api.simulate_get("/v1/apps/mysql").json["categories"]

    assert (changed, left) == (["database"], [])
    assert removed.status_code == 204
    assert api.simulate_get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        pytest.param({"name": "Big Data"}, 422, "/name", id="not-as-packages-name-it"),
        pytest.param({"name": ""}, 422, "/name", id="no-name"),
        pytest.param({"name": "a", "parent": "below"}, 422, "/parent", id="third-level"),
        pytest.param({"name": "a", "parent": "nothing"}, 404, None, id="unknown-parent"),
        pytest.param({"name": "top"}, 409, "/name", id="taken"),
        pytest.param({"name": "a", "titles": {"!": "x"}}, 422, "/titles/!", id="no-language"),
        pytest.param({"name": "a", "titles": {"en": " "}}, 422, "/titles/en", id="empty-title"),
    ],
)
def test_a_category_that_cannot_be_is_refused(
    api: Client, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    """And the place is named."""
    api.simulate_post("/v1/categories", json={"name": "top"})
    api.simulate_post("/v1/categories", json={"name": "below", "parent": "top"})

    answer = api.simulate_post("/v1/categories", json=body)

    assert (answer.status_code, answer.json.get("pointer")) == (status, pointer)


def test_a_category_with_others_stays_at_the_top(api: Client) -> None:
    """And is not removed; there are two levels."""
    for body in ({"name": "top"}, {"name": "other"}, {"name": "below", "parent": "top"}):
        api.simulate_post("/v1/categories", json=body)

    answers = [
        api.simulate_put("/v1/categories/top", json={"name": "top", "parent": "other"}),
        api.simulate_put("/v1/categories/other", json={"name": "other", "parent": "other"}),
        api.simulate_delete("/v1/categories/top"),
    ]

    assert [answer.status_code for answer in answers] == [409, 422, 409]
