"""The docs say what the code says."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import click
import pytest

from pitrix_core.cli.main import root
from pitrix_core.contracts import AppType, hookspecs
from pitrix_core.model.job import JOB_TRANSITIONS, TASK_TRANSITIONS
from pitrix_core.model.lifecycle import RULES, diagram

README = Path(__file__).parents[2] / "README.md"
DOCS = README.parent / "docs"


@pytest.mark.parametrize(
    ("place", "table"),
    [pytest.param(0, JOB_TRANSITIONS, id="jobs"), pytest.param(1, TASK_TRANSITIONS, id="tasks")],
)
def test_the_diagrams_of_states_are_the_tables(
    place: int, table: Mapping[StrEnum, frozenset[StrEnum]]
) -> None:
    """Every transition a job or a task may make is an arrow, and the other way round."""
    text = (DOCS / "architecture.md").read_text()
    diagrams = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, flags=re.DOTALL)

    drawn = set(re.findall(r"^ *(\w+) --> (\w+)", diagrams[place], flags=re.MULTILINE))
    allowed = {(str(a), str(b)) for a, after in table.items() for b in after}
    assert drawn == allowed


def test_the_life_of_a_version_is_the_programs() -> None:
    """The page has the program's diagram, and a line for each move."""
    text = (DOCS / "versions.md").read_text()
    lines = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| `([\w.]+)` \| (\w*) *\|", text, re.MULTILINE)

    assert f"```mermaid\n{diagram()}\n```" in text
    assert lines == [
        (
            str(move),
            ", ".join(dict.fromkeys(str(way.source) for way in rule.ways)),
            str(rule.needs or "versions.review.PHASE"),
            "yes" if rule.asks_reason else "",
        )
        for move, rule in RULES.items()
    ]


def test_every_hook_is_listed() -> None:
    """The page for plugin authors names every hook, and no other."""
    text = (DOCS / "plugins.md").read_text()

    listed = set(re.findall(r"^\| `(pitrix_\w+)` \|", text, flags=re.MULTILINE))
    assert listed == {name for name in vars(hookspecs) if name.startswith("pitrix_")}


def test_what_an_app_type_has_to_do_is_listed() -> None:
    """The page for plugin authors names the methods that have to be there, and no other."""
    text = (DOCS / "plugins.md").read_text()
    [_, table] = text.split("Five methods have to be there:")

    listed = re.findall(r"^\| `(\w+)\(", table.partition("\n\nThe others")[0], flags=re.MULTILINE)
    assert set(listed) == AppType.__abstractmethods__


def test_the_smallest_provider_is_the_example() -> None:
    """The code shown to plugin authors is the code that is tested."""
    text = (DOCS / "plugins.md").read_text()
    [shown] = re.findall(r"```python\n(class TinyProvider.*?)```", text, flags=re.DOTALL)

    source = DOCS / "examples" / "pitrix-tiny" / "src" / "pitrix_tiny" / "__init__.py"
    assert shown in source.read_text()


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", [README, *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_what_is_typed_can_be_typed(page: Path) -> None:
    """Every ``pitrix …`` of a page is a verb of the command line, with options that it has."""
    typed = re.findall(r"(?:`|\$ )pitrix ([a-z][^`\n#]*)", page.read_text())

    assert typed
    assert [line for line in typed if _unknown_in(line.split())] == []


def _unknown_in(words: list[str]) -> set[str]:
    """Return the options of a command, or its verb, that the program does not know."""
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group) and words and words[0][0].isalpha():
        name, *words = words
        try:
            _, found, _ = command.resolve_command(context, [name.strip(",|")])
        except click.UsageError:
            return {name}
        assert found is not None
        command = found
    known = {option for param in command.get_params(context) for option in param.opts}
    known |= {option for param in command.get_params(context) for option in param.secondary_opts}
    return set(re.findall(r"(?<!\S)--[a-z-]+", " ".join(words))) - known
