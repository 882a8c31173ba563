"""``repo``: how repos are described to the API, and filled without it."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.catalog.opening import PlaceOpener
from pitrix_core.contracts.repo import Release
from pitrix_core.package import build_archive, read_index
from pitrix_core.plugins.registry import PluginRegistry

KINDS = {
    "items": [
        {
            "scheme": "oci",
            "name": "oci",
            "settings_schema": {
                "type": "object",
                "properties": {"plain_http": {"type": "boolean"}},
            },
            "credential_schema": {"type": "object", "properties": {"password": {}}},
        }
    ],
    "next_cursor": None,
}
REPO = {"id": "repo-1", "name": "mine", "url": "oci://host/x", "indexed_at": None, "findings": []}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A package's archive."""
    folder = tmp_path / "source"
    folder.mkdir()
    about = {"api_version": "v1", "name": "etcd", "version": "0.1.0"}
    (folder / "package.json").write_text(json.dumps(about))
    made = tmp_path / "etcd-0.1.0.tgz"
    made.write_bytes(build_archive(folder).content)
    return made


def test_settings_have_the_types_of_the_kind(
    api: StandIn, pitrix: Callable[..., Result], tmp_path: Path
) -> None:
    """And the credential comes from a file, not from the command line."""
    api.answers("GET", "/v1/repo_kinds", KINDS)
    api.answers("POST", "/v1/repos", REPO, status=201)
    (tmp_path / "password").write_text("word\n")

    result = pitrix(
        *("repo", "add", "mine", "oci://host/x", "--set", "plain_http=true"),
        *("--credential", f"password=@{tmp_path / 'password'}", "--visibility", "private"),
    )

    assert result.code == 0
    assert api.asked("POST", "/v1/repos")[0].body == {
        "name": "mine",
        "url": "oci://host/x",
        "settings": {"plain_http": True},
        "credential": {"password": "word"},
        "visibility": "private",
    }


def test_a_secret_on_the_command_line_is_refused(
    api: StandIn, pitrix: Callable[..., Result]
) -> None:
    """Others can read it there."""
    result = pitrix("repo", "add", "mine", "oci://host/x", "--credential", "password=word")

    assert result.code == 2
    assert "not taken from the command line" in result.err


def test_a_change_says_only_what_changes(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """The rest stays."""
    api.answers("GET", "/v1/repos/mine", REPO)
    api.answers("PATCH", "/v1/repos/repo-1", REPO)

    result = pitrix("repo", "set", "mine", "--every", "60", "--disable")

    assert result.code == 0
    assert api.asked("PATCH", "/v1/repos/repo-1")[0].body == {
        "index_interval_s": 60.0,
        "is_enabled": False,
    }


def test_a_repo_is_taken_away(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """By its name."""
    api.answers("DELETE", "/v1/repos/mine", None, status=204)

    result = pitrix("repo", "delete", "mine")

    assert (result.code, result.out) == (0, "Repo mine is gone.\n")


def test_a_repo_is_looked_at(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """What it lists, and what is wrong with it."""
    api.answers("GET", "/v1/repo_kinds", KINDS)
    finding = {"level": "warning", "code": "x", "message": "bad 1.0.0: it is not there"}
    found = {
        "kind": "oci",
        "apps": 2,
        "versions": 3,
        "app_types": ["vm"],
        "entries": [{"name": "etcd", "version": "3.5.0", "description": "A store"}],
        "findings": [finding],
    }
    api.answers("POST", "/v1/repos/validate", found)

    result = pitrix("repo", "check", "oci://host/x")

    assert result.code == 0
    assert "A store" in result.out
    assert "it is not there" in result.out
    assert api.asked("POST", "/v1/repos/validate")[0].body == {
        "url": "oci://host/x",
        "settings": {},
        "credential": {},
    }


def test_kinds_say_what_can_be_set(api: StandIn, pitrix: Callable[..., Result]) -> None:
    """By the names of settings and credential."""
    api.answers("GET", "/v1/repo_kinds", KINDS)

    result = pitrix("repo", "kinds")

    assert result.code == 0
    for word in ("oci://", "plain_http", "password"):
        assert word in result.out


def test_a_folder_is_served_until_it_is_told_to_stop(archive: Path) -> None:
    """By a signal, as any other server."""
    command = [sys.executable, "-m", "pitrix_core.cli.main", "repo", "serve", str(archive.parent)]
    process = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        got = httpx.get(f"{url}/{archive.name}", timeout=60)
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    finally:
        process.kill()
        process.communicate()

    assert got.content == archive.read_bytes()
    assert code == 0


def listed(folder: Path) -> set[tuple[str, str]]:
    """Return what a folder's index lists."""
    index = read_index((folder / "index.yaml").read_text())
    return {(entry.name, entry.version) for entry in index.entries}


def test_a_folder_with_a_slash_is_indexed_without_a_server(
    type_command: Callable[..., Result], archive: Path
) -> None:
    """No name of a repo has a slash."""
    result = type_command("repo", "index", f"{archive.parent}/", "--json")

    assert result.code == 0
    assert json.loads(result.out)["versions"] == 1
    assert listed(archive.parent) == {("etcd", "0.1.0")}


def test_a_package_is_pushed_into_a_folder(
    type_command: Callable[..., Result], archive: Path, tmp_path: Path
) -> None:
    """With the signature beside it, and listed."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (tmp_path / "etcd-0.1.0.tgz.minisig").write_text("signed")

    result = type_command("repo", "push", str(archive), folder.as_uri(), "--json")

    assert result.code == 0
    assert json.loads(result.out)["is_signed"]
    assert listed(folder) == {("etcd", "0.1.0")}
    assert (folder / "etcd-0.1.0.tgz").read_bytes() == archive.read_bytes()
    assert (folder / "etcd-0.1.0.tgz.minisig").read_text() == "signed"


def test_a_package_is_pushed_into_a_registered_repo(
    api: StandIn, pitrix: Callable[..., Result], archive: Path, tmp_path: Path
) -> None:
    """The server says where it is, and how it is read."""
    folder = tmp_path / "repo"
    folder.mkdir()
    api.answers("GET", "/v1/repos/mine", {**REPO, "url": folder.as_uri(), "settings": {}})

    result = pitrix("repo", "push", str(archive), "mine")

    assert (result.code, result.out) == (0, f"etcd 0.1.0 is in {folder.as_uri()}\n")
    assert listed(folder) == {("etcd", "0.1.0")}


def test_a_registered_repos_settings_are_those_of_the_server(
    api: StandIn, pitrix: Callable[..., Result], archive: Path
) -> None:
    """Here some that no folder has."""
    known = {**REPO, "url": archive.parent.as_uri(), "settings": {"region": "x"}}
    api.answers("GET", "/v1/repos/mine", known)

    result = pitrix("repo", "push", str(archive), "mine")

    assert result.code == 1
    assert "region" in result.err


def test_several_who_push_at_the_same_time_are_all_listed(archive: Path, tmp_path: Path) -> None:
    """Each replaces the index only while it is the one it has read."""
    folder = tmp_path / "repo"
    folder.mkdir()
    releases = [release(tmp_path, f"0.{number}.0") for number in range(6)]
    failures: list[BaseException] = []

    def push(what: Any) -> None:
        try:
            with PlaceOpener(PluginRegistry()).open_place(folder.as_uri()) as opened:
                opened.push(Release(file_name=what.name, archive=what.read_bytes()))
        except BaseException as ex:  # noqa: BLE001  # shown by the assertion below
            failures.append(ex)

    threads = [threading.Thread(target=push, args=(each,)) for each in releases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert listed(folder) == {("etcd", f"0.{number}.0") for number in range(6)}


def release(folder: Path, version: str) -> Path:
    """Return an archive of a version."""
    source = folder / f"source-{version}"
    source.mkdir()
    about = {"api_version": "v1", "name": "etcd", "version": version}
    (source / "package.json").write_text(json.dumps(about))
    made = folder / f"etcd-{version}.tgz"
    made.write_bytes(build_archive(source).content)
    return made


def test_a_push_to_nowhere_is_told(
    type_command: Callable[..., Result], archive: Path, tmp_path: Path
) -> None:
    """Without a traceback."""
    result = type_command("repo", "push", str(archive), (tmp_path / "gone").as_uri())

    assert result.code == 1
    assert "cannot be written" in result.err
