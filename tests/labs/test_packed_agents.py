"""The agents that user-data carry are the agents that are served, less what is only read."""

import ast
import base64
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pitrix_core.pilot.packing import packed
from pitrix_drone.build import build as build_drone
from pitrix_frontgate.build import build as build_frontgate


@pytest.mark.parametrize("build", [build_drone, build_frontgate], ids=["drone", "frontgate"])
def test_the_agents_keep_every_statement(build: Callable[[Path], None], tmp_path: Path) -> None:
    """All but their docstrings: the syntax tree is the same."""
    build(tmp_path / "agent.pyz")
    archive = (tmp_path / "agent.pyz").read_bytes()

    carried = lzma.decompress(base64.b85decode(packed(archive).text))

    served = _meanings(archive)
    assert _meanings(carried) == served
    assert "__main__.py" in served


def _meanings(archive: bytes) -> dict[str, object]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: _meaning(name, file.read(name)) for name in file.namelist()}


def _meaning(name: str, content: bytes) -> object:
    if not name.endswith(".py"):
        return content
    tree = ast.parse(content)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree, include_attributes=False)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
