"""Configurations through the API: everything that is wrong with one, in the caller's language."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import attrs
import falcon.testing
import pytest

from pitrix_core import AppType, hookimpl
from pitrix_core.catalog.indexer import Indexer
from pitrix_core.catalog.loader import PackageLoader
from pitrix_core.catalog.opening import RepoOpener
from pitrix_core.catalog.sources.file import FileKind
from pitrix_core.model import PackageSpec, PlanDraft
from pitrix_core.package import build_archive, describe, write_index
from pitrix_core.plugins.discovery import PLUGINS, REPO_KINDS
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.rest.app import make_app
from pitrix_core.service.services import Services
from pitrix_core.testing.entry_points import entry_point

Client = falcon.testing.TestClient

TITLES = {"en": ("Node count", "Password", "Peers"), "zh-CN": ("节点数", "密码", "同伴")}


class FormType(AppType[PackageSpec]):
    """Every package has the same form."""

    name = "form"

    def claims(self, index: Any) -> bool:
        return bool(index.has("form.json"))

    def parse(self, reader: Any) -> PackageSpec:
        return PackageSpec(info=describe(reader))

    def config_schema(self, spec: PackageSpec, *, language: str = "en") -> Any:
        count, password, peers = TITLES.get(language, TITLES["en"])
        hidden = {"const": "", "title": peers}
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["password"],
            "properties": {
                "count": {"type": "integer", "enum": [1, 3, 5], "default": 1, "title": count},
                "password": {"type": "string", "writeOnly": True, "pattern": "^.{8,}$"},
                "peers": {
                    "type": "string",
                    "default": "",
                    "title": peers,
                    "x-visible-if": [{"key": "count", "in": [3, 5]}],
                },
            },
            "allOf": [
                {"properties": {"password": {"title": password}}},
                {
                    "if": {"properties": {"count": {"enum": [3, 5]}}, "required": ["count"]},
                    "else": {"properties": {"peers": hidden}},
                },
            ],
        }

    def requires(self, spec: PackageSpec) -> frozenset[str]:
        return frozenset()

    def plan(self, request: Any) -> PlanDraft:
        return PlanDraft(tasks=())


class Plugin:
    """Adds the app type."""

    @hookimpl
    def pitrix_app_types(self) -> Any:
        return [FormType()]


@pytest.fixture
def api(services: Services) -> Client:
    """A client of the whole API, with packages that have a form."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(PLUGINS, "forms", Plugin()),
            entry_point(REPO_KINDS, "file", FileKind),
        ]
    )
    opener = RepoOpener(services.store, registry)
    services = attrs.evolve(
        services,
        registry=registry,
        loader=PackageLoader(services.store, registry),
        opener=opener,
        indexer=Indexer(services.store, registry, opener),
    )
    return Client(make_app(services), headers={"Authorization": "Bearer the-admin's-token"})


@pytest.fixture
def version_id(api: Client, tmp_path: Path) -> str:
    """An app version whose configuration can be asked for."""
    source, folder = tmp_path / "app", tmp_path / "repo"
    source.mkdir()
    folder.mkdir()
    (source / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0"}))
    (source / "form.json").write_text("{}")
    built = build_archive(source)
    (folder / built.file_name).write_bytes(built.content)
    write_index(folder, now=dt.datetime(2026, 8, 1, tzinfo=dt.UTC))
    api.simulate_post("/v1/repos", json={"name": "mine", "url": folder.as_uri()})
    versions = api.simulate_get("/v1/apps/app/versions").json
    return str(versions["items"][0]["id"])


def plan(api: Client, version_id: str, config: Any, **headers: str) -> Any:
    """Ask for a plan, and return the refusal."""
    body = {"app_version_id": version_id, "config": config}
    return api.simulate_post("/v1/plans", json=body, headers=headers)


def test_everything_that_is_wrong_is_said_at_once(api: Client, version_id: str) -> None:
    """Each with its place below ``/config``, its label, and no secret."""
    config = {"count": 2, "password": "hunter2", "peers": "a", "colour": "red"}

    refused = plan(api, version_id, config)

    assert refused.status_code == 422
    assert refused.json["code"] == "config_invalid"
    assert [(f["pointer"], f["message"]) for f in refused.json["findings"]] == [
        ("/config/colour", "'colour' is not known here"),
        ("/config/count", "Node count: 2 is not one of 1, 3, 5"),
        ("/config/password", "Password: the value does not match the pattern ^.{8,}$"),
        ("/config/peers", "Peers: is only for Node count = 3, 5"),
    ]
    assert "hunter2" not in refused.text


@pytest.mark.parametrize(
    ("language", "label"),
    [
        pytest.param("zh-CN, en;q=0.5", "节点数", id="the-callers"),
        pytest.param("en;q=0.9, zh-CN;q=0.2", "Node count", id="the-one-wanted-most"),
        pytest.param(";;q=,,", "Node count", id="none-that-can-be-read"),
    ],
)
def test_labels_are_in_the_callers_language(
    api: Client, version_id: str, language: str, label: str
) -> None:
    """As Accept-Language says."""
    refused = plan(
        api, version_id, {"count": 2, "password": "long enough"}, **{"Accept-Language": language}
    )

    assert [f["message"] for f in refused.json["findings"]] == [f"{label}: 2 is not one of 1, 3, 5"]


@pytest.mark.parametrize(
    ("query", "accepted", "label"),
    [
        pytest.param({}, "zh-CN", "节点数", id="by-header"),
        pytest.param({"language": "en"}, "zh-CN", "Node count", id="by-parameter-first"),
        pytest.param({}, "", "Node count", id="by-default"),
    ],
)
def test_a_form_is_in_the_callers_language(
    api: Client, version_id: str, query: dict[str, str], accepted: str, label: str
) -> None:
    """Caches are told what it depends on."""
    answer = api.simulate_get(
        f"/v1/app_versions/{version_id}/config_schema",
        params=query,
        headers={"Accept-Language": accepted},
    )

    assert answer.json["properties"]["count"]["title"] == label
    assert answer.headers["vary"] == "Accept-Language"


def test_the_document_says_that_languages_are_understood(api: Client) -> None:
    """At every operation whose answer depends on them."""
    paths = api.simulate_get("/v1/openapi.json").json["paths"]
    schema = paths["/v1/app_versions/{id}/config_schema"]["get"]

    for operation in (schema, paths["/v1/plans"]["post"]):
        assert "Accept-Language" in [parameter["name"] for parameter in operation["parameters"]]


def test_what_is_nested_without_end_is_refused(api: Client, version_id: str) -> None:
    """Deeper than any form, and not deep enough to be no JSON."""
    config = json.loads('{"a":' * 300 + "1" + "}" * 300)

    refused = plan(api, version_id, config)

    assert refused.status_code == 422
    assert "levels" in refused.json["detail"]
