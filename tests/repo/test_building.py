"""What installs and tests the repository knows all of it."""

import configparser
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DISTRIBUTIONS: Final = sorted(
    path.parent for path in ROOT.glob("*/pitrix-*/pyproject.toml") if path.parent.is_dir()
)


def test_constraints_are_names_and_versions() -> None:
    """No address, no option, no range: where packages come from is the user's choice."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    wrong = [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)]
    assert lines
    assert wrong == []


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)
def test_every_distribution_has_an_environment(folder: Path) -> None:
    """Each is tested alone, and installed for the acceptance tests and the type checker."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    name = folder.name.removeprefix("pitrix-")

    assert name in re.split(r"[\s,]+", tox["tox"]["env_list"])
    assert f"{{[testenv]{name}}}" in tox["testenv:acceptance"]["commands_pre"]
    assert f"-e {folder.relative_to(ROOT)}" in tox["testenv:types"]["commands_pre"]
    assert f"-p {folder.name.replace('-', '_')}" in tox["testenv:types"]["commands"]
    assert f"{folder.relative_to(ROOT)}/src" in tox["testenv:lint"]["set_env"]


@pytest.mark.parametrize("script", ["run", "packages"])
def test_what_ci_runs_can_be_run(script: str) -> None:
    """The scripts are executable."""
    assert (ROOT / ".ci" / script).stat().st_mode & 0o111
