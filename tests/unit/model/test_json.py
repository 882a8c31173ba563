"""Markers stand for values in JSON, and are told from what only looks like one."""

from typing import Any

import pytest

from pitrix_core.model import Ref, SecretRef
from pitrix_core.model.json import marker_of, referred_tasks


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param({"$ref": "a#/b"}, ("$ref", "a#/b"), id="ref"),
        pytest.param({"$secret": "sec-1"}, ("$secret", "sec-1"), id="secret"),
        pytest.param({"$agent": {}}, ("$agent", {}), id="agent"),
        pytest.param({"$other": 1}, None, id="another-name"),
        pytest.param({"$ref": "a", "b": 1}, None, id="two-members"),
        pytest.param({}, None, id="no-member"),
        pytest.param("$ref", None, id="a-text"),
        pytest.param(None, None, id="null"),
    ],
)
def test_a_marker_is_an_object_with_one_known_name(value: Any, found: Any) -> None:
    """Nothing else is one."""
    assert marker_of(value) == found


def test_records_become_their_markers() -> None:
    """A reference without a pointer is to all outputs."""
    assert Ref("a").to_json() == {"$ref": "a#"}
    assert Ref("a/b", "/c").to_json() == {"$ref": "a/b#/c"}
    assert SecretRef("sec-1").to_json() == {"$secret": "sec-1"}


@pytest.mark.parametrize(
    ("value", "tasks"),
    [
        pytest.param({"x": {"$ref": "a#/b"}}, {"a"}, id="in-an-object"),
        pytest.param([{"$ref": "a#"}, ({"$ref": "b#"},)], {"a", "b"}, id="in-lists"),
        pytest.param({"$agent": {"config": {"y": {"$ref": "c#"}}}}, {"c"}, id="in-a-marker"),
        pytest.param({"$ref": "a/b/1#/c#d"}, {"a/b/1"}, id="with-more-signs"),
        pytest.param({"$ref": "no-sign"}, {"no-sign"}, id="without-a-pointer"),
        pytest.param({"$secret": "a#/b"}, set(), id="a-secret"),
        pytest.param({"x": [1, "a#", None]}, set(), id="none"),
    ],
)
def test_references_are_found_wherever_they_are(value: Any, tasks: set[str]) -> None:
    """By the keys of the tasks they name."""
    assert referred_tasks(value) == tasks
