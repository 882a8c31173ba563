"""Talks to shells: the script each of them sources, and the answers it asks for."""

from collections.abc import Mapping
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from pitrix_core.cli.completion.variables import BREAKS, COMPLETION, LINE

PROGRAM: Final = "pitrix"
SHELLS: Final = ("bash", "zsh", "fish")


class _Bash(BashComplete):
    """Bash, which takes ``a=b`` and ``a@b`` for several words where others see one.

    So the script sends the line as it stands, and is sent the end of a word: what comes after the
    last character that bash breaks at. No space is put after ``path=``.
    """

    source_template = """\
%(complete_func)s() {
    local value response
    response=$(PITRIX_LINE="${COMP_LINE:0:COMP_POINT}" PITRIX_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while IFS= read -r value; do
        [[ -n "$value" ]] && COMPREPLY+=("$value")
    done <<< "$response"
    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def __init__(self, cli: click.Command, environ: Mapping[str, str]) -> None:
        super().__init__(cli, {}, PROGRAM, COMPLETION)
        self._line = environ.get(LINE, "")
        self._breaks = environ.get(BREAKS, "")

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is typed, and that one."""
        words = split_arg_string(self._line)[1:]
        incomplete = words.pop() if words and not self._line[-1:].isspace() else ""
        if incomplete.startswith("--") and "=" in incomplete:
            option, _, incomplete = incomplete.partition("=")
            words.append(option)
        return words, incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return what replaces the last part of the word, as bash cuts it."""
        _, incomplete = self.get_completion_args()
        cuts = [incomplete.rfind(mark) for mark in "=@:" if mark in self._breaks]
        return item.value[max([-1, *cuts]) + 1 :]


def script(shell: str) -> str:
    """Return what a shell has to source.

    :param shell: ``bash``, ``zsh`` or ``fish``.
    """
    return _of(shell, click.Group(PROGRAM), {}).source()


def answer(root: click.Command, environ: Mapping[str, str]) -> str:
    """Return what a shell asked for: one line for each thing that can be typed.

    :param root: its context's ``obj`` is the list of the words before the one that is typed.
    :param environ: what the shell's script set.
    :returns: nothing where the question is not understood.
    """
    shell, _, question = environ[COMPLETION].partition("_")
    if shell not in SHELLS or question != "complete":
        return ""
    asked = _of(shell, root, environ)
    asked.ctx_args["obj"], _ = asked.get_completion_args()
    return asked.complete()


def _of(shell: str, root: click.Command, environ: Mapping[str, str]) -> ShellComplete:
    if shell == "zsh":
        return ZshComplete(root, {}, PROGRAM, COMPLETION)
    if shell == "fish":
        return FishComplete(root, {}, PROGRAM, COMPLETION)
    return _Bash(root, environ)
