"""etcd is chosen with care."""

import sys
from pathlib import Path

import pytest

from pitrix_frontgate.errors import EtcdServerError
from pitrix_frontgate.etcd_binary import find_etcd, objection_to


@pytest.mark.parametrize(
    ("version", "throw_away"),
    [
        ((3, 4, 23), False),
        ((3, 4, 30), False),
        ((3, 5, 3), False),
        ((3, 5, 30), False),
        ((3, 6, 1), False),
        ((3, 5, 0), True),
        ((3, 5, 2), True),
    ],
)
def test_a_sound_etcd_is_accepted(version: tuple[int, int, int], throw_away: bool) -> None:
    """Those that lose data are accepted where the data may be lost."""
    assert objection_to(version, throw_away=throw_away) is None


@pytest.mark.parametrize(
    ("version", "throw_away"),
    [
        ((3, 5, 0), False),
        ((3, 5, 1), False),
        ((3, 5, 2), False),
        ((3, 4, 22), False),
        ((3, 4, 22), True),
        ((2, 3, 8), True),
        (None, True),
    ],
)
def test_an_unsound_etcd_is_refused(version: tuple[int, int, int] | None, throw_away: bool) -> None:
    """Those that lose data are refused where it counts, ancient ones always."""
    assert objection_to(version, throw_away=throw_away) is not None


def _fake_etcd(folder: Path, version: str) -> None:
    folder.mkdir(exist_ok=True)
    script = folder / "etcd"
    script.write_text(f"#!/bin/sh\necho 'etcd Version: {version}'\n")
    script.chmod(0o755)


def test_the_refusal_names_the_etcd_and_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator learns which file it is and what to install."""
    _fake_etcd(tmp_path, "3.5.1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    with pytest.raises(EtcdServerError) as caught:
        find_etcd(throw_away=False)

    assert str(tmp_path / "etcd") in str(caught.value)
    assert "apt-get install etcd-server" in str(caught.value)


@pytest.mark.parametrize(
    "path", [pytest.param("{0}/a", id="beside-python"), pytest.param("{0}/a:{0}/b", id="on-path")]
)
def test_an_unfit_etcd_does_not_hide_a_fit_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Every one on PATH is looked at, and the one beside Python."""
    _fake_etcd(tmp_path / "a", "3.3.0")
    _fake_etcd(tmp_path / "b", "3.5.30")
    monkeypatch.setenv("PATH", path.format(tmp_path))
    beside = "b" if path.endswith("a") else "nowhere"
    monkeypatch.setattr(sys, "executable", str(tmp_path / beside / "python"))

    found = find_etcd(throw_away=False)

    assert found == (str(tmp_path / "b" / "etcd"), (3, 5, 30))
