"""The walk through a document and its schema, held against a validator of the whole language."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from full_cluster import FULL, full, full_with
from hypothesis import given, settings
from hypothesis import strategies as st

from pitrix_core.findings import Level
from pitrix_vm.cluster import CLUSTER_SCHEMA, read_cluster
from pitrix_vm.cluster.walker import Walk, prepared, walk

VALIDATOR = jsonschema.Draft202012Validator(CLUSTER_SCHEMA)
ROOT = prepared(CLUSTER_SCHEMA)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "1", "yes", "kvm", "/data", "d:", "custom", "env.port", "db"])
    | st.text(max_size=8)
)
#: Names that mean something, and some that do not.
NAMES = st.sampled_from(["cmd", "role", "count", "items", "port", "volume", "size", "type"]) | (
    st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def pointers(value: Any, at: str = "") -> list[str]:
    """Return the place of everything in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = [at] if at else []
    for name, member in pairs:
        place = f"{at}/{name}"
        found += pointers(member, place) if isinstance(member, dict | list) else [place]
    return found


MUTATIONS = st.lists(
    st.tuples(st.sampled_from(pointers(FULL)), VALUES, NAMES | st.none()), min_size=1, max_size=4
)


def mutated(mutations: list[tuple[str, Any, str | None]]) -> Any:
    """Return the full document with values put in other values' places, or under other names."""
    document: Any = full()
    for pointer, value, name in mutations:
        place = pointer if name is None else f"{pointer.rpartition('/')[0]}/{name}"
        try:
            document = _put(document, place, value)
        except (KeyError, IndexError, TypeError, ValueError):
            continue  # an earlier one took away where this one would go
    return document


def _put(document: Any, pointer: str, value: Any) -> Any:
    here = document
    *parts, last = pointer.split("/")[1:]
    for part in parts:
        here = here[int(part)] if isinstance(here, list) else here[part]
    here[int(last) if isinstance(here, list) else last] = value
    return document


def errors_of(walked: Walk) -> list[str]:
    """Return the errors of a walk but for misspelt names, of which the standard knows nothing."""
    return [
        f"{finding.pointer}: {finding.message}"
        for finding in walked.findings
        if finding.level is Level.ERROR and finding.code != "cluster.misspelt"
    ]


@settings(deadline=None, derandomize=True)
@given(MUTATIONS)
def test_what_is_taken_fulfils_the_schema(mutations: list[Any]) -> None:
    """With its values in the types of the schema, a whole validator agrees."""
    walked = walk(mutated(mutations), ROOT, file="f")

    assert errors_of(walked) or VALIDATOR.is_valid(walked.document)


@settings(deadline=None, derandomize=True)
@given(MUTATIONS)
def test_what_fulfils_the_schema_is_taken(mutations: list[Any]) -> None:
    """Nothing is refused that a whole validator would not refuse."""
    document = mutated(mutations)

    assert not VALIDATOR.is_valid(document) or not errors_of(walk(document, ROOT, file="f"))


@settings(deadline=None, derandomize=True)
@given(MUTATIONS)
def test_nothing_crashes_the_reader(mutations: list[Any]) -> None:
    """A document is read, or refused with an error that points into it."""
    document = mutated(mutations)

    reading = read_cluster(document, file="f")

    refused = [f for f in reading.findings if f.level is Level.ERROR]
    assert (reading.cluster is None) == bool(refused)


@settings(deadline=None, derandomize=True)
@given(VALUES)
def test_nothing_at_all_crashes_the_reader(document: Any) -> None:
    """Whatever JSON a template gives."""
    reading = read_cluster(document, file="f")

    assert reading.cluster is None
    assert all(json.dumps(finding.message) for finding in reading.findings)


@pytest.mark.parametrize(
    ("pointer", "value", "message"),
    [
        ("/nodes/0/count", -1, "-1 is less than 0"),
        ("/nodes/0/count", 1000, "1000 is more than 200"),
        (
            "/nodes/0/container/type",
            "doker",
            "'doker' is not one of kvm, docker, lxc, bm; is it 'docker'?",
        ),
        ("/nodes/0/cpu", [2], "the list is not a whole number"),
        ("/nodes/0/volume/mount_point", 1, "1 is not a text or a list"),
        ("/nodes/0/container/image/aws", "", "the text must not be empty"),
        ("/links/zk", True, "true is not a text"),
        ("/name", ["x" * 100], "the list is not a text"),
    ],
)
def test_messages_are_plain(pointer: str, value: Any, message: str) -> None:
    """They say what is wrong with which value, in the words of the author."""
    findings = walk(full_with(pointer, value), ROOT, file="f").findings

    assert [f.message for f in findings if f.pointer == pointer] == [message]


def test_every_keyword_of_the_schema_is_checked() -> None:
    """One that the walk does not know would be for show."""
    known = {
        *("$schema", "description", "type", "properties", "additionalProperties", "items"),
        *("required", "propertyNames", "enum", "minimum", "maximum", "minLength", "maxLength"),
        *("pattern", "minItems", "maxItems", "uniqueItems", "maxProperties"),
        *("x-recommended", "x-undocumented", "x-words", "x-free-if", "x-services"),
    }

    assert set(_keywords(CLUSTER_SCHEMA)) == known


def _keywords(schema: Any) -> Iterator[str]:
    for keyword, value in schema.items():
        yield keyword
        if keyword in ("additionalProperties", "items", "propertyNames", "x-recommended"):
            yield from _keywords(value)
        if keyword == "properties":
            for member in value.values():
                yield from _keywords(member)


def test_a_long_value_is_cut() -> None:
    """A message is read by a person."""
    findings = walk(full_with("/nodes/0/container/type", "x" * 10_000), ROOT, file="f").findings

    [found] = [finding for finding in findings if finding.pointer == "/nodes/0/container/type"]
    assert len(found.message) < 200


def test_nulls_are_left_out_but_among_parameters() -> None:
    """A tag without a value leaves one; templates of the image see a parameter without value."""
    document = full(env={"a": None}, backup_policy=None)

    walked = walk(document, ROOT, file="f").document

    assert walked["env"] == {"a": None}
    assert "backup_policy" not in walked
