"""What authors of VM packages are advised of, and what they are spared."""

import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from vm_packages import VM, config_json, group, leaf, node, package

from pitrix_core.findings import Finding, Level
from pitrix_core.package import Package

SERVICES = {"start": {"cmd": "/opt/start"}, "stop": {"cmd": "/opt/stop"}}


def advised(source: Package) -> list[Finding]:
    """Return what there is to improve."""
    return VM.advice(source, VM.parse(source))


def db(**members: Any) -> dict[str, Any]:
    """Return a node that nothing is said of."""
    return node("db", services=SERVICES, **members)


def made(*leaves: Mapping[str, Any], nodes: Any = None, env: Any = None, **members: Any) -> Package:
    """Return a package of one role that nothing is said of, but for what is given.

    :param leaves: of its environment.
    """
    form = config_json(
        group(
            "cluster",
            leaf("name", "string", default="app"),
            leaf("subnet", "string", default=""),
            group("db", leaf("count", default=1)),
        ),
        group("env", *leaves),
    )
    document = {
        "name": "{{.cluster.name}}",
        "subnet": "{{.cluster.subnet}}",
        "nodes": nodes or [db()],
        "endpoints": {"client": {"port": 80}},
        "env": env or {},
        **members,
    }
    return package({k: v for k, v in document.items() if v is not None}, form=form)


def with_files(source: Package, **texts: object) -> Package:
    """Return a package with more files; values become JSON."""
    files = {
        name.replace("__", "/") + ".json": json.dumps(value, ensure_ascii=False).encode()
        for name, value in texts.items()
    }
    return attrs.evolve(source, files={**source.files, **files})


def test_a_good_package_needs_no_advice() -> None:
    """Nothing is said of one that uses all it has."""
    source = made(leaf("port", default=1), env={"port": "{{.env.port}}"})

    assert advised(source) == []


@pytest.mark.parametrize(
    ("source", "level", "code", "file", "pointer"),
    [
        pytest.param(
            made(leaf("port", default=1)),
            Level.INFO,
            "form.unused",
            "config.json",
            "/properties/1/properties/0",
            id="unused-parameter",
        ),
        pytest.param(
            made(
                leaf("pass", "password", default="secret"),
                env={"pass": "{{.env.pass}}"},
            ),
            Level.WARNING,
            "form.password",
            "config.json",
            "/properties/1/properties/0/default",
            id="known-password",
        ),
        pytest.param(
            made(nodes=[db(), node("web", count=1)]),
            Level.INFO,
            "cluster.unmatched",
            "cluster.json.tmpl",
            "/nodes/1/role",
            id="role-without-parameters",
        ),
        pytest.param(
            made(nodes=[node("other", count="{{.cluster.db.count}}", services=SERVICES)]),
            Level.INFO,
            "form.unmatched",
            "config.json",
            "/properties/0/properties/2",
            id="parameters-without-role",
        ),
        pytest.param(
            made(nodes=[node("db", services={"start": {"cmd": "/x"}})]),
            Level.INFO,
            "cluster.no_stop",
            "cluster.json.tmpl",
            "/nodes/0/services",
            id="never-stopped",
        ),
        pytest.param(
            made(nodes=[db(container={"type": "kvm"})]),
            Level.INFO,
            "cluster.no_image",
            "cluster.json.tmpl",
            "/nodes/0/container",
            id="no-image",
        ),
        pytest.param(
            made(nodes=[node("db", services={**SERVICES, "init": {"cmd": "appctl init"}})]),
            Level.INFO,
            "cluster.search_path",
            "cluster.json.tmpl",
            "/nodes/0/services/init/cmd",
            id="relative-command",
        ),
        pytest.param(
            made(endpoints=None),
            Level.INFO,
            "cluster.no_endpoint",
            "cluster.json.tmpl",
            "",
            id="no-endpoint",
        ),
    ],
)
def test_what_could_be_better_is_said(
    source: Package, level: Level, code: str, file: str, pointer: str
) -> None:
    """Each remark has its place, and is no error."""
    found = [finding for finding in advised(source) if finding.code == code]

    assert [(f.level, f.file, f.pointer) for f in found] == [(level, file, pointer)]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            made(leaf("pass", "password", default=""), env={"pass": "{{.env.pass}}"}),
            id="password-without-default",
        ),
        pytest.param(
            made(
                leaf("kind", "string", default="a", range=["a", "b"]),
                leaf(
                    "port",
                    default=1,
                    dependencies=[{"refkey": "kind", "values": ["a"], "operator": "in"}],
                ),
                env={"port": "{{.env.port}}"},
            ),
            id="parameter-that-shows-another",
        ),
        pytest.param(
            package(
                {
                    "nodes": [
                        {
                            "container": {"type": "kvm", "image": "i"},
                            "count": "{{.cluster.any.count}}",
                            "cpu": 1,
                            "memory": 512,
                            "services": SERVICES,
                        }
                    ],
                    "endpoints": {"client": {"port": 80}},
                },
                form=config_json(group("cluster", group("any", leaf("count", default=1)))),
            ),
            id="single-role-without-a-name",
        ),
        pytest.param(
            made(nodes=[node("db", services={"start": {"cmd": "/x"}}, agent_installed=False)]),
            id="no-agent-to-stop-it",
        ),
    ],
)
def test_what_is_as_it_should_be_is_spared(source: Package) -> None:
    """No remark that a good package would have to live with."""
    assert advised(source) == []


@pytest.mark.parametrize(
    "cmd",
    [
        "/opt/bin/start.sh",
        '"${PITRIX_ROOT:-}"/opt/bin/start.sh',
        "$HOME/start.sh",
        "cd /opt && ./start.sh",
        "A=1 /opt/start.sh",
        "[ -f /opt/x ] || /opt/start.sh",
        "echo started",
        ". /etc/profile; start",
    ],
)
def test_a_command_that_every_shell_finds_is_spared(cmd: str) -> None:
    """A full path, or a word of the shell's own."""
    source = made(nodes=[node("db", services={**SERVICES, "start": {"cmd": cmd}})])

    assert advised(source) == []


def test_a_member_that_is_there_twice_is_said_of_the_template() -> None:
    """Also where it is so only after the values are in."""
    text = """{"nodes": [{"role": "db", "container": {"image": "i"}, "count": 1, "cpu": 1,
      "memory": 512, "cpu": {{cluster.db.count}}}]}"""

    found = [f for f in advised(package(text)) if f.code == "json.duplicate"]

    assert [finding.pointer for finding in found] == ["/nodes/0/cpu"]


# -- translations ----------------------------------------------------------------------------------

LABELLED = made(
    {**leaf("port", default=1), "label": "Port", "description": "Где он слушает"},
    env={"port": "{{.env.port}}"},
)
#: Labels of the package around that leaf.
OWN = {"Name": "名称", "Subnet": "网络", "Count": "数量"}


@pytest.mark.parametrize(
    ("language", "texts", "missing"),
    [
        pytest.param("zh-cn", {**OWN, "Port": "端口"}, None, id="complete"),
        pytest.param("zh-cn", OWN, "'Port'", id="a-label-is-missing"),
        pytest.param("en", {}, "'Где он слушает'", id="english-needs-no-plain-letters"),
        pytest.param("en", {"Где он слушает": "Where it listens"}, None, id="english-complete"),
    ],
)
def test_texts_without_translation_are_counted(
    language: str, texts: dict[str, str], missing: str | None
) -> None:
    """Once for a file, with an example."""
    source = with_files(LABELLED, **{f"locale__{language}": texts})

    found = [finding for finding in advised(source) if finding.code == "locale.missing"]

    assert [missing in f.message for f in found] == ([True] if missing else [])


def test_translations_of_nothing_are_counted() -> None:
    """What neither the form nor the cluster has; messages of the platform are no texts."""
    texts = {
        **OWN,
        "Port": "端口",
        "Prot": "端口",
        "client": "客户端",
        "err_code1": "x",
        "notice_when_upgrade": "y",
    }
    source = with_files(LABELLED, **{"locale__zh-cn": texts})

    [found] = advised(source)

    assert (found.code, found.file) == ("locale.unused", "locale/zh-cn.json")
    assert found.pointer == "/Prot"
    assert found.message.startswith("1 of 8 ")
    assert found.message.endswith("'Prot'")
