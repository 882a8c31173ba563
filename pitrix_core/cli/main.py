"""The entry point of ``pitrix``: finds the verb, runs it, turns what it raises into an exit code.

Only click is imported before the verb is known. Plugins are loaded when their commands may be
meant: for the list of commands, and for a name the core does not have.
"""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import click

from pitrix_core.cli.completion.variables import COMPLETION
from pitrix_core.cli.problems import FAILED, INTERRUPTED, CliError, show_error
from pitrix_core.errors import PitrixError

#: Verb → module below ``pitrix_core.cli`` and object in it, and what the list of commands says.
VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": (
        "demo.command:demo",
        "Deploy a three-node etcd cluster on this machine, and remove it.",
    ),
    "serve": (
        "verbs.servers:serve",
        "Run everything on this machine: API, runner, pilot, indexer.",
    ),
    "api": ("verbs.servers:api", "Run the REST API alone."),
    "runner": ("verbs.servers:runner", "Run a runner alone: it carries jobs out."),
    "pilot": ("verbs.servers:pilot", "Run a pilot alone: it talks to the agents."),
    "indexer": ("verbs.servers:indexer", "Run an indexer alone: it reads the repos."),
    "package": ("verbs.packages.group:package", "Write, check and build packages."),
    "repo": ("verbs.repo:repo", "Register the places packages come from."),
    "app": ("verbs.app:app", "Look at the applications of all repos."),
    "review": ("verbs.lives:review", "Review versions of applications before they are released."),
    "category": ("verbs.category:category", "Sort the applications."),
    "config": ("verbs.config:config", "Look at what an application can be told."),
    "provider": ("verbs.provider:provider", "Look at the clouds runtimes can be registered with."),
    "runtime": ("verbs.runtime:runtime", "Register the places clusters run on."),
    "frontgate": (
        "verbs.frontgate:frontgate",
        "Look at what connects the machines of a network, and revoke its access.",
    ),
    "plan": ("verbs.plan:plan", "Show what deploying an application would do and cost."),
    "deploy": ("verbs.plan:deploy", "Plan an application, ask, and deploy it."),
    "cluster": ("verbs.cluster:cluster", "Look at deployed applications, and remove them."),
    "job": ("verbs.job:job", "Look at plans being carried out; try failed ones again."),
    "secrets": (
        "verbs.secrets:secrets",
        "Rotate the keys that secrets are encrypted with; on the server's machine.",
    ),
    "audit": ("verbs.audit:audit", "Look at who changed what, and check that nobody changed that."),
    "quota": ("verbs.quota:quota", "Say how much people may have, and see what they have."),
    "usage": ("verbs.usage:usage", "Add up what clusters used in a period, and what it cost."),
    "event": ("verbs.event:event", "Look at what happened."),
    "login": ("verbs.login:login", "Log in, and be remembered on this machine."),
    "logout": ("verbs.login:logout", "Log out again."),
    "whoami": ("verbs.login:whoami", "Show as whom you ask, and what you may do."),
    "token": ("verbs.token:token", "Make API tokens for programs, and take them back."),
    "user": ("verbs.people:user", "Let people in, and let them go."),
    "group": ("verbs.people:group", "Make groups of people, in a tree."),
    "role": ("verbs.people:role", "Look at what people may do, in bundles."),
    "grant": ("verbs.people:grant", "Let people do something with what is a group's."),
    "plugins": ("verbs.plugins:plugins", "List the installed plugins and what is wrong with them."),
    "completion": ("verbs.completion:completion", "Teach a shell to complete what you type."),
    "version": ("verbs.version:version", "Show the versions of this command line and its plugins."),
}


class _Verb(click.Command):
    """Stands for a verb in the list of commands until it is typed."""

    def __init__(self, name: str, *, target: str, summary: str) -> None:
        super().__init__(name, short_help=summary, help=summary)
        self.target = target

    def load(self) -> click.Command:
        """Import the real one."""
        module, _, attribute = self.target.partition(":")
        found: click.Command = getattr(
            importlib.import_module(f"pitrix_core.cli.{module}"), attribute
        )
        return found


class Root(click.Group):
    """The root command: the core's verbs, imported one at a time, and the plugins'."""

    def __init__(self, **options: Any) -> None:
        """Begin with the core's verbs alone."""
        super().__init__(**options)
        self._has_plugins = False
        for name, (target, summary) in VERBS.items():
            self.commands[name] = _Verb(name, target=target, summary=summary)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of :data:`VERBS`, the plugins' after them."""
        self._add_plugins()
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one of the core's as what stands for it in the list."""
        if cmd_name not in self.commands:
            self._add_plugins()
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is to be run, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, _Verb) else command, rest

    def _add_plugins(self) -> None:
        if not self._has_plugins:
            self._has_plugins = True
            importlib.import_module("pitrix_core.cli.plugin_commands").add_to(self)


@click.command(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
def root() -> None:
    """pitrix packages, deploys and manages applications of any type on any cloud.

    Start a server on this machine with `pitrix serve`; see everything at work with `pitrix demo`.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process.

    The exit code is 0, 1 for what could not be done, 2 for what was typed wrongly, 130 after
    Ctrl-C.

    :param arguments: instead of the process's own.
    """
    typed = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(typed))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    if COMPLETION in os.environ:
        shells = importlib.import_module("pitrix_core.cli.completion.shells")
        click.echo(shells.answer(root, os.environ))
        return 0
    try:
        code = root.main(list(arguments), prog_name="pitrix", standalone_mode=False)
    except click.ClickException as ex:
        ex.show()
        return ex.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except (PitrixError, CliError) as ex:
        show_error(ex, as_json="--json" in arguments)
        return FAILED
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not complain about it at its end.
        sys.stderr.close()
        return FAILED
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
