"""``pitrix demo``."""

from pathlib import Path

import click


@click.command()
@click.option("--keep", is_flag=True, help="Leave it running, and say how to stop it.")
@click.option(
    "--stop",
    "kept",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="End the demo kept in DIR, and remove it.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for all that is made; new or empty, and removed at the end.  [default: temporary]",
)
@click.option(
    "--examples",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with packages and images.  [default: the checkout's]",
)
@click.option(
    "--mode",
    type=click.Choice(["auto", "namespace", "prefix"]),
    default="auto",
    show_default=True,
    help="How machines are kept apart: a file system view of their own, or a folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
def demo(
    *, keep: bool, kept: Path | None, data: Path | None, examples: Path | None, mode: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Deploy a three-node etcd cluster on this machine, prove that it works, and remove it.

    Starts a server of its own on free ports; nothing outside its data folder is touched, and
    nothing is left at the end, also after Ctrl-C.
    """
    from pitrix_core.cli.demo import run  # noqa: PLC0415  # imports what its clean-up needs

    context = click.get_current_context()
    if kept is not None:
        context.exit(run.stop(kept))
    options = run.Options(examples=examples, data=data, mode=mode, keep=keep, as_json=as_json)
    context.exit(run.run(options))
