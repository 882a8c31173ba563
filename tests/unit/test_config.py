"""Settings: where they come from, and what is said of those that cannot be."""

from pathlib import Path
from typing import Any

import pytest

from pitrix_core.config import Config, default_data_dir
from pitrix_core.errors import InvalidInputError
from pitrix_core.model.lifecycle import Phase, ReviewPolicy


def load(data_dir: Path | None = None, environ: Any = None, **overrides: Any) -> Config:
    """Read the settings from an environment of the test's own."""
    return Config.load(data_dir, environ=environ or {}, **overrides)


def test_the_command_line_goes_before_the_environment() -> None:
    """And both before the default; None is what was not given."""
    environ = {"PITRIX_API_PORT": "1", "PITRIX_PILOT_PORT": "2", "PITRIX_LOG_LEVEL": ""}

    config = load(None, environ, api_port=3, pilot_port=None)

    assert (config.api_port, config.pilot_port, config.log_level) == (3, 2, "info")


def test_the_data_folder_is_given_or_set_or_the_users() -> None:
    """In this order."""
    environ = {"PITRIX_DATA": "/set", "XDG_DATA_HOME": "/home"}

    assert load(Path("/given"), environ).data_dir == Path("/given")
    assert load(None, environ).data_dir == Path("/set")
    assert load(None, {"XDG_DATA_HOME": "/home"}).data_dir == Path("/home/pitrix")
    assert default_data_dir({}) == Path.home() / ".local/share/pitrix"


@pytest.mark.parametrize(
    ("text", "meaning"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("False", False)]
)
def test_flags_are_words(text: str, meaning: bool) -> None:
    """In any case."""
    assert load(None, {"PITRIX_ALLOW_LOCAL": text}).allow_local is meaning


def test_phases_of_reviews_have_an_order_of_their_own() -> None:
    """However they are named; none is the default."""
    config = load(None, {"PITRIX_REVIEW_PHASES": "technical, isv", "PITRIX_REVIEW_OWN": "yes"})

    assert config.review_policy == ReviewPolicy(
        phases=(Phase.ISV, Phase.TECHNICAL), allows_own=True
    )
    assert load().review_policy == ReviewPolicy()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        pytest.param("api_port", "web", "whole number", id="a-word-for-a-port"),
        pytest.param("api_port", "65536", "0 to 65535", id="too-large-a-port"),
        pytest.param("pilot_port", "-1", "0 to 65535", id="a-negative-port"),
        pytest.param("allow_local", "maybe", "neither yes nor no", id="no-flag"),
        pytest.param("index_interval_s", "often", "number of seconds", id="no-seconds"),
        pytest.param("index_interval_s", "0", "more than 0", id="all-the-time"),
        pytest.param("index_interval_s", "nan", "more than 0", id="not-a-number"),
        pytest.param("index_interval_s", "inf", "not for ever", id="for-ever"),
        pytest.param("review_phases", "isv,legal", "isv, business, technical", id="no-phase"),
        pytest.param("private_repos", "10.0.0.0/99", "IPv4 or IPv6 network", id="no-network"),
        pytest.param("private_repos", "10.1.2.3/8", "host bits", id="an-address-in-a-network"),
        pytest.param("log_level", "loud", "debug, info", id="no-level"),
        pytest.param("database", "mysql://root:hunter2@x", "sqlite:///", id="no-database"),
        pytest.param("public_url", "example.org", "http://", id="no-url"),
        pytest.param("pilot_url", "http://example.org", "ws://", id="no-websocket"),
    ],
)
def test_a_bad_value_is_named_with_its_setting(name: str, value: str, reason: str) -> None:
    """And with where to set it; the value itself may hold a password."""
    with pytest.raises(InvalidInputError, match=reason) as caught:
        load(None, {f"PITRIX_{name.upper()}": value})

    assert name in caught.value.message
    assert caught.value.pointer == f"/{name}"
    assert f"PITRIX_{name.upper()}" in (caught.value.next_step or "")
    assert "hunter2" not in str(caught.value)


def test_a_bad_value_of_the_command_line_is_named_too() -> None:
    """Whatever the environment says."""
    with pytest.raises(InvalidInputError, match="api_port"):
        load(None, {"PITRIX_API_PORT": "1"}, api_port=70000)


def test_levels_are_taken_in_any_case() -> None:
    """As they are often written."""
    assert load(None, {"PITRIX_LOG_LEVEL": "WARNING"}).log_level == "warning"


def test_addresses_follow_from_hosts_and_ports() -> None:
    """Unless they are set: a proxy may stand in front."""
    plain = load(api_port=1, pilot_port=2)
    proxied = load(public_url="https://x", pilot_url="wss://x, wss://y")

    assert (plain.api_url, plain.frontgate_urls) == ("http://127.0.0.1:1", ("ws://127.0.0.1:2",))
    assert (proxied.api_url, proxied.frontgate_urls) == ("https://x", ("wss://x", "wss://y"))


def test_a_pilot_with_a_certificate_is_dialled_by_tls() -> None:
    """Unless something else says where it is."""
    assert load(pilot_port=2, pilot_tls_cert="x").frontgate_urls == ("wss://127.0.0.1:2",)


@pytest.mark.parametrize(
    "text",
    [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"],
)
def test_certificates_that_are_none_are_named(tmp_path: Path, text: str | None) -> None:
    """With the setting, the file, and what to do."""
    path = tmp_path / "x.pem"
    if text is not None:
        path.write_text(text)
    config = load(public_ca=str(path), pilot_ca=str(path), pilot_tls_cert=str(path))

    for read, pointer in (
        (config.public_authority, "/public_ca"),
        (config.pilot_authority, "/pilot_ca"),
        (config.pilot_tls, "/pilot_tls_cert"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            read()
        assert str(path) in caught.value.message
        assert caught.value.pointer == pointer
        assert caught.value.next_step


def test_without_certificates_there_is_no_tls_of_its_own() -> None:
    """Something in front may have some."""
    assert load().pilot_tls() is None
    assert load().pilot_authority() == load().public_authority() == ""


def test_files_are_in_the_data_folder() -> None:
    """The database too, unless it is another one."""
    config = load(Path("/d"))

    assert config.database_url == "sqlite:////d/pitrix.db"
    assert load(database="postgresql://x/y").database_url == "postgresql://x/y"
    assert {config.url_file, config.token_file, config.key_file} == {
        Path("/d/url"),
        Path("/d/token"),
        Path("/d/key"),
    }


@pytest.mark.parametrize(
    ("text", "names"), [("", None), (" , ", None), ("a", {"a"}), (" a, b ,", {"a", "b"})]
)
def test_plugins_are_all_enabled_or_those_named(text: str, names: set[str] | None) -> None:
    """Separated by commas."""
    assert load(enabled_plugins=text).enabled == names
