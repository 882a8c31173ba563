"""A stand-in for the API, and a way to type verbs at it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from pitrix_core.cli.main import run

sys.path.insert(0, str(Path(__file__).parent))

from stand_in import StandIn  # found by the line above


@attrs.frozen
class Result:
    """What a verb left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def api() -> Iterator[StandIn]:
    """An API that answers what a test told it to."""
    with StandIn() as server:
        yield server


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings of whoever runs the tests away from them."""
    for name in ("PITRIX_URL", "PITRIX_TOKEN", "PITRIX_DATA", "PITRIX_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg-config"))


@pytest.fixture
def type_command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Type words after ``pitrix``."""

    def typed(*words: str) -> Result:
        code = run(words)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return typed


@pytest.fixture
def pitrix(api: StandIn, type_command: Callable[..., Result]) -> Callable[..., Result]:
    """Type words after ``pitrix``, for the stand-in."""

    def typed(*words: str) -> Result:
        return type_command(*words, "--url", api.url, "--token", "secret")

    return typed


@pytest.fixture
def shops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Install the app type ``shop`` as a distribution of its own, beside those that are there."""
    site = tmp_path / "site"
    about = site / "pitrix_shop-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pitrix-shop\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pitrix.plugins]\nshop = shop_type\n")
    monkeypatch.syspath_prepend(str(site))
