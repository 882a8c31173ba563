"""The Pilot and the protocol's examples understand one another, in every version that it speaks."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from served import Play, Served, eventually, hear, hello, hello_2, say
from websockets.asyncio.client import connect

from pitrix_core.model import AgentStart, Runtime, Task
from pitrix_core.model.frontgate import PROTOCOLS
from pitrix_core.pilot import frames
from pitrix_core.planner.agents import as_spoken, with_frontgate
from pitrix_core.planner.frontgate import FrontgatePlan, PilotPlace, draft_frontgate

PROTOCOL = Path(__file__).resolve().parents[3] / "agents/protocol"
#: What a Frontgate sends once it is welcome, beside acknowledgements and requests for tokens.
REPORTS = (
    "node.status",
    "node.enrolment",
    "node.health",
    "node.measures",
    "command.result",
    "metadata.stored",
    "failed",
)

SINCE_2 = ("node.enrolment", "node.health", "node.measures")


def examples(version: int, name: str) -> list[Path]:
    """List a version's valid examples of a schema; none outside a checkout."""
    return sorted((PROTOCOL / f"examples/v{version}/valid" / name).glob("*.json"))


def title(path: Path) -> str:
    """Name an example: its version, its schema and itself."""
    return f"{path.parents[2].name}-{path.parent.name}-{path.stem}"


def faults(version: int, name: str, message: Any) -> list[str]:
    """Return what is wrong with a message."""
    loaded = [json.loads(path.read_text()) for path in (PROTOCOL / f"schemas/v{version}").iterdir()]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in loaded
    )
    found = Draft202012Validator({"$ref": f"{name}.schema.json"}, registry=registry)
    return [error.message for error in found.iter_errors(message)]


def shown_to(served: Served, version: int) -> dict[str, Any]:
    """Return the body of a ``hello`` of a version that is let in."""
    return hello() if version == 1 else hello_2(enrolment=served.enrolment())


@pytest.mark.parametrize(
    "example", [path for v in PROTOCOLS for path in examples(v, "frame")], ids=title
)
def test_every_frame_of_the_protocol_is_read(example: Path) -> None:
    """Whoever sends it; what it means is another matter."""
    document = json.loads(example.read_text())

    frame = frames.parse(example.read_text())

    assert (frame.id, frame.type, frame.body) == (
        document["id"],
        document["type"],
        document["body"],
    )


@pytest.mark.parametrize("version", PROTOCOLS)
def test_what_the_pilot_says_is_of_the_protocol(play: Play, version: int) -> None:
    """The welcome, acknowledgements, answers and refusals, by their schemas of that version."""

    async def scene(served: Served) -> None:
        heard = []
        shown = shown_to(served, version)
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "h", "hello", shown)
            heard.append(await hear(peer))
            await say(peer, "f-1", "node.dance", {})
            heard += [await hear(peer), await hear(peer)]
            if version > 1:
                await say(peer, "r-1", "token.renew", {})
                await say(peer, "r-2", "tls.renew", {})
                heard += [await hear(peer) for _ in range(3)]
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "h", "hello", {**shown, "frontgate_id": "fg-9"})
            heard.append(await hear(peer))

        since_2 = ["token.renewed", "tls.put", "ack"] if version > 1 else []
        assert [frame["type"] for frame in heard] == [
            "welcome",
            "failed",
            "ack",
            *since_2,
            "refused",
        ]
        assert [fault for frame in heard for fault in faults(version, "frame", frame)] == []

    play(scene)


@pytest.mark.parametrize("version", PROTOCOLS)
def test_what_a_frontgate_says_is_taken(play: Play, version: int) -> None:
    """Every example of a report is acknowledged, also with members of a later version."""
    taken: set[str] = set()

    async def scene(served: Served) -> None:
        async with connect(served.url, proxy=None) as peer:
            await say(peer, "h", "hello", shown_to(served, version))
            await hear(peer)
            for name in REPORTS:
                for example in examples(version, name):
                    taken.add(name)
                    body = {**json.loads(example.read_text()), "added_later": True}
                    frame_id = f"{name}:{example.stem}"
                    await say(peer, frame_id, name, body, reply_to="something")
                    ack = await hear(peer)
                    assert (ack["type"], ack["reply_to"]) == ("ack", frame_id)
        await eventually(lambda: not served.is_connected())

    play(scene)

    assert taken == {name for name in REPORTS if version > 1 or name not in SINCE_2}


def configured(task: Task) -> dict[str, Any]:
    """Return the configuration that a machine is planned with."""
    config: dict[str, Any] = task.input["user_data"]["$agent"]["config"]
    return config


@pytest.mark.parametrize("version", PROTOCOLS)
def test_a_drone_is_configured_as_the_protocol_says(version: int) -> None:
    """It refuses what it does not know; what is told once the Frontgate is there is as in the
    example.
    """
    [path, *_] = examples(version, "drone-config")
    example = json.loads(path.read_text())
    own = {"cluster_id": "cl-1", "node_id": "cln-1", "role": "db"}
    user_data = {"$agent": {"agent": "drone", "config": own}}
    drone = Task(key="m", kind="compute.create", title="", input={"user_data": user_data})
    planned = configured(with_frontgate((drone,), cluster_id="cl-1")[-1])
    known = {name: example[name] for name in planned if name in example}

    told = as_spoken(AgentStart(agent="drone", config={**planned, **known})).config

    assert faults(version, "drone-config", told) == []


@pytest.mark.parametrize(
    ("pilot", "settings"),
    [
        pytest.param(PilotPlace(urls=("wss://pilot.example",)), {}, id="the-least"),
        pytest.param(
            PilotPlace(
                urls=("wss://one.example", "wss://two.example:8443"),
                ca="-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
                agents_url="https://api.example/v1/agents",
                agents_ca="-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            ),
            {
                "image_mirror": "https://mirror.example",
                "frontgate_proxy": "http://proxy.example:3128",
            },
            id="all",
        ),
    ],
)
def test_a_frontgate_is_configured_as_the_protocol_says(
    pilot: PilotPlace, settings: dict[str, Any]
) -> None:
    """It refuses what it does not know."""
    runtime = Runtime(id="rt-1", name="here", provider="fake", owner="admin", settings=settings)
    frontgate = FrontgatePlan(
        cluster_id="cl-fg", frontgate_id="fg-1", network_id="", pilot=pilot, runtime=runtime
    )
    draft = draft_frontgate(frontgate)

    told = {**configured(draft.tasks[0]), "enrolment": "what-it-shows-at-first" * 2}

    assert faults(PROTOCOLS[-1], "frontgate-config", told) == []
