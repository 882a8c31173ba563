"""The command line, called as a function."""

from __future__ import annotations

import json
import pathlib

import pytest

from pitrix_drone import __version__
from pitrix_drone.cli import main


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """An image with one resource."""
    (tmp_path / "etc/confd/conf.d").mkdir(parents=True)
    (tmp_path / "etc/confd/templates").mkdir()
    resource = '[template]\nsrc = "a"\ndest = "/opt/a"\nreload_cmd = "exit 1"\n'
    (tmp_path / "etc/confd/conf.d/a.toml").write_text(resource, "utf-8")
    (tmp_path / "etc/confd/templates/a").write_text('{{getv "/env/a"}}', "utf-8")
    return tmp_path


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Alone on its line."""
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_an_author_renders_without_a_cluster(
    root: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command is run."""
    metadata = root / "m.json"
    metadata.write_text('{"/self/env/a": "x"}', "utf-8")

    exit_code = main(["render", "--once", "--root", str(root), "--metadata", str(metadata)])

    assert (exit_code, (root / "opt/a").read_text("utf-8")) == (0, "x")
    assert capsys.readouterr().out == f"wrote {root}/opt/a\n"
    assert {path.name for path in root.iterdir()} == {"etc", "m.json", "opt"}


def test_keys_below_self_are_tried_in_their_dialect(root: pathlib.Path) -> None:
    """OpenPitrix's templates name keys with ``/self``, or any does with the prefix ``/``."""
    (root / "etc/confd/templates/a").write_text('{{getv "/self/env/a"}}', "utf-8")
    metadata = root / "m.json"
    metadata.write_text('{"env/a": "x"}', "utf-8")
    tried = ["render", "--once", "--root", str(root), "--metadata", str(metadata)]

    by_dialect = main([*tried, "--dialect", "openpitrix"])
    text = (root / "opt/a").read_text("utf-8")
    by_prefix = main([*tried, "--prefix", "/"])

    assert (by_dialect, text, by_prefix) == (0, "x", 0)


def test_a_template_that_fails_is_told(
    root: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1, and nothing is written."""
    assert main(["render", "--once", "--root", str(root)]) == 1
    assert "a.toml: template: a:1: error calling getv" in capsys.readouterr().err
    assert not (root / "opt/a").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}'])
def test_bad_metadata_is_told(
    root: pathlib.Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """With the file's name."""
    (root / "m.json").write_text(text, "utf-8")

    assert main(["render", "--once", "--root", str(root), "--metadata", f"{root}/m.json"]) == 1
    assert f"drone: {root}/m.json: " in capsys.readouterr().err


def test_a_root_without_confd_is_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the folder that was looked for."""
    assert main(["render", "--once", "--root", str(tmp_path)]) == 1
    assert f"{tmp_path}/etc/confd: no such folder" in capsys.readouterr().err


def test_a_missing_configuration_is_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is started."""
    assert main(["run", "--config", f"{tmp_path}/none.json"]) == 1
    assert "none.json: cannot be read" in capsys.readouterr().err


def test_an_authority_that_is_none_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drone ends with the reason rather than trust anybody else."""
    monkeypatch.setenv("PITRIX_ROOT", str(tmp_path))
    config = {
        "protocol": 2,
        "cluster_id": "cl-1",
        "node_id": "cl-1-n1",
        "role": "",
        "endpoints": ["https://192.0.2.1:2381"],
        "ca": "-----BEGIN CERTIFICATE-----\nan example\n-----END CERTIFICATE-----\n",
        "enrol_url": "https://192.0.2.1:2378",
        "enrolment": "an-example-token".ljust(32, "-"),
    }
    path = tmp_path / "drone.json"
    path.write_text(json.dumps(config), "utf-8")

    exit_code = main(["run", "--config", str(path)])

    assert exit_code == 1
    assert "/ca: the authority's certificate cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("example", "code"), [("valid/drone-config/full", 0), ("invalid/drone-config/no-endpoint", 1)]
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_drone_says_whether_it_takes_a_configuration(
    capsys: pytest.CaptureFixture[str], version: str, example: str, code: int
) -> None:
    """One that an image brings may be too old for it."""
    examples = pathlib.Path(__file__).parents[2] / "protocol/examples"
    if not examples.exists():
        pytest.skip("in a checkout, for the protocol: cd agents/pitrix-drone && pytest")

    answered = main(["check", "--config", str(examples / version / f"{example}.json")])

    assert answered == code
    assert ("endpoints" in capsys.readouterr().err) is bool(code)


@pytest.mark.parametrize(
    ("example", "url", "says"),
    [
        pytest.param(
            "v2/valid/drone-config/full.json", "http://10.0.0.9:2379", "https://", id="plain"
        ),
        pytest.param(
            "v1/valid/drone-config/full.json", "https://10.0.0.9:2381", "version 1", id="version-1"
        ),
    ],
)
def test_a_drone_is_not_sent_where_there_is_no_tls(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    example: str,
    url: str,
    says: str,
) -> None:
    """The message says what to do; nothing is written."""
    config = pathlib.Path(__file__).parents[2] / "protocol/examples" / example
    if not config.exists():
        pytest.skip("in a checkout, for the protocol: cd agents/pitrix-drone && pytest")
    monkeypatch.setenv("PITRIX_ROOT", str(tmp_path))

    exit_code = main(["reach", url, "--config", str(config)])

    assert exit_code == 1
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
