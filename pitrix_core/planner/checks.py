"""Checks a graph of tasks before any cloud is called."""

import graphlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from pitrix_core import convert
from pitrix_core.contracts.interface import Start
from pitrix_core.findings import Finding, Level
from pitrix_core.model import PlannedNode, Task
from pitrix_core.model.json import referred_tasks
from pitrix_core.planner.kinds import CORE_KINDS
from pitrix_core.planner.markers import unmarked_violations

#: Arguments of the core's own kinds: member → whether it must be there.
_CORE_INPUTS: Final[Mapping[str, Mapping[str, bool]]] = {
    "frontgate.ensure": {"cluster_id": True, "network_id": True},
    "frontgate.wait": {"frontgate_id": True, "members": False, "addresses": False},
    "metadata.put": {"cluster_id": True, "may_fail": False},
    "metadata.delete": {"cluster_id": True},
    "agent.wait": {"cluster_id": True, "node_id": True},
    "service.run": {
        "cluster_id": True,
        "node_id": True,
        "service": True,
        "cmd": True,
        "timeout_s": True,
        "idempotent": False,
        "may_fail": False,
        "supervision": False,
    },
    "orphan.delete": {
        "id": True,
        "interface": True,
        "tagged_cluster_id": True,
        "tagged_request_key": True,
    },
}


def check_graph(tasks: tuple[Task, ...]) -> list[Finding]:
    """Check that keys are unique, that what is named exists, and that there is an order."""
    keys = [task.key for task in tasks]
    findings = [
        _error("plan.key", f"Two tasks have the key {key}.")
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
    for task in tasks:
        named = {*task.after, *referred_tasks(task.input)}
        findings += [
            _error("plan.after", f"Task {task.key} needs {key}, which is not in the plan.")
            for key in sorted(named - set(keys))
        ]
        findings += [
            _error("plan.ref", f"Task {task.key} uses the output of {key} but may run before it.")
            for key in sorted(referred_tasks(task.input) & set(keys) - _ancestors(task, tasks))
        ]
    return findings or _check_order(tasks)


def check_kinds(tasks: Iterable[Task], offers: frozenset[str]) -> list[Finding]:
    """Check that somebody carries out every kind."""
    missing = sorted({task.kind for task in tasks} - offers - CORE_KINDS)
    return [
        attrs.evolve(
            _error("plan.kind", f"The runtime's provider does not offer {kind}."),
            next_step="Choose a runtime of another provider: pitrix runtime list",
        )
        for kind in missing
    ]


def check_nodes(nodes: Iterable[PlannedNode]) -> list[Finding]:
    """Check that the ids of nodes are unique: their rows are written with the cluster."""
    ids = [node.id for node in nodes]
    return [
        _error("plan.node", f"Two nodes have the id {node_id}.")
        for node_id in sorted({node_id for node_id in ids if ids.count(node_id) > 1})
    ]


def check_inputs(tasks: Iterable[Task], start_of: Callable[[str], Start]) -> list[Finding]:
    """Check every task's input with the schema of its kind; markers stand for anything.

    :param start_of: returns what the provider declares of a kind it offers.
    """
    findings = []
    for task in tasks:
        if task.kind in CORE_KINDS:
            found = _check_core_input(task)
        else:
            schema = convert.schema_of(start_of(task.kind).spec)
            found = unmarked_violations(task.input, schema)
        findings += [attrs.evolve(f, file=task.key) for f in found]
    return findings


def _check_core_input(task: Task) -> list[Finding]:
    members = _CORE_INPUTS[task.kind]
    missing = [name for name, must in members.items() if must and name not in task.input]
    unknown = [name for name in task.input if name not in members]
    return [
        *[_error("plan.input", f"{task.kind} needs {name}.") for name in missing],
        *[_error("plan.input", f"{task.kind} does not know {name}.") for name in unknown],
    ]


def _check_order(tasks: tuple[Task, ...]) -> list[Finding]:
    try:
        graphlib.TopologicalSorter({task.key: task.after for task in tasks}).prepare()
    except graphlib.CycleError as ex:
        return [_error("plan.cycle", "Tasks wait for one another: " + " → ".join(ex.args[1]))]
    return []


def _ancestors(task: Task, tasks: tuple[Task, ...]) -> set[str]:
    by_key = {other.key: other for other in tasks}
    seen: set[str] = set()
    todo = list(task.after)
    while todo:
        key = todo.pop()
        if key not in seen and key in by_key:
            seen.add(key)
            todo += by_key[key].after
    return seen


def _error(code: str, message: str) -> Finding:
    return Finding(level=Level.ERROR, code=code, message=message)
