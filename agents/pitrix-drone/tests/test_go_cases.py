"""Templates against what Go itself renders."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest

from pitrix_drone.functions import functions
from pitrix_drone.gotemplate import ExecError, ParseError, Template
from pitrix_drone.keystore import Store

_DATA = json.loads((pathlib.Path(__file__).parent / "data/go_cases.json").read_text("utf-8"))


#: Its keys make /hosts/etcd_node a value and a folder at once, which no real metadata does.
_KNOWN_DIFFERENT = "etcd/etcd-v3.4.16-2.0.5/ansible-files-etc-confd/templates/01.header.sh.tmpl"


def rendered(source: str, values: dict[str, str], dialect: str) -> dict[str, str]:
    """Return the output, or the phase that failed, as the data records it."""
    try:
        template = Template(source, name="t", functions=functions(dialect, Store(values)))
        return {"out": template.render()}
    except ParseError:
        return {"error": "parse"}
    except ExecError:
        return {"error": "exec"}


@pytest.mark.parametrize("dialect", ["appcenter", "confd"])
@pytest.mark.parametrize("case", _DATA["cases"], ids=lambda case: case["template"][:40])
def test_a_template_renders_as_in_go(case: dict[str, Any], dialect: str) -> None:
    """The output is the same to the byte, and an error comes in the same phase."""
    assert rendered(case["template"], _DATA["kv"], dialect) == case[dialect]


def test_real_templates_render_as_in_go() -> None:
    """The templates of published applications, with the keys and outputs recorded from Go."""
    shared = os.environ.get("PITRIX_SHARED")
    if not shared:
        pytest.skip("set PITRIX_SHARED to the folder that holds data/go-templates/corpus.json")
    corpus = json.loads((pathlib.Path(shared) / "data/go-templates/corpus.json").read_text("utf-8"))
    folder = pathlib.Path(shared) / "corpus/confd"
    different = []
    for entry in (each for each in corpus if each["file"] != _KNOWN_DIFFERENT):
        source = (folder / entry["file"]).read_text("utf-8", "surrogateescape")
        for number, case in enumerate(entry["renders"]):
            wanted = {key: case[key] for key in ("out", "error") if key in case}
            if rendered(source, case["kv"], "appcenter") != wanted:
                different.append(f"{entry['file']}[{number}]")

    assert different == []
