"""The command line tells what user-data have to know before they run a Frontgate."""

from pathlib import Path

import pytest

from pitrix_frontgate.cli import main

EXAMPLES = Path(__file__).parents[2] / "protocol/examples"


@pytest.fixture(autouse=True)
def _in_a_checkout() -> None:
    if not EXAMPLES.exists():
        pytest.skip(
            "in a checkout, for agents/protocol/examples: cd agents/pitrix-frontgate && pytest"
        )


@pytest.mark.parametrize(
    ("example", "code"),
    [("valid/frontgate-config/full", 0), ("invalid/frontgate-config/no-url", 1)],
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_frontgate_says_whether_it_takes_a_configuration(
    capsys: pytest.CaptureFixture[str], version: str, example: str, code: int
) -> None:
    """One that an image brings may be too old for it."""
    answered = main(["check", "--config", str(EXAMPLES / version / f"{example}.json")])

    assert answered == code
    assert ("pilot_urls" in capsys.readouterr().err) is bool(code)


@pytest.mark.parametrize(
    ("version", "code"), [pytest.param("3.4.30", 0, id="fit"), pytest.param("3.3.25", 1, id="old")]
)
def test_a_frontgate_says_which_etcd_it_would_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    code: int,
) -> None:
    """Or why none of those that are there."""
    etcd = tmp_path / "etcd"
    etcd.write_text(f"#!/bin/sh\necho etcd Version: {version}\n")
    etcd.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python3"))
    config = EXAMPLES / "v2/valid/frontgate-config/full.json"

    answered = main(["etcd", "--config", str(config)])

    said = capsys.readouterr()
    assert answered == code
    assert said.out == (f"{etcd}\n" if code == 0 else "")
    assert ("too old" in said.err) is bool(code)
