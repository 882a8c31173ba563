"""Templates against what Go itself renders.

``data/go_cases.json`` holds templates of this project's own, some written for a rule, others made
by chance, and what a program of Go's text/template, with the functions of each dialect, rendered of
them: its answers only. It names Go's version.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from pitrix_drone.functions import DIALECTS, functions
from pitrix_drone.gotemplate import ExecError, ParseError, Template
from pitrix_drone.keystore import Store

_DATA = json.loads((pathlib.Path(__file__).parent / "data/go_cases.json").read_text("utf-8"))


def rendered(source: str, values: dict[str, str], dialect: str) -> dict[str, str]:
    """Return the output, or the phase that failed, as the data has it; bytes if it is no text."""
    try:
        template = Template(source, name="t", functions=functions(dialect, Store(values)))
        text = template.render()
    except ParseError:
        return {"error": "parse"}
    except ExecError:
        return {"error": "exec"}
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return {"bytes": text.encode("utf-8", "surrogateescape").hex()}
    return {"out": text}


@pytest.mark.parametrize("case", _DATA["cases"], ids=lambda case: case["template"][:40])
def test_a_template_renders_as_in_go(case: dict[str, Any]) -> None:
    """The output is the same to the byte in every dialect, or an error comes in the same phase."""
    found = {each: rendered(case["template"], _DATA["kv"], each) for each in DIALECTS}

    assert found == {each: case[each] for each in DIALECTS}


def test_real_templates_render_as_in_go() -> None:
    """The templates of published applications, with the keys and outputs recorded from Go."""
    shared = os.environ.get("PITRIX_SHARED")
    if not shared:
        pytest.skip("PITRIX_SHARED=FOLDER pytest tests/test_go_cases.py; see README.md")
    corpus = json.loads((pathlib.Path(shared) / "data/go-templates/corpus.json").read_text("utf-8"))
    folder = pathlib.Path(shared) / "corpus/confd"
    different = []
    for entry in corpus:
        source = (folder / entry["file"]).read_text("utf-8", "surrogateescape")
        for number, case in enumerate(entry["renders"]):
            wanted = {key: case[key] for key in ("out", "error") if key in case}
            if rendered(source, case["kv"], "appcenter") != wanted:
                different.append(f"{entry['file']}[{number}]")

    assert different == []
