"""Options that verbs share, and what they are turned into."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import attrs
import click

from pitrix_core.cli import connection

if TYPE_CHECKING:
    from pitrix_core.cli.client import Api

P = ParamSpec("P")
T = TypeVar("T")

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the server on this machine. [env: PITRIX_DATA]",
)
deadline_option = click.option(
    "--deadline",
    "deadline_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop, and fail, if it is not done by then.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def together(
    *options: Callable[[Callable[P, T]], Callable[P, T]],
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make several options one decorator; help shows them in this order."""

    def add(command: Callable[P, T]) -> Callable[P, T]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def plugin_options(settings: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Add the options with what a plugin can be set to, and shown.

    :param settings: what one setting is, for the help.
    """

    path = click.Path(path_type=Path)
    return together(
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=settings),
        click.option("--values", type=path, help="Settings as JSON or YAML; - reads."),
        click.option("--credential-file", type=path, help="Credential as JSON or YAML; - reads."),
        click.option(
            "--credential",
            "secrets",
            multiple=True,
            metavar="KEY=-",
            help="Asks for one member of the credential; KEY=@FILE reads it.",
        ),
    )


@attrs.frozen(kw_only=True)
class Session:
    """What a verb that talks to the API is given."""

    #: Whether a program reads the answer.
    as_json: bool
    _connect: "Callable[[], Api]"

    @functools.cached_property
    def api(self) -> "Api":
        """The server; it is looked for when it is first asked.

        :raises CliError: none is known.
        """
        return self._connect()


def talks_to_api(function: Callable[Concatenate[Session, P], T]) -> Callable[..., T]:
    """Give a verb the options that name the server, and as first argument a session with it."""

    @click.option("--url", help="Address of the API. [env: PITRIX_URL]")
    @click.option("--token", help="Token to show it; better in PITRIX_TOKEN.")
    @data_option
    @json_option
    @click.option(
        "--language",
        help="Language of labels and descriptions, such as zh-CN. [env: PITRIX_LANGUAGE]",
    )
    @functools.wraps(function)
    def run(
        *args: Any,
        url: str | None,
        token: str | None,
        data: Path | None,
        as_json: bool,
        language: str | None,
        **options: Any,
    ) -> T:
        spoken = connection.language(language)
        with contextlib.ExitStack() as connected:

            def connect() -> "Api":
                from pitrix_core.cli.client import Api  # noqa: PLC0415  # `--help` need not wait for it

                found = connection.target(url=url, token=token, data=data)
                return connected.enter_context(Api(found.url, token=found.token, language=spoken))

            return function(Session(as_json=as_json, connect=connect), *args, **options)

    return run
