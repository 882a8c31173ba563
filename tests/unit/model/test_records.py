"""Records refuse what their field can never be, and say what follows from them alone."""

from typing import Any

import attrs
import pytest

from pitrix_core import model
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import (
    Action,
    ImageChoice,
    ImageQuery,
    InstanceSpec,
    Operation,
    OperationState,
    PackageIndex,
    Runtime,
    Task,
    TaskState,
    VolumeSpec,
)
from pitrix_core.model.job import TASK_FINAL_STATES, TASK_TRANSITIONS

IMAGE = ImageQuery(image="debian")


@pytest.mark.parametrize(
    ("cls", "values"),
    [
        pytest.param(Task, {"key": "a", "kind": "b", "title": "", "timeout_s": 0}, id="no-time"),
        pytest.param(Task, {"key": "a", "kind": "b", "title": "", "max_attempts": 0}, id="no-try"),
        pytest.param(VolumeSpec, {"name": "v", "cluster_id": "c", "size_gib": 0}, id="no-size"),
        pytest.param(
            InstanceSpec, {"name": "m", "cluster_id": "c", "image": IMAGE, "cpu": 0}, id="no-cpu"
        ),
        pytest.param(
            InstanceSpec,
            {"name": "m", "cluster_id": "c", "image": IMAGE, "memory_mib": -1},
            id="no-memory",
        ),
        pytest.param(
            Operation,
            {
                "request_key": "k",
                "kind": "a.b",
                "state": OperationState.PENDING,
                "retry_after_s": 0,
            },
            id="polled-all-the-time",
        ),
    ],
)
def test_impossible_values_are_refused(cls: Any, values: dict[str, Any]) -> None:
    """Where the record is made, not where it is used."""
    with pytest.raises(ValueError, match="must be"):
        cls(**values)


def test_records_cannot_be_changed() -> None:
    """They are passed between threads and kept."""
    classes = [found for name in model.__all__ if attrs.has(found := getattr(model, name))]

    assert len(classes) > 20
    for cls in classes:
        assert cls.__setattr__ is not object.__setattr__, cls


def test_a_machine_starts_from_one_image() -> None:
    """A query with choices has to be asked for its runtime first."""
    image = ImageQuery(image="", choices=(ImageChoice(provider="aws", image="ami-1"),))

    with pytest.raises(ValueError, match="must be a plain query"):
        InstanceSpec(name="m", cluster_id="c", image=image)


def test_user_data_are_not_printed() -> None:
    """They hold passwords."""
    spec = InstanceSpec(name="m", cluster_id="c", image=IMAGE, user_data="hunter2")

    assert "hunter2" not in repr(spec)


def test_removing_a_cluster_frees_it_all() -> None:
    """Making one does not."""
    assert Action.DELETE.frees
    assert not Action.CREATE.frees


def test_every_state_of_a_task_has_its_transitions() -> None:
    """Those after which nothing happens lead back only when the job is tried again."""
    assert set(TASK_TRANSITIONS) == set(TaskState)
    for state in TASK_FINAL_STATES:
        assert TASK_TRANSITIONS[state] <= {TaskState.READY, TaskState.WAITING}


def test_a_package_has_the_files_it_has() -> None:
    """By their exact paths."""
    index = PackageIndex(files={"a/b": 1})

    assert index.has("a/b")
    assert not index.has("a")


def test_errors_are_told_from_remarks() -> None:
    """In their order."""
    findings = [Finding(level=level, code=level, message="") for level in Level]

    assert [finding.code for finding in errors_in(findings)] == ["error"]


@pytest.mark.parametrize(
    ("settings", "proxy"),
    [
        pytest.param({"frontgate_proxy": "http://proxy:3128"}, "http://proxy:3128", id="url"),
        pytest.param({"frontgate_proxy": {"host": "proxy"}}, "", id="something-else"),
        pytest.param({"frontgate_proxy": "proxy:3128"}, "", id="no-url"),
        pytest.param({}, "", id="none"),
    ],
)
def test_a_runtimes_proxy_is_a_url_among_its_settings(settings: dict[str, Any], proxy: str) -> None:
    """A provider may mean something else by the name."""
    runtime = Runtime(id="rt-1", name="here", provider="p", owner="o", settings=settings)

    assert runtime.frontgate_proxy == proxy


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [
        pytest.param({"frontgate_nodes": 3}, 3, id="three"),
        pytest.param({"frontgate_nodes": 2}, 1, id="no-majority-of-two"),
        pytest.param({"frontgate_nodes": "3"}, 1, id="something-else"),
        pytest.param({}, 1, id="none"),
    ],
)
def test_a_frontgate_is_one_machine_or_three(settings: dict[str, Any], nodes: int) -> None:
    """As the runtime's settings say."""
    runtime = Runtime(id="rt-1", name="here", provider="p", owner="o", settings=settings)

    assert runtime.frontgate_nodes == nodes


@pytest.mark.parametrize(
    ("settings", "mirror"),
    [
        pytest.param(
            {"image_mirror": "https://mirror.example"}, "https://mirror.example", id="url"
        ),
        pytest.param({"image_mirror": ["a", "b"]}, "", id="something-else"),
        pytest.param({"image_mirror": "mirror.example"}, "", id="no-url"),
        pytest.param({}, "", id="none"),
    ],
)
def test_a_runtimes_mirror_is_a_url_among_its_settings(
    settings: dict[str, Any], mirror: str
) -> None:
    """A provider may mean something else by the name."""
    runtime = Runtime(id="rt-1", name="here", provider="p", owner="o", settings=settings)

    assert runtime.image_mirror == mirror
