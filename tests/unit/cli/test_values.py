"""``--set`` and ``--values``."""

from pathlib import Path

import click
import pytest

from pitrix_core.cli.problems import CliError
from pitrix_core.cli.values import collect, pairs

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "images": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "share": {"type": "number"},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "level": {"enum": ["1", "2"]},
        "cluster": {"$ref": "#/$defs/Cluster"},
        "env": {
            "type": "object",
            "properties": {"log.level": {"type": "string"}},
            "additionalProperties": {"type": "boolean"},
        },
    },
    "$defs": {
        "Cluster": {
            "type": "object",
            "properties": {"count": {"type": "integer"}, "public": {"type": "boolean"}},
        }
    },
}


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        pytest.param("name=007", {"name": "007"}, id="text-stays-text"),
        pytest.param("name=a=b", {"name": "a=b"}, id="value-with-equals"),
        pytest.param("cluster.count=3", {"cluster": {"count": 3}}, id="number-in-object"),
        pytest.param("cluster.public=yes", {"cluster": {"public": True}}, id="yes-is-true"),
        pytest.param("images=/a,/b", {"images": ["/a", "/b"]}, id="list-by-commas"),
        pytest.param('images=["/a,b"]', {"images": ["/a,b"]}, id="list-as-json"),
        pytest.param("sizes=1,2", {"sizes": [1, 2]}, id="list-of-numbers"),
        pytest.param("share=0.5", {"share": 0.5}, id="fraction"),
        pytest.param("limit=5", {"limit": 5}, id="number-or-null"),
        pytest.param("level=1", {"level": "1"}, id="choice-of-texts"),
        pytest.param("env.log.level=x", {"env": {"log.level": "x"}}, id="name-with-dot"),
        pytest.param("/env/log.level=x", {"env": {"log.level": "x"}}, id="pointer"),
        pytest.param("env.other=no", {"env": {"other": False}}, id="additional-member"),
        pytest.param("new.thing=4", {"new": {"thing": 4}}, id="unknown-is-guessed"),
        pytest.param("new=abc", {"new": "abc"}, id="unknown-text"),
        pytest.param("cluster.count=three", {"cluster": {"count": "three"}}, id="no-number"),
        pytest.param("cluster.public=maybe", {"cluster": {"public": "maybe"}}, id="no-boolean"),
        pytest.param("images=[/a", {"images": "[/a"}, id="no-list"),
        pytest.param("share=nan", {"share": "nan"}, id="no-number-of-json"),
        pytest.param("share=1e999", {"share": "1e999"}, id="infinite"),
        pytest.param("new=NaN", {"new": "NaN"}, id="guessed-no-number"),
        pytest.param("new=" + "[" * 5000, {"new": "[" * 5000}, id="deep"),
    ],
)
def test_a_setting_is_typed_by_the_schema(setting: str, values: dict[str, object]) -> None:
    """The schema says what a text is turned into, and where names with dots begin and end.

    What is of another type is left for the server, which names all violations at once.
    """
    assert collect([setting], file=None, schema=SCHEMA) == values


@pytest.mark.parametrize("setting", ["name", "=x"])
def test_a_setting_that_does_not_fit_is_a_usage_error(setting: str) -> None:
    """The message quotes what was typed."""
    with pytest.raises(click.UsageError, match=setting):
        collect([setting], file=None, schema=SCHEMA)


def test_a_setting_cannot_go_below_a_value() -> None:
    """``a=1`` and ``a.b=2`` contradict each other."""
    with pytest.raises(click.UsageError, match=r"name\.x=1"):
        collect(["name=a", "name.x=1"], file=None, schema=SCHEMA)


def test_settings_stand_over_the_file(tmp_path: Path) -> None:
    """What is typed changes single values of what the file says."""
    file = tmp_path / "values.yaml"
    file.write_text("name: file\ncluster: {count: 1, public: true}\n")

    values = collect(["cluster.count=5"], file=file, schema=SCHEMA)

    assert values == {"name": "file", "cluster": {"count": 5, "public": True}}


@pytest.mark.parametrize("content", ["- a\n", "{", "text"])
def test_a_file_without_an_object_is_refused(tmp_path: Path, content: str) -> None:
    """The message names the file."""
    file = tmp_path / "values.yaml"
    file.write_text(content)

    with pytest.raises(CliError, match=str(file)):
        collect([], file=file, schema=SCHEMA)


def test_a_pair_without_a_key_is_a_usage_error() -> None:
    """Labels are ``key=value``."""
    with pytest.raises(click.UsageError, match="--label zone"):
        pairs(["zone"], option="--label")


@pytest.mark.parametrize(
    ("name", "content", "value"),
    [
        pytest.param("v.yaml", "a: no", "no", id="word-for-no"),
        pytest.param("v.yaml", "a: 2026-01-01", "2026-01-01", id="date"),
        pytest.param("v.yaml", "a: 1:30", "1:30", id="time"),
        pytest.param("v.yaml", "a: 1e3", 1000.0, id="exponent"),
        pytest.param("v.json", '{\n\t"a": 1\n}', 1, id="json-with-tabs"),
        pytest.param("v.json", '{"a": "\\ud83d\\ude00"}', "\U0001f600", id="json-surrogates"),
        pytest.param("v.txt", '{\n\t"a": 1\n}', 1, id="json-of-another-name"),
    ],
)
def test_a_file_is_read_as_json_has_it(
    tmp_path: Path, name: str, content: str, value: object
) -> None:
    """What a word or number is does not depend on which of the two formats it is written in."""
    file = tmp_path / name
    file.write_text(content)

    assert collect([], file=file, schema=SCHEMA) == {"a": value}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("v.yaml", "a: &x 1\nb: *x", "line 2, column 4: aliases", id="alias"),
        pytest.param("v.yaml", "a: 1\na: 2", "'a' is there twice", id="name-twice"),
        pytest.param("v.json", '{"a": yes}', "line 1, column 7: not JSON", id="no-json"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    """The message names file, line and column."""
    file = tmp_path / name
    file.write_text(content)

    with pytest.raises(CliError, match=said) as caught:
        collect([], file=file, schema=SCHEMA)

    assert str(file) in caught.value.message
