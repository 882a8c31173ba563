"""What is wrong is refused with the reason and the next step, and leaves nothing behind."""

import json
from pathlib import Path

import pytest

from .conftest import Installation, local_settings
from .second_app import write_image, write_package


@pytest.fixture(scope="module")
def ready(installation: Installation, folder: Path, etcd_folder: str) -> Installation:
    """An installation with the app and a runtime."""
    repo = folder / "repo"
    installation.run("package", "build", str(write_package(folder)), "-o", str(repo))
    installation.run("repo", "add", "mine", repo.as_uri())
    write_image(folder / "images")
    installation.run("runtime", "add", "here", *local_settings(etcd_folder, folder / "images"))
    return installation


def test_a_configuration_is_refused_with_every_finding(ready: Installation, tmp_path: Path) -> None:
    """Each violation has its place; no cluster and no job come of it."""
    values = tmp_path / "values.json"
    values.write_text('{"cluster": {"web": {"count": 99, "cpu": 7, "memory": "lots"}}}')

    ran = ready.run("deploy", "hello", "--values", str(values), "--yes", check=False)

    assert ran.code == 1
    for pointer in ("/cluster/web/count", "/cluster/web/cpu", "/cluster/web/memory"):
        assert pointer in ran.err + ran.out
    assert ready.run("cluster", "list", "--json").json["items"] == []
    assert ready.run("job", "list", "--json").json["items"] == []


def test_an_unknown_runtime_is_named(ready: Installation) -> None:
    """The message names it and says how to list those there are."""
    ran = ready.run("plan", "hello", "--runtime", "elsewhere", check=False)

    assert ran.code == 1
    assert "elsewhere" in ran.err
    assert "pitrix runtime list" in ran.err


def test_bad_archives_beside_a_good_one(ready: Installation, tmp_path: Path) -> None:
    """Each is reported in the repo's findings; the good one is offered."""
    repo = tmp_path / "mixed"
    ready.run("package", "build", str(write_package(tmp_path, name="good")), "-o", str(repo))
    good = (repo / "index.yaml").read_text()
    (repo / "broken.tgz").write_bytes(b"this is no archive")
    entry = "  broken:\n  - name: broken\n    version: 1.0.0\n    urls: [broken.tgz]\n"
    stray = "  stray:\n  - name: stray\n    version: 1.0.0\n    urls: [../../../etc/passwd]\n"
    (repo / "index.yaml").write_text(good.replace("entries:\n", f"entries:\n{entry}{stray}"))

    found = ready.run("repo", "add", "mixed", repo.as_uri(), "--json").json

    text = json.dumps(found["findings"])
    assert "broken 1.0.0" in text
    assert "stray 1.0.0" in text
    names = [app["name"] for app in ready.run("app", "list", "--json").json["items"]]
    assert "good" in names
    assert "broken" not in names
    assert "stray" not in names


def test_a_package_of_no_known_type(ready: Installation, tmp_path: Path) -> None:
    """Building says what a package has to have, or indexing says that nobody recognises it."""
    package = tmp_path / "strange"
    package.mkdir()
    (package / "package.json").write_text('{"name": "strange", "version": "1.0.0"}')
    ready.run("package", "build", str(package), "-o", str(tmp_path / "strange-repo"))

    url = (tmp_path / "strange-repo").as_uri()
    found = ready.run("repo", "add", "strange", url, "--json").json

    assert "package_unknown" in json.dumps(found["findings"])


def test_a_template_that_cannot_be_rendered(ready: Installation, tmp_path: Path) -> None:
    """It is found when the package is indexed or planned; no cluster comes of it."""
    package = write_package(tmp_path, name="torn")
    template = package / "cluster.json.tmpl"
    template.write_text(template.read_text().replace('"nodes": [', '"nodes": ] '))
    repo = tmp_path / "torn-repo"
    built = ready.run("package", "build", str(package), "-o", str(repo), check=False)
    if built.code == 0:
        ready.run("repo", "add", "torn", repo.as_uri(), check=False)

    ran = ready.run("plan", "torn", check=False)

    assert ran.code == 1
    assert ready.run("cluster", "list", "--json").json["items"] == []
