"""The rules: every code that is made has one, and none is left over."""

import re
from pathlib import Path

import pytest
from vm_packages import VM

import pitrix_vm
from pitrix_core.findings import Rule

SOURCES = Path(pitrix_vm.__file__).parent
CODE = re.compile(r'"((?:form|cluster|template|locale|upgrade)\.[a-z_]+)"')
#: Paths of parameters and names of files, which look the same.
OTHERS = {"cluster.vxnet", "cluster.subnet", "cluster.name", "cluster.json"}


def test_every_code_is_explained() -> None:
    """The codes written in the sources are those of the rules."""
    written = {
        code
        for source in SOURCES.rglob("*.py")
        if source.parent.name != "rules"
        for code in CODE.findall(source.read_text())
    }

    assert written - OTHERS == {rule.code for rule in VM.rules()}


def test_a_code_is_explained_once() -> None:
    """No two rules have the same code."""
    codes = [rule.code for rule in VM.rules()]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("rule", VM.rules(), ids=lambda rule: rule.code)
def test_a_rule_is_made_of_sentences(rule: Rule) -> None:
    """A summary of one line, and a remedy."""
    assert rule.summary.endswith(".")
    assert rule.remedy.endswith((".", "}.", '"."'))
    assert "\n" not in rule.summary
