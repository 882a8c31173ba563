"""Forms: shown as a list, and asked for field by field."""

import io
import json
from collections.abc import Callable
from typing import Any

import click
import pytest
from conftest import Result
from stand_in import StandIn

from pitrix_core.cli.forms import fields_of, rows_of, sections_of

#: As packages of machines have it: groups, conditions, a secret, and a key with a dot in it.
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["cluster", "env"],
    "properties": {
        "env": {
            "type": "object",
            "title": "Settings",
            "x-order": 1,
            "required": ["password"],
            "properties": {
                "log.level": {"type": "string", "title": "Log level", "default": "info"},
                "log": {"type": "object", "properties": {"level": {"type": "boolean"}}},
                "password": {
                    "type": "string",
                    "title": "Password",
                    "writeOnly": True,
                    "pattern": "^.{8,}$",
                },
            },
        },
        "cluster": {
            "type": "object",
            "title": "Cluster",
            "description": "Where it runs.",
            "x-order": 0,
            "properties": {
                "peers": {
                    "type": "string",
                    "title": "Peers",
                    "default": "",
                    "x-order": 2,
                    "x-visible-if": [{"key": "count", "in": [3, 5]}],
                },
                "name": {"type": "string", "title": "Name", "default": "", "x-order": 0},
                "count": {
                    "type": "integer",
                    "title": "Node count",
                    "description": "How many.",
                    "enum": [1, 3, 5],
                    "default": 1,
                    "x-order": 1,
                    "x-changeable": False,
                },
                "size": {
                    "type": "integer",
                    "title": "Size",
                    "minimum": 10,
                    "maximum": 90,
                    "multipleOf": 10,
                    "default": 10,
                    "x-unit": "GiB",
                    "x-order": 3,
                },
                "zone": {
                    "type": "string",
                    "default": "a",
                    "x-changeable-when-create": False,
                    "x-order": 4,
                },
            },
        },
    },
}


@pytest.fixture
def form(api: StandIn) -> StandIn:
    """An API with one app that has a form."""
    api.answers("GET", "/v1/apps/etcd", {"id": "app-1", "name": "etcd"})
    api.lists("/v1/apps/app-1/versions", {"id": "ver-1", "version": "1.0.0"})
    api.answers("GET", "/v1/app_versions/ver-1/config_schema", FORM)
    return api


def test_a_form_is_shown_in_its_order(form: StandIn, pitrix: Callable[..., Result]) -> None:
    """Each field with its path, label, what it may be, and when it shows."""
    result = pitrix("config", "show", "etcd")

    assert result.code == 0
    assert result.out.splitlines()[:10] == [
        "Cluster",
        "Where it runs.",
        "  cluster.name  Name",
        "      a text",
        "  cluster.count  Node count",
        "      a whole number; one of 1, 3, 5; cannot be changed later; default 1",
        "      How many.",
        "  cluster.peers  Peers",
        "      a text",
        "      only for Node count = 3, 5",
    ]
    assert "a whole number of GiB; at least 10, at most 90, a multiple of 10" in result.out
    assert "a text; fixed; default a" in result.out
    assert "a text; required; a secret; like ^.{8,}$" in result.out


def test_a_form_for_programs_is_its_schema(form: StandIn, pitrix: Callable[..., Result]) -> None:
    """As the API sent it."""
    result = pitrix("config", "show", "etcd", "--json")

    assert json.loads(result.out) == FORM


def test_an_app_without_a_form_says_so(form: StandIn, pitrix: Callable[..., Result]) -> None:
    """Nothing to set is no empty answer."""
    form.forget("GET", "/v1/app_versions/ver-1/config_schema")
    form.answers("GET", "/v1/app_versions/ver-1/config_schema", {"type": "object"})

    assert pitrix("config", "show", "etcd").out == "It has no parameters.\n"


def test_several_choices_and_what_hides_a_field_are_told() -> None:
    """In words, with the label of the field beside it."""
    [field, _] = fields_of(
        {
            "properties": {
                "modes": {
                    "type": "string",
                    "x-multichoice": {"choices": ["a", "b"], "separator": ";"},
                    "x-visible-if": [{"key": "tls", "not_in": [True]}],
                },
                "tls": {"type": "boolean", "title": "TLS"},
            }
        }
    )

    assert field.facts() == "a text; one or several of a, b, joined by ';'"
    assert field.condition() == "not for TLS = true"


def test_a_path_is_one_that_can_be_set() -> None:
    """Where dots would lead elsewhere, it is a pointer."""
    assert [field.path for field in fields_of(FORM)][-3:] == [
        "env.log.level",
        "env.password",
        "/env/log/level",
    ]


def test_a_row_says_how_a_field_is_set_and_tells_no_secret() -> None:
    """Its path is one that can be set; a secret that is the default stays one."""
    secret = {"type": "string", "writeOnly": True, "default": "hush"}
    schema = {"properties": {"a.b": secret, "a": {"properties": {"b": {"type": "integer"}}}}}

    rows = {row["path"]: row["default"] for row in rows_of(schema)}

    assert rows == {"a.b": "", "/a/b": ""}


def test_a_form_that_holds_itself_has_an_end() -> None:
    """Sections below sections are shown as far as anybody reads."""
    schema = {"properties": {"x": {"type": "string"}, "inner": {"$ref": "#"}}}

    assert len(rows_of(schema)) < 100


def test_a_form_without_fields_has_no_sections() -> None:
    """Groups alone are nothing to fill in."""
    assert sections_of({"properties": {"a": {"properties": {}}, "b": True}}) == []


@pytest.mark.parametrize(
    ("words", "environ", "language"),
    [
        pytest.param(("--language", "zh_CN"), {}, "zh-CN", id="option"),
        pytest.param((), {"PITRIX_LANGUAGE": "de"}, "de", id="own-setting"),
        pytest.param((), {"LC_ALL": "fr_FR.UTF-8"}, "fr-FR", id="the-systems"),
        pytest.param((), {"LC_ALL": "C"}, None, id="none"),
    ],
)
def test_a_form_is_asked_for_in_the_users_language(
    form: StandIn,
    pitrix: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    environ: dict[str, str],
    language: str | None,
) -> None:
    """An option counts more than a setting, and that more than the system's."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    pitrix("config", "show", "etcd", *words)

    asked = form.asked("GET", "/v1/app_versions/ver-1/config_schema")[0]
    assert asked.headers.get("Accept-Language") == language


def test_what_is_no_language_is_refused(form: StandIn, pitrix: Callable[..., Result]) -> None:
    """Before anything is asked."""
    result = pitrix("config", "show", "etcd", "--language", "a b")

    assert result.code == 2
    assert form.requests == []


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Type lines at a terminal; secrets are typed there, too."""

    def typed(*lines: str) -> None:
        terminal = Terminal("".join(f"{line}\n" for line in lines))
        monkeypatch.setattr("sys.stdin", terminal)

        def hidden(prompt: str) -> str:
            click.echo(prompt, err=True)
            line = terminal.readline()
            if not line:
                raise EOFError
            return line.rstrip("\n")

        monkeypatch.setattr("click.termui.hidden_prompt_func", hidden)

    return typed


@pytest.fixture
def planning(form: StandIn) -> StandIn:
    """An API that makes a plan of whatever it is asked."""
    plan = {"id": "p", "action": "create", "cluster_id": "c", "cluster_name": "n"}
    plan |= {"runtime_id": "r"}
    form.answers("POST", "/v1/plans", {**plan, "tasks": []}, status=201)
    return form


def config_of(api: StandIn) -> Any:
    """Return the configuration that a plan was asked for with."""
    return api.asked("POST", "/v1/plans")[0].body["config"]


def test_what_is_answered_is_planned(
    planning: StandIn, pitrix: Callable[..., Result], typing: Callable[..., None]
) -> None:
    """Return keeps a default; what is fixed or hidden is not asked for."""
    typing("", "", "20", "", "long enough", "long enough", "")

    result = pitrix("plan", "etcd", "--ask")

    assert result.code == 0
    assert config_of(planning) == {"cluster": {"size": 20}, "env": {"password": "long enough"}}
    assert "Node count [1]" in result.err
    assert "Peers" not in result.err
    assert "zone" not in result.err
    assert "long enough" not in result.err + result.out


def test_a_field_shows_once_its_condition_holds(
    planning: StandIn, pitrix: Callable[..., Result], typing: Callable[..., None]
) -> None:
    """Answers decide what is asked for next."""
    typing("", "3", "a,b", "", "", "long enough", "long enough", "yes")

    pitrix("plan", "etcd", "--ask")

    config = config_of(planning)
    assert config["cluster"] == {"count": 3, "peers": "a,b"}
    assert config["env"]["log"] == {"level": True}


def test_what_is_not_allowed_is_asked_for_again(
    planning: StandIn, pitrix: Callable[..., Result], typing: Callable[..., None]
) -> None:
    """With what is wrong; a required field, too, that is left empty."""
    secrets = ("", "short", "short", "long enough", "shorter", "long enough", "long enough")
    typing("", "2", "three", "1", "", "", *secrets, "")

    result = pitrix("plan", "etcd", "--ask")

    assert result.code == 0
    assert "Node count: 2 is not one of 1, 3, 5" in result.err
    assert "Node count: 'three' is not a whole number" in result.err
    assert "Password: a value is required" in result.err
    assert "Password: the value does not match the pattern" in result.err
    assert "The two differ." in result.err


def test_what_was_set_is_not_asked_for(
    planning: StandIn, pitrix: Callable[..., Result], typing: Callable[..., None]
) -> None:
    """Neither what an option says, nor the cluster's name."""
    typing("", "long enough", "long enough", "")
    set_ = ("--set", "cluster.count=1", "--set", "env.log.level=warn", "--name", "mine")

    result = pitrix("plan", "etcd", "--ask", *set_)

    assert result.code == 0
    assert "Node count" not in result.err
    assert config_of(planning)["cluster"] == {"name": "mine", "count": 1}


def test_fields_of_a_group_that_is_no_object_are_not_asked_for(
    planning: StandIn, pitrix: Callable[..., Result], typing: Callable[..., None]
) -> None:
    """What is given goes to the server as it is: it says what is wrong."""
    typing(*[""] * 6)

    result = pitrix("plan", "etcd", "--ask", "--set", "env=1")

    assert result.code == 0
    assert config_of(planning) == {"env": 1}


def test_who_never_has_an_answer_is_not_asked_for_ever(
    planning: StandIn, pitrix: Callable[..., Result], typing: Callable[..., None]
) -> None:
    """The verb ends, and says how to set the field."""
    typing("", *["2"] * 20)

    result = pitrix("plan", "etcd", "--ask")

    assert result.code == 1
    assert "--set cluster.count=VALUE" in result.err
    assert planning.asked("POST", "/v1/plans") == []


def test_nobody_is_asked_without_a_terminal(
    planning: StandIn, pitrix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that says --ask is told what to say instead."""
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))

    result = pitrix("plan", "etcd", "--ask")

    assert result.code == 1
    assert "--set or --values" in result.err
    assert planning.asked("POST", "/v1/plans") == []
