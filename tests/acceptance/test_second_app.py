"""A package nobody here prepared for, through its whole life, in both modes of ``local``."""

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from . import first_contact
from .conftest import Installation, local_settings, machine_of, wait_for
from .second_app import PASSWORD, to_appcenter, write_image, write_package

NAMES = ("first", "second")
DIALECTS = ("openpitrix", "appcenter")


@pytest.fixture(scope="module")
def ready(installation: Installation, folder: Path) -> Installation:
    """An installation whose catalogue has the app, in two dialects."""
    packages = (write_package(folder), write_package(folder, name="hello-appcenter"))
    for name in DIALECTS:
        write_image(folder / name)
    to_appcenter(packages[1], folder / "appcenter")
    for package in packages:
        installation.run("package", "build", str(package), "-o", str(folder / "repo"))
    installation.run("repo", "add", "mine", (folder / "repo").as_uri())
    return installation


@pytest.mark.parametrize(
    ("mode", "app", "dialect"),
    [
        pytest.param("namespace", "hello", "openpitrix", id="namespace-openpitrix"),
        pytest.param("prefix", "hello-appcenter", "appcenter", id="prefix-appcenter"),
    ],
)
def test_it_is_deployed_and_removed(
    ready: Installation, folder: Path, etcd_folder: str, mode: str, app: str, dialect: str
) -> None:
    """It serves on every node, its password is nowhere in the clear, and all of it goes again."""
    settings = local_settings(etcd_folder, folder / dialect, isolation=mode)
    ready.run("runtime", "add", mode, *settings)
    if '"error"' in (checked := ready.run("runtime", "check", mode, "--json", check=False)).out:
        ready.run("runtime", "delete", mode, "--yes")
        pytest.skip(f"this host has no namespaces; as root: unshare --mount true ({checked.out})")

    options = ["--set", f"env.web.password={PASSWORD}", "--name", "first", "--yes"]
    ready.run("deploy", app, "--runtime", mode, *options)

    cluster = ready.run("cluster", "show", "first", "--json").json
    assert cluster["cluster"]["state"] == "active"
    ips = sorted(node["facts"]["ip"] for node in cluster["nodes"])
    served = [httpx.get(f"http://{ip}:8080/peers").text for ip in ips]
    assert [sorted(text.split()) for text in served] == [ips, ips]
    _require_supervised(ready, ips)
    shown = first_contact.configs(ready.data)
    assert [config["protocol"] for config in shown] == [2, 2, 2]
    assert [door for config in shown for door in first_contact.doors_opened(config)] == []
    assert PASSWORD not in _everything_stored(ready.data / "pitrix.db")
    assert PASSWORD not in ready.log()

    ready.run("cluster", "delete", "first", "--yes")
    ready.run("runtime", "delete", mode, "--yes")

    assert ready.run("cluster", "list", "--json").json["items"] == []
    assert ready.run("runtime", "list", "--json").json["items"] == []
    assert [process for process in ready.processes() if machine_of(process)] == []


def test_a_second_cluster_sees_the_first(
    ready: Installation, folder: Path, etcd_folder: str
) -> None:
    """Its machines read the addresses and the password of the one it is linked to."""
    settings = local_settings(etcd_folder, folder / "openpitrix", isolation="prefix")
    ready.run("runtime", "add", "here", *settings)
    options = ["--runtime", "here", "--set", "cluster.web.count=1", "--yes"]
    secret = ["--set", f"env.web.password={PASSWORD}"]
    ready.run("deploy", "hello", "--name", "first", *secret, *options)

    ready.run("deploy", "hello", "--name", "second", "--set", "cluster.other=first", *options)

    first, second = (ready.run("cluster", "show", name, "--json").json for name in NAMES)
    address, seen = (cluster["nodes"][0]["facts"]["ip"] for cluster in (first, second))
    assert httpx.get(f"http://{seen}:8080/linked").text.split() == [address, PASSWORD]
    assert second["cluster"]["config"]["cluster"]["other"] == first["cluster"]["id"]
    assert PASSWORD not in _everything_stored(ready.data / "pitrix.db")

    removal = ready.run("cluster", "delete", "first", "--yes")
    ready.run("cluster", "delete", "second", "--yes")
    ready.run("runtime", "delete", "here", "--yes")

    assert "Cluster second" in removal.out + removal.err


def _require_supervised(ready: Installation, ips: list[str]) -> None:
    """See that its nodes are checked, measured and shown, and that a dead server is started again.

    :param ips: of its nodes.
    """
    wait_for(lambda: _health(ready) == ["healthy", "healthy"], limit_s=60)
    measured = ready.run("cluster", "monitor", "first", "--json").json["samples"]
    assert {sample["values"]["peers"] for sample in measured} == {2}
    table = ready.run("cluster", "tab", "first", "Addresses", "--json").json
    assert (table["labels"], table["rows"][0][0] in ips) == (["address"], True)

    servers = [p for p in ready.processes() if "http.server" in " ".join(p.cmdline())]
    servers[0].kill()

    wait_for(lambda: any(_health(ready, "action")), limit_s=60)
    wait_for(lambda: _health(ready) == ["healthy", "healthy"], limit_s=60)
    assert all(httpx.get(f"http://{ip}:8080/peers").is_success for ip in ips)
    events = ready.run("event", "list", "--json").json["items"]
    kinds = {event["kind"] for event in events if event["subject"] == table["cluster_id"]}
    assert {"node.healthy", "node.acted"} <= kinds


def _health(ready: Installation, member: str = "state") -> list[Any]:
    nodes = ready.run("cluster", "show", "first", "--json").json["nodes"]
    return [node["health"] and node["health"][member] for node in nodes]


def _everything_stored(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        return "\n".join(connection.iterdump())
