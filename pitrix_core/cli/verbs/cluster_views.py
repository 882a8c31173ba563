"""``pitrix cluster monitor`` and ``tab``: how the nodes of a cluster are, and what they show."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click

from pitrix_core.cli.completion.values import clusters
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import aligned, print_json, print_table, time_of
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject

#: Seconds between two looks for an answer; most come at once.
_FIRST_LOOK_S: Final = 0.1
_LAST_LOOK_S: Final = 1.0
_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}


@click.command()
@click.argument("cluster_id", metavar="CLUSTER", shell_complete=clusters)
@click.option("--node", "node_id", help="Only this node: its id.")
@click.option("--since", default="1h", show_default=True, help="How far back: 30m, 6h or 7d.")
@talks_to_api
def monitor(session: Session, cluster_id: str, *, node_id: str | None, since: str) -> None:
    """Show what was measured on a cluster's nodes."""
    path = f"/v1/clusters/{cluster_id}/measures"
    found = session.api.get(path, node_id=node_id, minutes=_minutes(since))
    if session.as_json:
        print_json(found)
        return
    snapshot = session.api.get(f"/v1/clusters/{cluster_id}")
    print_table(
        list(_measured(found, snapshot.get("nodes") or [])),
        {
            "role": "role",
            "node": "node",
            "item": "item",
            "now": "now",
            "least": "least",
            "most": "most",
            "measured": "measured_at",
        },
        nothing=f"Nothing was measured within {since}.",
    )
    for node, sample in _newest(found["samples"]).items():
        if sample["detail"]:
            say(f"\n{node}: {sample['detail']}")
    if found["is_cut"]:
        say("\nOlder measurements were left out; ask for a shorter time, or for one --node.")


@click.command()
@click.argument("cluster_id", metavar="CLUSTER", shell_complete=clusters)
@click.argument("title", required=False)
@click.option("--node", "node_id", help="Ask this node: its id.")
@talks_to_api
def tab(session: Session, cluster_id: str, *, title: str | None, node_id: str | None) -> None:
    """Have a node fill in a table of the package, and show it; without TITLE list the tables."""
    path = f"/v1/clusters/{cluster_id}/tabs"
    if title is None:
        _list_tabs(session, path)
        return
    answer = session.api.post(path, {"title": title, "node_id": node_id})
    pause_s = _FIRST_LOOK_S
    while answer["state"] == "asked":
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LAST_LOOK_S)
        answer = session.api.get(f"/v1/tabs/{answer['id']}")
    if answer["state"] == "failed":
        raise CliError(
            f"Node {answer['node_id']} could not fill in {title!r}: {answer['error']}",
            next_step="Ask again, or ask another one with --node.",
        )
    if session.as_json:
        print_json(answer)
        return
    if not answer["rows"]:
        say("The table is empty.")
        return
    for line in aligned(_even([answer["labels"], *answer["rows"]])):
        say(line)


def health_of(record: JsonObject) -> str:
    """Return the health of a node in a few words; empty where it is not checked."""
    health: JsonObject = record.get("health") or {}
    if not health:
        return ""
    why = f": {health['detail']}" if health.get("detail") else ""
    return f"{health['state']} since {time_of(health['since'])}{why}"


def _list_tabs(session: Session, path: str) -> None:
    items = session.api.items(path)
    if session.as_json:
        print_json({"items": items, "next_cursor": None})
        return
    columns = {"title": "title", "roles": "roles", "description": "description"}
    print_table(items, columns, nothing="Its package has no tables.")


def _minutes(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if found is None:
        raise CliError(f"{text!r} is no time.", next_step="Say how far back: 30m, 6h or 7d.")
    return int(found[1]) * _MINUTES[found[2]]


def _measured(found: JsonObject, nodes: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """Yield a line for each item of each node."""
    for node in nodes:
        samples = [each for each in found["samples"] if each["node_id"] == node["id"]]
        for item in found["items"].get(node["role"], ()):
            mine = [each for each in samples if item["name"] in each["values"]]
            if mine:
                yield {"role": node["role"], "node": node["id"], **_summary(item, mine)}


def _summary(item: JsonObject, samples: list[JsonObject]) -> JsonObject:
    values = [sample["values"][item["name"]] for sample in samples]
    numbers = [value for value in values if not isinstance(value, str)]
    return {
        "item": item["name"],
        "now": _shown(values[-1], item),
        "least": _shown(min(numbers), item) if numbers else "",
        "most": _shown(max(numbers), item) if numbers else "",
        "measured_at": samples[-1]["at"],
    }


def _shown(value: Any, item: JsonObject) -> str:
    """Return a value as the package wants it shown."""
    text = value if isinstance(value, str) else f"{value * item['scale']:.6g}"
    return f"{text} {item['unit']}".rstrip()


def _newest(samples: Iterable[JsonObject]) -> dict[str, JsonObject]:
    return {sample["node_id"]: sample for sample in samples}


def _even(rows: list[list[str]]) -> list[list[str]]:
    """Return rows of equal length: packages' own need not be."""
    width = max(map(len, rows))
    return [[*row, *([""] * (width - len(row)))] for row in rows]
