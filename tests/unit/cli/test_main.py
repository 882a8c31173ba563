"""The entry point: finding verbs, and exit codes."""

from collections.abc import Callable

import click
import pytest
from conftest import Result

from pitrix_core import hookimpl
from pitrix_core.cli import main, plugin_commands
from pitrix_core.plugins import Hooks


class _Greeter:
    """A plugin with a command."""

    @hookimpl
    def pitrix_cli(self, group: click.Group) -> None:
        group.add_command(click.Command("greet", callback=lambda: click.echo("hello")))


class _Broken:
    """A plugin whose command cannot be made."""

    @hookimpl
    def pitrix_cli(self, group: click.Group) -> None:
        raise RuntimeError("no greeting today")


@pytest.mark.parametrize("verb", main.VERBS)
def test_every_verb_says_what_it_is_for(verb: str, type_command: Callable[..., Result]) -> None:
    """Help of each verb that the list names is there: its module imports."""
    result = type_command(verb, "--help")

    assert result.code == 0
    assert f"Usage: pitrix {verb}" in result.out


def test_the_list_of_commands_names_every_verb(type_command: Callable[..., Result]) -> None:
    """``pitrix --help`` shows all verbs."""
    result = type_command("--help")

    assert result.code == 0
    assert [verb for verb in main.VERBS if f"  {verb} " not in result.out] == []


def test_an_unknown_verb_is_a_usage_error(type_command: Callable[..., Result]) -> None:
    """A typing mistake is answered with exit code 2 and a proposal."""
    result = type_command("clustre")

    assert result.code == 2
    assert "cluster" in result.err


def test_a_missing_server_says_how_to_start_one(type_command: Callable[..., Result]) -> None:
    """Without a server anywhere, the next step is named."""
    result = type_command("cluster", "list")

    assert result.code == 1
    assert "pitrix serve" in result.err


def test_a_plugin_adds_a_command() -> None:
    """A command of a plugin stands beside the core's."""
    root = main.Root(name="pitrix")

    plugin_commands.add_to(root, hooks=lambda: Hooks({"greeter": _Greeter()}))

    assert "greet" in root.commands


def test_a_broken_plugin_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """A plugin that raises takes nothing from the core's verbs, and is named."""
    root = main.Root(name="pitrix")

    plugin_commands.add_to(root, hooks=lambda: Hooks({"grumpy": _Broken()}))

    assert set(root.commands) == set(main.VERBS)
    warning = capsys.readouterr().err
    assert "grumpy" in warning
    assert "no greeting today" in warning
    assert "Traceback" not in warning


def test_a_plugin_cannot_take_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """A plugin that takes a verb of the core loses it again, with a warning."""

    class Taker:
        @hookimpl
        def pitrix_cli(self, group: click.Group) -> None:
            group.add_command(click.Command("deploy"))

    root = main.Root(name="pitrix")
    before = root.commands["deploy"]

    plugin_commands.add_to(root, hooks=lambda: Hooks({"taker": Taker()}))

    assert root.commands["deploy"] is before
    assert "taken" in capsys.readouterr().err
