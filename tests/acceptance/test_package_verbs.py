"""What an author of packages types, from the first file to the archive; no server runs."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import REPOSITORY, SCRIPTS, Ran

Pitrix = Callable[..., Ran]

#: A package as the first ones were: no package.json, no role, tags without quotes in a .tmpl.
FORM = {
    "type": "array",
    "properties": [
        {
            "key": "cluster",
            "type": "array",
            "properties": [
                {"key": "name", "type": "string", "default": "keeper", "required": "no"},
                {"key": "subnet", "type": "string", "default": "", "required": "yes"},
                {
                    "key": "node",
                    "type": "array",
                    "properties": [
                        {"key": "count", "type": "integer", "default": 3, "required": "yes"},
                        {"key": "disk", "type": "integer", "default": 10, "required": "yes"},
                    ],
                },
            ],
        }
    ],
}
TEMPLATE = """{
    "name": {{cluster.name}},
    "subnet": {{cluster.subnet}},
    "nodes": [{
        "container": {"type": "kvm", "image": "img-1", "zone": "a"},
        "count": {{cluster.node.count}},
        "volume": {"size": {{cluster.node.disk}}},
        "services": {"start": {"cmd": "/opt/keeper/start"}, "stop": {"cmd": "/opt/keeper/stop"}}
    }]
}
"""


@pytest.fixture
def pitrix(home: Path) -> Pitrix:
    """Type words after ``pitrix``, where no server is."""

    def typed(*words: str) -> Ran:
        ran = subprocess.run(
            [str(SCRIPTS / "pitrix"), *words],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return typed


@pytest.fixture(params=["unnamed", "seed"])
def unnamed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A package that does not say what it is called: our own, and the oldest one there is."""
    folder = tmp_path / "unnamed"
    if request.param == "seed":
        shared = Path(os.environ.get("PITRIX_SHARED", "/nonexistent"))
        seed = shared / "corpus" / "openpitrix" / "blog-ZooKeeper" / "en"
        if not seed.is_dir():
            pytest.skip("run with PITRIX_SHARED=FOLDER, where FOLDER/corpus holds packages")
        shutil.copytree(seed, folder)
        return folder
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(FORM))
    (folder / "cluster.json.tmpl").write_text(TEMPLATE)
    return folder


@pytest.mark.parametrize("dialect", ["jinja", "openpitrix", "appcenter"])
def test_a_new_package_passes_every_verb(pitrix: Pitrix, home: Path, dialect: str) -> None:
    """It lints without a warning, its cases pass, it renders, builds, and is what was built."""
    assert pitrix("package", "new", "shop", "--dialect", dialect).code == 0

    linted = pitrix("package", "lint", "shop", "--strict")
    tested = pitrix("package", "test", "shop", "--json")
    rendered = pitrix("package", "render", "shop", "--set", "cluster.node.count=2")
    built = pitrix("package", "build", "shop", "-o", "repo", "--json")
    compared = pitrix("package", "diff", "shop", "repo/shop-0.1.0.tgz", "--exit-code")

    assert linted.code == 0, linted.out
    assert (tested.code, tested.json["failed"]) == (0, 0)
    assert rendered.json["nodes"][0]["count"] == 2
    assert (home / built.json["file"]).is_file()
    assert (compared.code, compared.out) == (0, "No difference.\n")


def test_a_package_without_a_name_passes_every_verb(
    pitrix: Pitrix, home: Path, unnamed: Path
) -> None:
    """--name and --version are all it lacks; what is built of it says them itself."""
    names = ("--name", "ZooKeeper", "--version", "0.1.0")

    linted = pitrix("package", "lint", str(unnamed), *names)
    rendered = pitrix("package", "render", str(unnamed), *names)
    inspected = pitrix("package", "inspect", str(unnamed), *names, "--json")
    built = pitrix("package", "build", str(unnamed), *names, "-o", "repo")
    again = pitrix("package", "inspect", "repo/ZooKeeper-0.1.0.tgz", "--json")

    assert (linted.code, rendered.code, inspected.code, built.code) == (0, 0, 0, 0)
    assert rendered.json["nodes"][0]["count"] == 3
    assert inspected.json["dialect"] == "appcenter"
    assert inspected.json["outline"]["roles"][0]["count"] == 3
    assert again.json == inspected.json


def test_the_example_passes_its_cases(pitrix: Pitrix) -> None:
    """What is shown as an example is tested as authors are told to."""
    ran = pitrix("package", "test", str(REPOSITORY / "examples" / "packages" / "etcd"))

    assert ran.code == 0, ran.out
    assert "4 cases, 0 failed" in ran.out


def test_an_upgrade_that_loses_a_role_is_a_warning(pitrix: Pitrix, home: Path) -> None:
    """The author of a new version learns what clusters of the old one would lose."""
    pitrix("package", "new", "shop", "--dialect", "openpitrix")
    shutil.copytree(home / "shop", home / "next")
    for file in ("config.json", "cluster.json.tmpl"):
        text = (home / "next" / file).read_text()
        renamed = text.replace('"node"', '"peer"').replace(".node.", ".peer.")
        (home / "next" / file).write_text(renamed.replace("node.env", "peer.env"))

    ran = pitrix("package", "diff", "shop", "next", "--json")

    codes = {finding["code"] for finding in ran.json["findings"]}
    assert {"upgrade.role", "upgrade.removed"} <= codes
