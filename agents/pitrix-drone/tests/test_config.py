"""drone.json, by the protocol's own examples and beyond."""

from __future__ import annotations

import json
import pathlib

import pytest

from pitrix_drone.config import ConfigError, layout, read_config

_EXAMPLES = pathlib.Path(__file__).parents[2] / "protocol/examples"


def examples(kind: str) -> list[pathlib.Path]:
    """Return the protocol's examples, of every version; none outside a checkout."""
    return sorted(_EXAMPLES.glob(f"v*/{kind}/drone-config/*.json"))


def title(path: pathlib.Path) -> str:
    """Name an example: its version and itself."""
    return f"{path.parents[2].name}-{path.stem}"


@pytest.mark.parametrize("path", examples("valid"), ids=title)
def test_a_valid_example_is_read(path: pathlib.Path) -> None:
    """Members that may be left out have their defaults."""
    config = read_config(path)

    assert (config.cluster_id, config.node_id, config.prefix) == ("cl-1", "cl-1-n1", "/self")


@pytest.mark.parametrize("path", examples("invalid"), ids=title)
def test_an_invalid_example_is_refused(path: pathlib.Path) -> None:
    """The message names the member, and never the password or the token."""
    with pytest.raises(ConfigError, match=r"/[a-z_]+: ") as caught:
        read_config(path)

    assert "example-password" not in str(caught.value)
    assert "an-example-enrolment" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_no_object_is_refused(tmp_path: pathlib.Path, text: str) -> None:
    """The message names the file."""
    path = tmp_path / "drone.json"
    path.write_text(text, "utf-8")

    with pytest.raises(ConfigError, match=r"drone\.json: "):
        read_config(path)


@pytest.mark.parametrize("url", ["https://", "https://[", "https://192.0.2.1:port"])
def test_a_url_needs_a_host_and_may_have_a_port(tmp_path: pathlib.Path, url: str) -> None:
    """What cannot be connected to is refused before the drone runs."""
    [full] = [path for path in examples("valid") if title(path) == "v2-full"]
    data = json.loads(full.read_text("utf-8"))
    path = tmp_path / "drone.json"
    path.write_text(json.dumps({**data, "endpoints": [url], "enrol_url": url}), "utf-8")

    with pytest.raises(ConfigError, match=r"/endpoints: .*/enrol_url: "):
        read_config(path)


def test_all_problems_are_named_at_once(tmp_path: pathlib.Path) -> None:
    """So that one round is enough."""
    path = tmp_path / "drone.json"
    path.write_text(json.dumps({"protocol": 3, "endpoints": []}), "utf-8")

    with pytest.raises(ConfigError) as caught:
        read_config(path)

    names = ("/protocol", "/endpoints", "/node_id", "/role")
    assert all(name in str(caught.value) for name in names)


def test_nothing_is_sent_without_tls(tmp_path: pathlib.Path) -> None:
    """One endpoint without it is enough to refuse them all: there is no way back to plain HTTP."""
    [full] = [path for path in examples("valid") if title(path) == "v2-full"]
    data = json.loads(full.read_text("utf-8"))
    path = tmp_path / "drone.json"
    path.write_text(json.dumps({**data, "endpoints": [*data["endpoints"], "http://192.0.2.1"]}))

    with pytest.raises(ConfigError, match="/endpoints: https:// is needed"):
        read_config(path)


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({}, "/etc/confd"),
        ({"PITRIX_ROOT": ""}, "/etc/confd"),
        ({"PITRIX_ROOT": "/srv/m1/"}, "/srv/m1/etc/confd"),
    ],
)
def test_the_root_stands_before_every_path(environment: dict[str, str], path: str) -> None:
    """Unless it is empty."""
    assert str(layout(environment).confd) == path
