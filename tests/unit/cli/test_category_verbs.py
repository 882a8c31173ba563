"""``pitrix category``, and how ``pitrix app`` searches and shows what was sorted."""

import json
from collections.abc import Callable

import pytest
from stand_in import StandIn

from pitrix_core.model import JsonObject

STORAGE: JsonObject = {"id": "ctg-1", "name": "storage", "parent_id": None, "titles": {}}
DATABASE: JsonObject = {
    "id": "ctg-2",
    "name": "database",
    "parent_id": "ctg-1",
    "titles": {"en": "Databases"},
}


def test_categories_are_listed_with_those_above_them(
    api: StandIn, pitrix: Callable[..., object]
) -> None:
    """By name, and not by id."""
    api.lists("/v1/categories", DATABASE, STORAGE)

    result = pitrix("category", "list")

    assert result.out.splitlines() == [
        "name      below    id     titles",
        "database  storage  ctg-2  en=Databases",
        "storage            ctg-1",
    ]


def test_a_category_is_made(api: StandIn, pitrix: Callable[..., object]) -> None:
    """With its titles."""
    api.answers("POST", "/v1/categories", DATABASE, status=201)

    result = pitrix(
        *("category", "add", "database", "--parent", "storage", "--title", "zh-CN=数据库")
    )

    [asked] = api.asked("POST", "/v1/categories")
    body = {"name": "database", "parent": "storage", "titles": {"zh-CN": "数据库"}}
    assert result.code == 0
    assert asked.body == body


@pytest.mark.parametrize(
    ("options", "body"),
    [
        pytest.param(
            ["--title", "de=Datenbanken"],
            {
                "name": "database",
                "parent": "ctg-1",
                "titles": {"en": "Databases", "de": "Datenbanken"},
            },
            id="another-title",
        ),
        pytest.param(
            ["--title", "en=", "--top"],
            {"name": "database", "parent": None, "titles": {}},
            id="without-title-at-the-top",
        ),
        pytest.param(
            ["--name", "db", "--parent", "other"],
            {"name": "db", "parent": "other", "titles": {"en": "Databases"}},
            id="another-name-and-place",
        ),
    ],
)
def test_what_is_not_said_of_a_category_stays(
    api: StandIn, pitrix: Callable[..., object], options: list[str], body: JsonObject
) -> None:
    """``set`` sends the whole category."""
    api.answers("GET", "/v1/categories/database", DATABASE)
    api.answers("PUT", "/v1/categories/ctg-2", DATABASE)

    pitrix("category", "set", "database", *options)

    [asked] = api.asked("PUT", "/v1/categories/ctg-2")
    assert asked.body == body


@pytest.mark.parametrize(
    ("option", "path"), [("--app", "/v1/apps/x/categories"), ("--repo", "/v1/repos/x/categories")]
)
def test_things_are_put_into_categories(
    api: StandIn, pitrix: Callable[..., object], option: str, path: str
) -> None:
    """Several at once."""
    api.answers("PUT", path, {"categories": ["a", "b"]})

    result = pitrix("category", "assign", "a", "b", option, "x")

    [asked] = api.asked("PUT", path)
    assert asked.body == {"categories": ["a", "b"]}
    assert result.out == "In: a, b\n"


def test_one_thing_has_to_be_named(pitrix: Callable[..., object]) -> None:
    """An app or a repo."""
    result = pitrix("category", "assign", "a")

    assert result.code == 1
    assert "--app or which --repo" in result.err


def test_a_category_is_removed(api: StandIn, pitrix: Callable[..., object]) -> None:
    """Programs are told which."""
    api.answers("DELETE", "/v1/categories/database", None, status=204)

    result = pitrix("category", "remove", "database", "--json")

    assert json.loads(result.out) == {"removed": "database"}


def test_apps_are_searched_by_what_they_have(api: StandIn, pitrix: Callable[..., object]) -> None:
    """Each option is a parameter of the API."""
    api.lists("/v1/apps")

    result = pitrix("app", "list", "--search", "sql", "--category", "database", "--sort", "newest")

    query = api.requests[0].query
    assert {name: query[name] for name in ("q", "category", "sort")} == {
        "q": "sql",
        "category": "database",
        "sort": "newest",
    }
    assert result.out == "No app is like that.\n"


def test_apps_are_counted(api: StandIn, pitrix: Callable[..., object]) -> None:
    """By what they have."""
    api.lists("/v1/app_counts", {"kind": "keyword", "value": "sql", "apps": 3})

    result = pitrix("app", "list", "--counts")

    assert result.out.splitlines() == ["by       of   apps", "keyword  sql  3"]


def test_a_readme_is_printed_as_it_is_written(api: StandIn, pitrix: Callable[..., object]) -> None:
    """Of the version that is named."""
    api.answers("GET", "/v1/app_versions/ver-1", {"id": "ver-1"})
    api.answers("GET", "/v1/app_versions/ver-1/readme", {"markdown": "# etcd\n\na store\n"})

    result = pitrix("app", "readme", "ver-1")

    assert result.out == "# etcd\n\na store\n"
