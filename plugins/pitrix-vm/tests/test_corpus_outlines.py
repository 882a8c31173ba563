"""Packages that others wrote, as their authors are shown them."""

import json

import pytest
from test_corpus import packages
from vm_packages import VM

from pitrix_core.errors import PackageInvalidError, TemplateRenderError
from pitrix_vm.spec import VmSpec


def specs() -> list[VmSpec]:
    """Return every package of the corpus that can be read; skips where there is no corpus."""
    read = []
    for _, package in packages():
        try:
            read.append(VM.parse(package))
        except PackageInvalidError:
            continue
    return read


def test_packages_of_others_have_outlines() -> None:
    """Each can be shown in short, with a role at least."""
    outlines = [VM.outline(spec) for spec in specs()]

    assert outlines
    assert [json.loads(json.dumps(o)) for o in outlines] == outlines
    assert all(outline["roles"] for outline in outlines)


def test_packages_of_others_give_documents() -> None:
    """With nothing filled in each gives a document, or says why it gives none."""
    for spec in specs():
        try:
            documents = VM.documents(spec, {})
        except TemplateRenderError as ex:
            pytest.fail(f"{spec.info.name}: {ex}")

        assert json.loads(json.dumps(documents.files["cluster.json"]))["nodes"]


def test_packages_of_others_lose_nothing_to_themselves() -> None:
    """A version can be upgraded to itself."""
    assert [f for spec in specs() for f in VM.upgrade_findings(spec, spec)] == []
