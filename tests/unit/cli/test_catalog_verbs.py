"""``repo``, ``app``, ``config`` and ``package``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result
from stand_in import StandIn

REPO = {"id": "repo-1", "name": "mine", "url": "file:///r", "indexed_at": None, "findings": []}
INDEXED = {**REPO, "indexed_at": "2026-08-21T09:30:00Z"}
APP = {"id": "app-1", "name": "etcd", "repo_id": "repo-1", "description": "A store"}


def version(text: str) -> dict[str, str]:
    """Return an app version as the API shows it."""
    return {"id": f"ver-{text}", "version": text, "app_version": "3.5", "app_type": "vm"}


@pytest.fixture
def package_folder(tmp_path: Path) -> Path:
    """A folder with the least a package needs to be packed."""
    folder = tmp_path / "source"
    folder.mkdir()
    about = {"api_version": "v1", "name": "etcd", "version": "0.1.0"}
    (folder / "package.json").write_text(json.dumps(about))
    return folder


def test_a_repo_is_added_and_read(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """The server reads a new repo's index at once: it is asked for no more."""
    api.answers("POST", "/v1/repos", INDEXED, status=201)

    result = pitrix(
        "repo", "add", "mine", "file:///r", "--selector", "zone=a", "--selector", "zone=b"
    )

    assert result.code == 0
    assert api.asked("POST", "/v1/repos")[0].body == {
        "name": "mine",
        "url": "file:///r",
        "settings": {},
        "credential": {},
        "selectors": {"zone": ["a", "b"]},
    }
    assert "2026-08-21 09:30:00Z" in result.out
    assert len(api.requests) == 1


def test_a_problem_is_shown_with_its_findings(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Each finding has its place, and the next step closes the message."""
    finding = {"level": "error", "code": "x", "message": "is no URL", "pointer": "/url"}
    problem = {"title": "Bad", "detail": "It is wrong.", "findings": [finding], "next_step": "Fix."}
    api.answers("POST", "/v1/repos", problem, status=422)

    result = pitrix("repo", "add", "mine", "nonsense")

    assert result.code == 1
    assert result.out == ""
    assert result.err.splitlines() == [
        "Error: It is wrong.",
        "  error /url: is no URL",
        "Next: Fix.",
    ]


def test_a_problem_for_programs_is_the_document(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """With --json standard error holds the problem document."""
    api.answers("GET", "/v1/repos", {"title": "No", "code": "unauthorized"}, status=401)

    result = pitrix("repo", "list", "--json")

    assert result.code == 1
    assert json.loads(result.err) == {"status": 401, "title": "No", "code": "unauthorized"}


def test_lists_are_aligned_where_nobody_looks(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Outside of a terminal a table is plain lines."""
    api.lists("/v1/apps", APP, {**APP, "id": "app-22", "name": "a-long-name", "description": ""})

    result = pitrix("app", "list", "--search", "e")

    assert api.requests[0].query["q"] == "e"
    assert result.out.splitlines() == [
        "name         latest  type  id      description",
        "etcd                       app-1   A store",
        "a-long-name                app-22",
    ]


def test_an_empty_list_says_what_to_do(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Nothing there: the next command is named."""
    api.lists("/v1/repos")

    result = pitrix("repo", "list")

    assert "pitrix repo add" in result.out


def test_json_is_the_apis(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """With --json a list looks as the API's."""
    api.lists("/v1/apps/etcd/versions", version("1.0.0"))

    result = pitrix("app", "versions", "etcd", "--json")

    assert json.loads(result.out) == {"items": [version("1.0.0")], "next_cursor": None}


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        pytest.param("etcd", "ver-1.0.0", id="newest-release"),
        pytest.param("etcd@2.0.0-rc.1", "ver-2.0.0-rc.1", id="named-version"),
    ],
)
def test_parameters_are_listed_with_their_paths(
    api: StandIn, pitrix: Callable[..., Result], named: str, wanted: str
) -> None:
    """``config schema`` finds the version and shows each parameter as --set takes it."""
    schema = {"properties": {"cluster": {"properties": {"count": {"type": "integer"}}}}}
    api.answers("GET", "/v1/apps/etcd", APP)
    api.lists("/v1/apps/app-1/versions", version("2.0.0-rc.1"), version("1.0.0"))
    api.answers("GET", f"/v1/app_versions/{wanted}/config_schema", schema)

    result = pitrix("config", "schema", named)

    assert result.code == 0
    assert result.out.splitlines()[1].split() == ["cluster.count", "integer"]


def test_a_version_that_is_not_there_names_those_that_are(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """The message lists the versions."""
    api.answers("GET", "/v1/apps/etcd", APP)
    api.lists("/v1/apps/app-1/versions", version("1.0.0"))

    result = pitrix("config", "schema", "etcd@9.9.9")

    assert result.code == 1
    assert "1.0.0" in result.err


def test_a_package_is_built_and_listed(
    tmp_path: Path, package_folder: Path, type_command: Callable[..., Result]
) -> None:
    """The archive and the index stand in the folder that was named, made if need be."""
    output = tmp_path / "repo"

    result = type_command("package", "build", str(package_folder), "-o", str(output))

    assert result.code == 0
    assert (output / "etcd-0.1.0.tgz").exists()
    assert "etcd-0.1.0.tgz" in (output / "index.yaml").read_text()


def test_building_again_changes_nothing(
    tmp_path: Path, package_folder: Path, type_command: Callable[..., Result]
) -> None:
    """The same folder gives the same archive."""
    words = ("package", "build", str(package_folder), "-o", str(tmp_path / "repo"), "--json")

    first, second = type_command(*words), type_command(*words)

    assert json.loads(first.out) == json.loads(second.out)


def test_a_version_is_never_replaced(
    tmp_path: Path, package_folder: Path, type_command: Callable[..., Result]
) -> None:
    """Other content under the same version is refused; the archive stays as it was."""
    words = ("package", "build", str(package_folder), "-o", str(tmp_path / "repo"))
    type_command(*words)
    archive = tmp_path / "repo" / "etcd-0.1.0.tgz"
    before = archive.read_bytes()
    (package_folder / "README.md").write_text("new")

    result = type_command(*words)

    assert result.code == 1
    assert "new one" in result.err
    assert archive.read_bytes() == before


def test_a_folder_that_is_no_package_is_refused(
    tmp_path: Path, type_command: Callable[..., Result]
) -> None:
    """The message says what is missing, and nothing is written."""
    empty = tmp_path / "empty"
    empty.mkdir()

    result = type_command("package", "build", str(empty), "-o", str(tmp_path / "repo"))

    assert result.code == 1
    assert "Error: " in result.err
    assert not (tmp_path / "repo").exists()


def test_a_package_of_an_unknown_type_is_built_with_a_warning(
    tmp_path: Path, package_folder: Path, type_command: Callable[..., Result]
) -> None:
    """Its app type may be installed where it is deployed."""
    result = type_command("package", "build", str(package_folder), "-o", str(tmp_path / "repo"))

    assert result.code == 0
    assert "It was not checked" in result.err


def test_a_package_that_its_app_type_refuses_is_not_written(
    tmp_path: Path, package_folder: Path, type_command: Callable[..., Result]
) -> None:
    """What indexing would leave out is said while it is built, with its place."""
    pytest.importorskip("pitrix_vm", reason="needs: pip install pitrix-vm")
    (package_folder / "config.json").write_text('{"type": "array", "properties": []}')
    (package_folder / "cluster.json.tmpl").write_text('{"name": "x",\n "nodes": [{"role": "a"}]}')

    result = type_command("package", "build", str(package_folder), "-o", str(tmp_path / "repo"))

    assert result.code == 1
    assert "error cluster.json.tmpl:2:12: container is missing" in result.err
    assert not (tmp_path / "repo").exists()


def test_a_provider_says_what_it_can_be_told(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Its settings and credential stand as rows, with defaults that stand beside a reference."""
    mode = {"$ref": "#/$defs/Mode", "default": "auto"}
    settings = {
        "$ref": "#/$defs/Settings",
        "$defs": {
            "Settings": {"properties": {"mode": mode}},
            "Mode": {"enum": ["auto", "off"]},
        },
    }
    described = {"name": "local", "settings_schema": settings, "credential_schema": {}}
    api.answers("GET", "/v1/providers/local", described)

    result = pitrix("provider", "show", "local")

    assert result.code == 0
    assert ["mode", "auto", "auto,", "off"] in [line.split() for line in result.out.splitlines()]
    assert result.out.endswith("none\n")


def test_providers_are_listed(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """Each with the distribution it comes from."""
    api.lists("/v1/providers", {"name": "local", "distribution": "pitrix-local", "version": "0.1"})

    result = pitrix("provider", "list")

    assert result.out.splitlines()[1].split() == ["local", "pitrix-local", "0.1"]
