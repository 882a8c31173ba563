"""The store as its people use it, each from a machine of their own: from a vendor's upload to the
bill.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from unittest import mock

import pytest

from .conftest import Installation, Ran, local_settings
from .second_app import PASSWORD, write_image, write_package

#: Name → home group and role. What they may do with others' things is granted beside that.
PEOPLE: Final = {
    "vera": ("/acme/web", "developer"),
    "rita": ("/acme", "user"),
    "olga": ("/acme", "user"),
    "uma": ("/beta", "user"),
}
GRANTS: Final = {"rita": "reviewer", "olga": "operator"}
LOGIN_PASSWORD: Final = "as long as a sentence is"
#: A cluster of one machine of the package.
SMALL: Final = ("--set", f"env.web.password={PASSWORD}", "--set", "cluster.web.count=1")
#: A month may begin while a test runs.
EVER: Final = ("--from", "2020-01-01")


def typed_password(somebody: Installation, *words: str) -> Ran:
    """Run the command line, and type the password whenever it asks."""
    with mock.patch("click.termui.hidden_prompt_func", return_value=LOGIN_PASSWORD):
        return somebody.run(*words)


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    """Versions are reviewed by engineers."""
    return {"PITRIX_REVIEW_PHASES": "technical"}


@pytest.fixture(scope="module")
def people(installation: Installation, folder: Path) -> dict[str, Installation]:
    """Those who were let in, and are logged in."""
    url = (installation.data / "url").read_text().strip()
    for path in ("/acme", "/acme/web", "/beta"):
        installation.run("group", "add", path)
    for name, (group, role) in PEOPLE.items():
        said = ("user", "add", name, "--group", group, "--role", role, "--password")
        typed_password(installation, *said)
    for name, role in GRANTS.items():
        installation.run("grant", "add", name, role, "/acme")
    found = {}
    for name in PEOPLE:
        home = folder / f"home of {name}"
        home.mkdir()
        found[name] = Installation(home / "nothing", home, settings={"PITRIX_URL": url})
        typed_password(found[name], "login", name)
    return found


@pytest.fixture(scope="module")
def runtime(installation: Installation, folder: Path, etcd_folder: str) -> Iterator[str]:
    """A runtime that everybody may use; nothing is left of it."""
    write_image(folder / "images")
    installation.run("runtime", "add", "here", *local_settings(etcd_folder, folder / "images"))
    yield "here"
    installation.run("runtime", "delete", "here", "--yes")


def archive_of(person: Installation, folder: Path, name: str) -> Path:
    """Return the archive of a package that somebody wrote."""
    package = write_package(folder, name=name)
    person.run("package", "build", str(package), "-o", str(folder / "built"))
    [found] = (folder / "built").glob("*.tgz")
    return found


def uploaded(people: Mapping[str, Installation], folder: Path, name: str) -> str:
    """Upload a version as its vendor, and have it reviewed; return its id, not released yet."""
    vendor, reviewer = people["vera"], people["rita"]
    version = vendor.run("app", "upload", str(archive_of(vendor, folder, name)), "--json").json
    vendor.run("app", "submit", version["id"])
    for move in ("take", "pass"):
        reviewer.run("review", move, version["id"])
    return str(version["id"])


def apps_of(person: Installation) -> set[str]:
    """Return the names of the apps that somebody sees."""
    return {app["name"] for app in person.run("app", "list", "--json").json["items"]}


def test_a_version_is_found_once_it_was_reviewed_and_released(
    people: dict[str, Installation], tmp_path: Path
) -> None:
    """Each move by who may make it, and written down; before, others do not see it."""
    version = uploaded(people, tmp_path, "reviewed")
    refused = people["vera"].run("app", "release", version, check=False)
    seen_before = "reviewed" in apps_of(people["uma"])
    people["olga"].run("app", "release", version)

    found = people["uma"].run("app", "list", "--search", "review", "--json").json["items"]
    moves = people["vera"].run("app", "history", version, "--json").json["items"]
    assert (refused.code, "versions.publish" in refused.err) == (1, True)
    assert not seen_before
    assert [app["name"] for app in found] == ["reviewed"]
    assert {(move["move"], move["actor"]) for move in moves} == {
        ("revise", "vera"),
        ("submit", "vera"),
        ("take", "rita"),
        ("pass", "rita"),
        ("release", "olga"),
    }


def test_what_is_suspended_is_not_on_offer(people: dict[str, Installation], tmp_path: Path) -> None:
    """Until it is recovered; its vendor is told why."""
    version = uploaded(people, tmp_path, "suspended")
    people["olga"].run("app", "release", version)
    people["olga"].run("app", "suspend", version, "--reason", "It leaks.")
    seen_meanwhile = "suspended" in apps_of(people["uma"])
    people["olga"].run("app", "recover", version)

    assert not seen_meanwhile
    assert "suspended" in apps_of(people["uma"])
    assert "It leaks." in people["vera"].run("app", "history", version).out


def test_a_repo_for_a_group_is_not_there_for_others(
    installation: Installation, people: dict[str, Installation], tmp_path: Path
) -> None:
    """Nor are its apps; nobody is told that there is something."""
    archive = archive_of(people["vera"], tmp_path, "inside")
    shown = ("--visibility", "groups", "--group", "/acme")
    installation.run("repo", "add", "inside", archive.parent.as_uri(), *shown)

    refused = people["uma"].run("app", "show", "inside", check=False)
    assert "inside" in apps_of(people["vera"])
    assert "inside" not in apps_of(people["uma"])
    assert "There is no app 'inside'." in refused.err


def test_a_deployment_is_metered_and_its_vendor_is_told(
    people: dict[str, Installation], runtime: str, tmp_path: Path
) -> None:
    """From the comparison of runtimes to the bill; the vendor learns numbers, and no names."""
    user, vendor = people["uma"], people["vera"]
    people["olga"].run("app", "release", uploaded(people, tmp_path, "metered"))
    matches = user.run("app", "match", "metered", *SMALL, "--json").json["runtimes"]
    options = ("--runtime", runtime, "--name", "first", "--yes", *SMALL)
    user.run("deploy", "metered", *options)
    user.run("cluster", "delete", "first", "--yes")

    [bill] = csv.DictReader(io.StringIO(user.run("usage", "--by", "app", "--csv", *EVER).out))
    told = vendor.run("app", "stats", "metered", "--json", *EVER)
    assert [(one["runtime_name"], one["matches"]) for one in matches] == [(runtime, True)]
    assert (bill["name"], float(bill["core_hours"]) > 0) == ("metered", True)
    assert [day["deployments"] for day in told.json["days"]] == [1]
    assert told.json["users"] == 1
    assert "uma" not in told.out


def test_a_quota_refuses_what_is_beyond_it(
    installation: Installation, people: dict[str, Installation], runtime: str, tmp_path: Path
) -> None:
    """When it is planned, in words that say whom to ask; others go on."""
    people["olga"].run("app", "release", uploaded(people, tmp_path, "limited"))
    installation.run("quota", "set", "--group", "/beta", "--clusters", "0")
    wanted = ("plan", "limited", "--runtime", runtime, *SMALL)

    refused = people["uma"].run(*wanted, check=False)

    installation.run("quota", "remove", "--group", "/beta")
    assert refused.code == 1
    assert "Group /beta may have 0 clusters." in refused.err
    assert "ask who may change the quota" in refused.err
    assert people["uma"].run(*wanted).code == 0


def test_the_audit_shows_what_was_changed_behind_its_back(
    installation: Installation, people: dict[str, Installation], tmp_path: Path
) -> None:
    """The export of what people did is sound, and no more so once a word of it is another."""
    people["vera"].run("token", "add", "ci")
    export = tmp_path / "audit.jsonl"
    anchor = installation.run("audit", "export", str(export), "--json").json["anchor"]
    check = ("audit", "verify", "--file", str(export), "--anchor", anchor)
    sound = installation.run(*check)
    text = export.read_text()
    export.write_text(text.replace('"user": "vera"', '"user": "olga"', 1))

    forged = installation.run(*check, check=False)
    assert (sound.code, forged.code) == (0, 1)
    assert export.read_text() != text
    assert LOGIN_PASSWORD not in text
