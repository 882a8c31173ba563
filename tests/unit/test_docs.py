"""The docs say what the code says."""

import re
from pathlib import Path

import pytest

from pitrix_core.contracts import AppType, hookspecs
from pitrix_core.model.job import TASK_TRANSITIONS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_diagram_of_tasks_is_the_table() -> None:
    """Every transition a task may make is an arrow of the diagram, and the other way round."""
    text = (DOCS / "architecture.md").read_text()
    [diagram] = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, flags=re.DOTALL)

    drawn = set(re.findall(r"^ *(\w+) --> (\w+)", diagram, flags=re.MULTILINE))
    allowed = {(str(a), str(b)) for a, after in TASK_TRANSITIONS.items() for b in after}
    assert drawn == allowed


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
