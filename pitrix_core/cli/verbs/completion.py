"""``pitrix completion``: what a shell needs to complete the rest."""

import click

from pitrix_core.cli.completion import shells


@click.command()
@click.argument("shell", type=click.Choice(shells.SHELLS))
def completion(shell: str) -> None:
    """Print the script that teaches SHELL to complete pitrix: verbs, options, names, settings.

    \b
    bash: eval "$(pitrix completion bash)"           in ~/.bashrc
    zsh:  eval "$(pitrix completion zsh)"            in ~/.zshrc, after compinit
    fish: pitrix completion fish > ~/.config/fish/completions/pitrix.fish
    """
    click.echo(shells.script(shell))
