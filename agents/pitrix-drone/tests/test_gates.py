"""A drone knows where its Frontgate is, also after that has moved."""

from __future__ import annotations

import json
import pathlib

import pytest

from pitrix_drone.config import Config, layout, read_config
from pitrix_drone.gates import Gates

_EXAMPLES = pathlib.Path(__file__).parents[2] / "protocol/examples/v2"
_NEW = "https://10.0.0.9:2381"


@pytest.fixture
def config() -> Config:
    """A drone's configuration: the protocol's example."""
    path = _EXAMPLES / "valid/drone-config/full.json"
    if not path.exists():
        pytest.skip("in a checkout, for the protocol: cd agents/pitrix-drone && pytest")
    return read_config(path)._replace(
        endpoints=("https://10.0.0.2:2381",), enrol_url="https://10.0.0.2:2378"
    )


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where is kept what was learned."""
    where = layout({"PITRIX_ROOT": str(tmp_path)})
    where.state.mkdir(parents=True)
    return where.gates


def test_it_is_where_the_configuration_says(config: Config, path: pathlib.Path) -> None:
    """As long as nothing else was learned."""
    gates = Gates(config, path)

    assert gates.endpoints == ("https://10.0.0.2:2381",)
    assert gates.enrol_urls == ("https://10.0.0.2:2378",)


def test_what_was_learned_comes_first_and_outlasts_a_restart(
    config: Config, path: pathlib.Path
) -> None:
    """One enrols there as well, at the port that the configuration has."""
    is_new = Gates(config, path).learn(json.dumps({"endpoints": [_NEW, "https://[fd00::1]:2381"]}))
    gates = Gates(config, path)

    assert is_new
    assert gates.endpoints == (_NEW, "https://[fd00::1]:2381", "https://10.0.0.2:2381")
    assert gates.enrol_urls == (
        "https://10.0.0.9:2378",
        "https://[fd00::1]:2378",
        "https://10.0.0.2:2378",
    )


def test_a_node_of_version_1_stays_where_it_is(config: Config, path: pathlib.Path) -> None:
    """It knows no authority; its Frontgate says to all nodes where those that do find it."""
    gates = Gates(config._replace(protocol=1, ca="", endpoints=("http://10.0.0.2:2379",)), path)

    is_new = gates.learn(json.dumps({"endpoints": [_NEW]}))

    assert not is_new
    assert gates.endpoints == ("http://10.0.0.2:2379",)


def test_what_is_known_is_not_new(config: Config, path: pathlib.Path) -> None:
    """It is not written again with each change of the metadata."""
    gates = Gates(config, path)
    text = json.dumps({"endpoints": [_NEW]})

    assert [gates.learn(text), gates.learn(text), gates.learn(None)] == [True, False, False]


@pytest.mark.parametrize(
    "text",
    [
        *(path.read_text("utf-8") for path in _EXAMPLES.glob("invalid/frontgate/*.json")),
        "",
        "[]",
        "[" * 100_000,
        '{"endpoints": "https://10.0.0.9:2381"}',
        json.dumps({"endpoints": [_NEW] * 17}),
    ],
    ids=lambda text: text[:40],
)
def test_what_makes_no_sense_changes_nothing(config: Config, path: pathlib.Path, text: str) -> None:
    """Least of all is anything sent without TLS."""
    gates = Gates(config, path)
    gates.learn(json.dumps({"endpoints": [_NEW]}))

    assert not gates.learn(text)
    assert gates.endpoints[0] == _NEW


@pytest.mark.parametrize("content", ["", "{", "[]", '{"node_id": 5}', "\udcff"])
def test_a_damaged_note_is_left_out(config: Config, path: pathlib.Path, content: str) -> None:
    """The configuration is still there."""
    path.write_bytes(content.encode("utf-8", "surrogateescape"))

    assert Gates(config, path).endpoints == config.endpoints


def test_the_note_of_another_node_is_left_out(config: Config, path: pathlib.Path) -> None:
    """As in an image that was made of a running machine."""
    Gates(config, path).learn(json.dumps({"endpoints": [_NEW]}))

    other = Gates(config._replace(node_id="cl-1-n2"), path)

    assert other.endpoints == config.endpoints
