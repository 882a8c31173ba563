"""What commands wrote, in short."""

from typing import Final

from pitrix_core.model.json import JsonObject

#: Characters of a command's output that lists and events show: its end, where the reason of a
#: failure is. All that is kept of it is in the task's outputs.
_EXCERPT: Final = 2000


def excerpt_of(outputs: JsonObject) -> str | None:
    """Return the end of what a task's command wrote; None for a task that ran none."""
    output = outputs.get("output")
    return output[-_EXCERPT:] if isinstance(output, str) else None
