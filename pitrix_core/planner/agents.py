"""Puts into a plan what every cluster with agents needs: a Frontgate, and their configuration."""

from typing import Final

import attrs

from pitrix_core.errors import PlanRefusedError
from pitrix_core.findings import Finding, Level
from pitrix_core.model import AgentStart, JsonObject, Ref, SecretRef, Task
from pitrix_core.model.json import marker_of
from pitrix_core.planner.kinds import FRONTGATE_ENSURE

_NETWORK: Final = "network.ensure"
#: Members of a drone's configuration that only one version of the agent protocol has.
_OF_VERSION: Final = {1: ("user", "password"), 2: ("ca", "enrol_url", "enrolment")}
#: The agent that talks to a Frontgate; a Frontgate itself needs none.
_DRONE: Final = "drone"


def node_secret(node_id: str) -> SecretRef:
    """Return the secret a node's agent enrols with, or logs in with where its Frontgate speaks
    version 1; it is made when the plan is applied.
    """
    return SecretRef(f"sec-{node_id}")


def frontgate_secret(frontgate_id: str) -> SecretRef:
    """Return the secret a Frontgate shows to the Pilot at first."""
    return SecretRef(f"sec-{frontgate_id}")


def member_secret(frontgate_id: str, number: int) -> SecretRef:
    """Return the secret that one of several machines shows to the others of its Frontgate."""
    return SecretRef(f"sec-{frontgate_id}-{number}")


def with_frontgate(tasks: tuple[Task, ...], *, cluster_id: str) -> tuple[Task, ...]:
    """Insert ``frontgate.ensure`` before the first machine that starts a drone, if there is one.

    :raises PlanRefusedError: a drone is to be started for no node.
    """
    if not any(_drone_of(task) for task in tasks):
        return tasks
    network = next((task for task in tasks if task.kind == _NETWORK), None)
    ensure = Task(
        key=FRONTGATE_ENSURE,
        kind=FRONTGATE_ENSURE,
        title="Have a Frontgate in the network",
        input={
            "cluster_id": cluster_id,
            "network_id": Ref(network.key, "/id").to_json() if network else "",
        },
        after=(network.key,) if network else (),
    )
    completed = [_complete(task) if _drone_of(task) else task for task in tasks]
    place = next(number for number, task in enumerate(completed) if _drone_of(task))
    return (*completed[:place], ensure, *completed[place:])


def as_spoken(start: AgentStart) -> AgentStart:
    """Leave out of a drone's configuration what the version its Frontgate speaks does not have.

    Which one that is shows when there is a Frontgate: a plan holds the members of all.
    """
    if start.agent != _DRONE:
        return start
    spoken = start.config.get("protocol")
    others = {name for version, names in _OF_VERSION.items() if version != spoken for name in names}
    config = {name: value for name, value in start.config.items() if name not in others}
    return attrs.evolve(start, config=config)


def _drone_of(task: Task) -> JsonObject | None:
    match marker_of(task.input.get("user_data")):
        case ("$agent", {"agent": agent, **_rest} as found) if agent == _DRONE:
            return dict(found)
    return None


def _complete(task: Task) -> Task:
    agent = _drone_of(task) or {}
    node_id = _node_of(task, agent)
    told = ("protocol", "endpoints", "ca", "enrol_url")
    secret = node_secret(node_id).to_json()
    config = {
        **agent["config"],
        **{name: Ref(FRONTGATE_ENSURE, f"/{name}").to_json() for name in told},
        "user": node_id,
        "password": secret,
        "enrolment": secret,
    }
    user_data = {"$agent": {**agent, "config": config}}
    return attrs.evolve(
        task,
        input={**task.input, "user_data": user_data},
        after=(*task.after, FRONTGATE_ENSURE),
    )


def _node_of(task: Task, agent: JsonObject) -> str:
    match agent.get("config"):
        case {"node_id": str(node_id)}:
            return node_id
    message = f"Task {task.key} starts a drone without saying for which node."
    finding = Finding(level=Level.ERROR, code="plan.agent", message=message, file=task.key)
    raise PlanRefusedError(message, findings=[finding])
