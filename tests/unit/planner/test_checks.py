"""The checks of a plan's graph find what would go wrong later, all of it at once."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from pitrix_core.contracts.interface import Start
from pitrix_core.model import InstanceSpec, PlannedNode, Ref, SecretRef, Task
from pitrix_core.planner.checks import check_graph, check_inputs, check_kinds, check_nodes

MACHINE = {"name": "m", "cluster_id": "cl-1", "image": {"image": "debian"}}


@attrs.frozen(kw_only=True)
class Nested:
    """A form with a choice and a map in it."""

    volume: InstanceSpec | None = None
    labels: dict[str, int] = attrs.field(factory=dict)


def start_with(spec: type) -> Callable[[str], Start]:
    """Return what a provider says of every kind."""
    start = Start(
        verb="create", spec=spec, creates=True, honours_key=True, settle_s=0.0, timeout_s=1.0
    )
    return lambda _kind: start


def task(key: str, *after: str, **values: Any) -> Task:
    """Return a task whose kind does not matter."""
    return Task(key=key, kind="compute.create", title=key, after=after, **values)


def messages(findings: Any) -> list[str]:
    """Return what findings say."""
    return [finding.message for finding in findings]


def test_a_sound_graph_has_no_findings() -> None:
    """References to any earlier task are fine, not only to the one right before."""
    reference = {"x": Ref("a", "/id").to_json()}
    tasks = (task("a"), task("b", "a"), task("c", "b", "a", input=reference))

    assert check_graph(tasks) == []


def test_equal_keys_are_named_once() -> None:
    """A key names one task; three of one key are one finding."""
    found = check_graph((task("a"), task("a"), task("a"), task("b")))

    assert messages(found) == ["Two tasks have the key a."]


def test_an_unknown_predecessor_is_named() -> None:
    """Whatever a task comes after has to be in the plan."""
    found = check_graph((task("a", "gone"),))

    assert messages(found) == ["Task a needs gone, which is not in the plan."]
    assert found[0].code == "plan.after"


def test_a_reference_to_an_unknown_task_is_named() -> None:
    """So does whatever it takes an output of, also deep inside of another marker."""
    deep = {"$agent": {"agent": "drone", "config": {"list": [Ref("gone").to_json()]}}}

    found = check_graph((task("a", input={"user_data": deep}),))

    assert messages(found) == ["Task a needs gone, which is not in the plan."]


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param((task("a", input={"x": {"$ref": "b#/id"}}), task("b")), id="unordered"),
        pytest.param((task("a", input={"x": {"$ref": "b#/id"}}), task("b", "a")), id="later"),
        pytest.param((task("a", input={"x": {"$ref": "a#/id"}}), task("b")), id="its-own"),
    ],
)
def test_an_output_is_only_used_after_its_task(tasks: tuple[Task, ...]) -> None:
    """A reference alone makes no order; without one, it may be read before it is written."""
    found = check_graph(tasks)

    assert [finding.code for finding in found] == ["plan.ref"]
    assert "may run before it" in found[0].message


@pytest.mark.parametrize(
    ("tasks", "names"),
    [
        pytest.param((task("a", "c"), task("b", "a"), task("c", "b")), "abc", id="three"),
        pytest.param((task("a", "a"),), "a", id="itself"),
    ],
)
def test_tasks_that_wait_for_one_another_are_refused(tasks: tuple[Task, ...], names: str) -> None:
    """A cycle is told with every task in it."""
    [found] = check_graph(tasks)

    assert found.code == "plan.cycle"
    assert set(found.message.partition(": ")[2].split(" → ")) == set(names)


def test_kinds_nobody_offers_are_refused() -> None:
    """Each once, with a way out; the core's own kinds are always there."""
    tasks = [
        Task(key=str(number), kind=kind, title="")
        for number, kind in enumerate(["a.b", "a.b", "c.d", "agent.wait", "e.f"])
    ]

    found = check_kinds(tasks, frozenset({"e.f"}))

    assert [finding.message.rpartition(" ")[2] for finding in found] == ["a.b.", "c.d."]
    assert found[0].next_step is not None


def test_every_input_is_checked_with_the_schema_of_its_kind() -> None:
    """All violations at once, each with its task and place."""
    bad = {**MACHINE, "cpu": "two", "image": {"container": "kvm"}, "colour": "red"}

    found = check_inputs(
        [task("good", input=MACHINE), task("bad", input=bad)], start_with(InstanceSpec)
    )

    assert {(finding.file, finding.pointer) for finding in found} == {
        ("bad", "/colour"),
        ("bad", "/cpu"),
        ("bad", "/image/image"),
    }
    assert {finding.code for finding in found} == {
        "schema.type",
        "schema.required",
        "schema.additionalProperties",
    }


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"cpu": Ref("a", "/cpu").to_json()}, id="a-number"),
        pytest.param({"image": Ref("a", "/image").to_json()}, id="an-object"),
        pytest.param({"image": {"image": SecretRef("sec-1").to_json()}}, id="nested"),
        pytest.param({"volumes": Ref("a", "/all").to_json()}, id="a-list"),
        pytest.param({"volumes": [{"volume_id": Ref("a").to_json()}]}, id="in-a-list"),
        pytest.param({"user_data": {"$agent": {"agent": "drone", "config": {}}}}, id="user-data"),
    ],
)
def test_a_marker_stands_for_anything(given: dict[str, Any]) -> None:
    """What it will be is not known before the plan runs."""
    assert check_inputs([task("a", input={**MACHINE, **given})], start_with(InstanceSpec)) == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"labels": Ref("a", "/labels").to_json()}, id="in-the-place-of-a-map"),
        pytest.param({"volume": Ref("a", "/volume").to_json()}, id="in-the-place-of-a-choice"),
        pytest.param({"volume": {**MACHINE, "cpu": Ref("a").to_json()}}, id="inside-of-a-choice"),
    ],
)
def test_a_marker_is_no_violation_of_what_it_is_part_of(given: dict[str, Any]) -> None:
    """A map's values and a choice's branches are checked elsewhere than where the marker is."""
    assert check_inputs([task("a", input=given)], start_with(Nested)) == []


def test_what_stands_beside_a_marker_is_checked() -> None:
    """One unknown value excuses no other."""
    given = {**MACHINE, "cpu": Ref("a").to_json(), "memory_mib": -1, "hostname": 5}

    found = check_inputs([task("a", input=given)], start_with(InstanceSpec))

    assert [finding.pointer for finding in found] == ["/hostname"]


def test_the_core_kinds_arguments_are_checked() -> None:
    """What is missing, and what is not known, by name."""
    wrong = Task(key="w", kind="agent.wait", title="", input={"cluster_id": "cl-1", "colour": 1})
    right = Task(
        key="r",
        kind="service.run",
        title="",
        input={
            "cluster_id": "cl-1",
            "node_id": "n",
            "service": "init",
            "cmd": "true",
            "timeout_s": 1,
        },
    )

    found = check_inputs([wrong, right], start_with(InstanceSpec))

    assert messages(found) == ["agent.wait needs node_id.", "agent.wait does not know colour."]
    assert [finding.file for finding in found] == ["w", "w"]


def test_nodes_of_one_id_are_refused() -> None:
    """Their rows could not be written when the plan is applied."""
    nodes = [PlannedNode(id=name, role="", sid=1, gid=1) for name in ("a", "b", "a")]

    assert messages(check_nodes(nodes)) == ["Two nodes have the id a."]
