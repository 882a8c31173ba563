"""The rules of the core: every code that is made has one, and none is left over."""

import re
from pathlib import Path

import jsonschema
import pytest

import pitrix_core.package
from pitrix_core import errors
from pitrix_core.findings import Rule
from pitrix_core.package.rules import CORE_RULES, rules_by_code

SOURCES = Path(pitrix_core.package.__file__).parent
#: What a finding's code looks like where one is written: of packages, of JSON in them.
CODE = re.compile(r'"((?:package|json)\.[a-z_]+)"')


def test_every_code_of_packages_is_explained() -> None:
    """The codes written in the sources are those of the table."""
    written = {
        code
        for source in SOURCES.glob("*.py")
        if source.name != "rules.py"
        for code in CODE.findall(source.read_text())
    }

    explained = {rule.code for rule in CORE_RULES if rule.code.startswith(("package.", "json."))}
    assert written == explained


@pytest.mark.parametrize(
    "error",
    [
        errors.PackageError,
        errors.PackageArchiveError,
        errors.UnknownPackageError,
        errors.AmbiguousPackageError,
    ],
)
def test_every_error_without_findings_is_explained(error: type[errors.PackageError]) -> None:
    """An error that is shown as a finding has a rule of its code."""
    assert error.code in rules_by_code(())


#: Keywords that are never violated themselves, but what stands below them.
REFERRING = {"$ref", "$dynamicRef", "allOf", "if", "dependentSchemas", "properties"} | {
    "patternProperties",
    "prefixItems",
}


@pytest.mark.parametrize(
    "keyword", sorted(jsonschema.Draft202012Validator.VALIDATORS.keys() - REFERRING)
)
def test_every_keyword_is_explained(keyword: str) -> None:
    """A violated schema has a rule, whichever of its keywords it is."""
    assert f"schema.{keyword}" in rules_by_code(())


@pytest.mark.parametrize("rule", CORE_RULES, ids=lambda rule: rule.code)
def test_a_rule_is_made_of_sentences(rule: Rule) -> None:
    """A summary of one line, and a remedy."""
    assert rule.summary.endswith(".")
    assert rule.remedy.endswith(".")
    assert "\n" not in rule.summary


def test_a_code_is_explained_once() -> None:
    """No two rules of the core have the same code."""
    codes = [rule.code for rule in CORE_RULES]

    assert len(codes) == len(set(codes))


def test_an_app_types_own_words_count() -> None:
    """Where an app type explains a code of the core's, it knows more of the place."""
    own = Rule(code="schema.type", summary="A port is no number.", remedy="Write a number.")

    assert rules_by_code([own])["schema.type"] is own
