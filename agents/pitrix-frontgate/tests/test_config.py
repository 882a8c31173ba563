"""Where the Frontgate finds its configuration and its address, and how it complains."""

import json
from pathlib import Path

import pytest

from pitrix_frontgate import config
from pitrix_frontgate.cli import main
from pitrix_frontgate.errors import ConfigError


def test_files_lie_below_the_private_root() -> None:
    """``PITRIX_ROOT`` comes before every path."""
    found = config.places({"PITRIX_ROOT": "/some/root"})

    assert found.config == Path("/some/root/etc/pitrix/frontgate.json")
    assert found.state == Path("/some/root/var/lib/pitrix/frontgate")


def test_without_a_private_root_files_lie_in_their_usual_place() -> None:
    """A machine of its own has no prefix."""
    assert config.places({}).config == Path("/etc/pitrix/frontgate.json")


def test_a_named_address_is_taken() -> None:
    """``PITRIX_ADDRESS`` wins."""
    assert config.own_address({"PITRIX_ADDRESS": "127.1.2.3"}) == "127.1.2.3"


def test_without_a_named_address_there_is_one() -> None:
    """The default route's, or loopback where there is none."""
    found = config.own_address({})

    assert found.count(".") == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "--config", id="missing"),
        pytest.param("{", "not JSON", id="broken"),
        pytest.param("[]", "not an object", id="list"),
        pytest.param(
            json.dumps(
                {"protocol": 2, "frontgate_id": "f", "enrolment": "h" * 32, "pilot_url": []}
            ),
            "/pilot_urls: missing; /pilot_url: not a member",
            id="misspelt",
        ),
    ],
)
def test_a_bad_configuration_ends_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    """One line that names the file and the place; exit code 1; no secret."""
    path = tmp_path / "frontgate.json"
    if content is not None:
        path.write_text(content)

    code = main(["run", "--config", str(path)])

    complaint = capsys.readouterr().err
    assert code == 1
    assert str(path) in complaint
    assert words in complaint
    assert "h" * 32 not in complaint


GOOD = {
    "protocol": 2,
    "frontgate_id": "f",
    "enrolment": "h" * 32,
    "pilot_urls": ["wss://pilot.example"],
}
_HALF_A_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("pilot_urls", ["wss://pilot.example:70000"], id="port-too-large"),
        pytest.param("pilot_urls", ["wss://pilot.example:0"], id="port-zero"),
        pytest.param("pilot_urls", ["wss://pilot.example:https"], id="port-in-words"),
        pytest.param("pilot_urls", ["wss://:443"], id="no-host"),
        pytest.param("pilot_urls", ["wss://pilot..example"], id="empty-label"),
        pytest.param("pilot_urls", ["wss://" + "p" * 64], id="long-label"),
        pytest.param("pilot_urls", ["wss://[2001:db8::1"], id="half-an-address"),
        pytest.param("proxy", "http://proxy.example:70000", id="proxys-port"),
        pytest.param("proxy", "", id="empty-proxy"),
        pytest.param("agents_url", "https://[2001:db8::1/agents", id="agents"),
        pytest.param("pilot_ca", f"{_HALF_A_CERTIFICATE}\u00e9", id="certificate-not-in-ascii"),
        pytest.param("agents_ca", "", id="no-certificate"),
    ],
)
def test_what_cannot_be_connected_to_is_told_when_it_is_read(name: str, value: object) -> None:
    """Not hours later, by the part of the Frontgate that uses it; ``check`` refuses it, too."""
    with pytest.raises(ConfigError, match=f"here: /{name}: not what the protocol allows"):
        config.parse({**GOOD, name: value}, place="here")


@pytest.mark.parametrize(
    "host", ["pilot.example:8443", "[2001:db8::1]:1", "192.0.2.1", "b\u00fccher.example"]
)
def test_hosts_are_names_and_addresses(host: str) -> None:
    """With a port or without one."""
    found = config.parse({**GOOD, "pilot_urls": [f"wss://{host}/pitrix"]}, place="here")

    assert found.pilot_urls == (f"wss://{host}/pitrix",)


def test_status_without_a_frontgate_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next step is named."""
    monkeypatch.setenv("PITRIX_ROOT", str(tmp_path))

    code = main(["status"])

    assert code == 1
    assert "no Frontgate is running" in capsys.readouterr().err
