"""What a shell is told while a line is typed."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result
from stand_in import StandIn

FORM: dict[str, Any] = {
    "properties": {
        "cluster": {
            "type": "object",
            "properties": {
                "count": {"type": "integer", "title": "Node count", "enum": [1, 3, 5]},
                "colour": {"type": "string", "default": "red"},
            },
        },
        "env": {
            "type": "object",
            "properties": {
                "tls": {"type": "boolean"},
                "modes": {"type": "string", "x-multichoice": {"choices": ["a", "b"]}},
            },
        },
    },
}


@pytest.fixture
def store(api: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An API with an app, a runtime and a cluster, found by the environment."""
    monkeypatch.setenv("PITRIX_URL", api.url)
    monkeypatch.setenv("PITRIX_TOKEN", "secret")
    api.lists("/v1/apps", {"name": "etcd", "id": "app-1"}, {"name": "redis", "id": "app-2"})
    api.answers("GET", "/v1/apps/etcd", {"id": "app-1", "name": "etcd"})
    api.lists(
        "/v1/apps/app-1/versions",
        {"id": "ver-2", "version": "2.0.0"},
        {"id": "ver-1", "version": "1.0.0"},
    )
    api.answers("GET", "/v1/app_versions/ver-2/config_schema", FORM)
    api.lists("/v1/runtimes", {"name": "here", "id": "rt-1"})
    api.lists("/v1/clusters", {"name": "mine", "id": "cl-1"})
    api.lists("/v1/frontgates", {"id": "fg-1", "state": "connected"})
    return api


@pytest.fixture
def complete(
    type_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[str]]:
    """Return what bash is told of a line."""

    def completed(line: str) -> list[str]:
        monkeypatch.setenv("_PITRIX_COMPLETE", "bash_complete")
        monkeypatch.setenv("PITRIX_LINE", line)
        monkeypatch.setenv("PITRIX_BREAKS", " \t\n\"'@><=;|&(:")
        result = type_command()
        assert result.code == 0
        return result.out.split()

    return completed


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("pitrix clu", ["cluster"], id="verb"),
        pytest.param("pitrix config s", ["schema", "show"], id="verb-of-a-group"),
        pytest.param("pitrix plan et", ["etcd"], id="app"),
        pytest.param("pitrix deploy ", ["etcd", "redis"], id="any-app"),
        pytest.param("pitrix config show etcd@1", ["1.0.0"], id="app-version"),
        pytest.param("pitrix plan etcd --version ", ["2.0.0", "1.0.0"], id="version"),
        pytest.param("pitrix plan etcd --runtime h", ["here"], id="runtime"),
        pytest.param("pitrix cluster show ", ["mine"], id="cluster"),
        pytest.param("pitrix frontgate revoke ", ["fg-1"], id="frontgate"),
        pytest.param(
            "pitrix plan etcd --set cluster.co", ["cluster.count=", "cluster.colour="], id="path"
        ),
        pytest.param("pitrix plan etcd --set=env.t", ["env.tls="], id="path-after-an-equals-sign"),
        pytest.param("pitrix plan etcd --set cluster.count=", ["1", "3", "5"], id="choice"),
        pytest.param("pitrix plan etcd --set env.tls=n", ["no"], id="flag"),
        pytest.param("pitrix plan etcd --set env.modes=", ["a", "b"], id="several-choices"),
        pytest.param("pitrix plan etcd --set cluster.colour=", ["red"], id="default"),
        pytest.param("pitrix plan --set cluster.", [], id="no-app-yet"),
        pytest.param("pitrix plan nothing --set cluster.", [], id="an-app-that-is-not-there"),
        pytest.param("pitrix plan 'et", ["etcd"], id="an-open-quote"),
    ],
)
def test_what_can_be_typed_next_is_told(
    store: StandIn, complete: Callable[[str], list[str]], line: str, found: list[str]
) -> None:
    """Of what the server has, and of the form of the app on the line."""
    assert complete(line) == found


def test_without_a_server_nothing_is_said(complete: Callable[[str], list[str]]) -> None:
    """No error stands in the line that is typed."""
    assert complete("pitrix plan ") == []


def test_a_server_that_does_not_answer_is_not_waited_for(
    complete: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address behind which nobody speaks HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PITRIX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr("pitrix_core.cli.completion.values.TIMEOUT_S", 0.05)
        began_s = time.monotonic()

        found = complete("pitrix plan ")

    assert found == []
    assert time.monotonic() - began_s < 15


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("tcsh_complete", id="a-shell-that-is-not-known"),
        pytest.param("bash_source", id="a-question-that-is-not-answered"),
    ],
)
def test_a_question_that_is_not_understood_has_no_answer(
    type_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """And is no failure either."""
    monkeypatch.setenv("_PITRIX_COMPLETE", question)

    result = type_command()

    assert (result.code, result.out.strip()) == (0, "")


@pytest.mark.parametrize(
    ("shell", "mark"),
    [
        pytest.param("bash", "complete -o nosort -F", id="bash"),
        pytest.param("zsh", "#compdef pitrix", id="zsh"),
        pytest.param("fish", "complete --no-files --command pitrix", id="fish"),
    ],
)
def test_a_script_is_printed_for_each_shell(
    type_command: Callable[..., Result], shell: str, mark: str
) -> None:
    """To be sourced by the shell."""
    result = type_command("completion", shell)

    assert result.code == 0
    assert mark in result.out


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_whole_words(
    store: StandIn,
    type_command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    shell: str,
) -> None:
    """They do not break words as bash does."""
    monkeypatch.setenv("_PITRIX_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "pitrix plan etcd --set cluster.count=")
    monkeypatch.setenv("COMP_CWORD", "4" if shell == "zsh" else "cluster.count=")

    result = type_command()

    assert "cluster.count=3" in result.out


@pytest.mark.skipif(shutil.which("bash") is None, reason="apt-get install bash")
@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("pitrix plan etcd --set cluster.count=", ["1", "3", "5"], id="choice"),
        pytest.param("pitrix plan etcd@", ["2.0.0", "1.0.0"], id="version"),
    ],
)
def test_bash_understands_the_script(
    store: StandIn,
    type_command: Callable[..., Result],
    tmp_path: Path,
    line: str,
    found: list[str],
) -> None:
    """As it is sourced, with the words that bash makes of a line."""
    program = tmp_path / "pitrix"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pitrix_core.cli.main "$@"\n')
    program.chmod(0o755)
    script = type_command("completion", "bash").out
    asking = f"COMP_LINE='{line}' COMP_POINT={len(line)}; _pitrix_completion {program}"

    ended = subprocess.run(
        ["bash", "-c", f'{script}\n{asking}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )

    assert ended.stdout.split() == found
