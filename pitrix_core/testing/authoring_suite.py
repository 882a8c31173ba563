"""The clauses about what an application type does for authors of packages."""

import json
from typing import Any

import attrs
import pytest

from pitrix_core.contracts import AppType
from pitrix_core.contracts.reader import PackageReader
from pitrix_core.convert import to_json
from pitrix_core.errors import InvalidInputError
from pitrix_core.findings import Finding, Level, errors_in
from pitrix_core.model import JsonObject, PackageSpec
from pitrix_core.package import Package
from pitrix_core.package.rules import rules_by_code


class AuthoringSuite:
    """Documents, outline, upgrades, skeletons and remarks; part of the suite of app types."""

    def test_documents_are_json(
        self, app_type: AppType[Any], spec: PackageSpec, config: JsonObject
    ) -> None:
        """What the templates of a good package give can be shown, and nothing speaks against it."""
        documents = app_type.documents(spec, config)

        json.dumps(dict(documents.files), allow_nan=False)
        assert errors_in(documents.findings) == ()

    def test_documents_are_repeatable(
        self, app_type: AppType[Any], spec: PackageSpec, config: JsonObject
    ) -> None:
        """The same configuration gives the same documents."""
        first, second = app_type.documents(spec, config), app_type.documents(spec, config)

        assert first == second

    def test_the_outline_is_json(self, app_type: AppType[Any], spec: PackageSpec) -> None:
        """What is said of a package in short can be shown, and is always the same."""
        first, second = (to_json(app_type.outline(spec)) for _ in range(2))

        json.dumps(first, allow_nan=False)
        assert first == second

    def test_an_upgrade_to_itself_loses_nothing(
        self, app_type: AppType[Any], spec: PackageSpec
    ) -> None:
        """Clusters of a package can go on with it."""
        assert list(app_type.upgrade_findings(spec, spec)) == []

    def test_skeletons_are_sound(self, app_type: AppType[Any]) -> None:
        """A new package, in every dialect, is of the type, can be read, and has its name."""
        for dialect in ("", *app_type.dialects):
            files = app_type.skeleton("suite", dialect=dialect)
            if not files:
                continue
            package = Package(digest="sha256:" + "0" * 64, files=files)
            spec = app_type.parse(package)

            assert app_type.claims(package.index) is True
            assert spec.info.name == "suite"
            assert errors_in(app_type.validate(spec)) == ()

    def test_an_unknown_dialect_is_refused(self, app_type: AppType[Any]) -> None:
        """A dialect that a type with skeletons does not know is an error, not another one."""
        if not app_type.skeleton("suite"):
            assert app_type.dialects == ()
            return

        with pytest.raises(InvalidInputError):
            app_type.skeleton("suite", dialect="no-such-dialect")

    def test_advice_is_no_error(
        self, app_type: AppType[Any], package: PackageReader, spec: PackageSpec
    ) -> None:
        """An author is not told of an error that a server does not mind."""
        assert errors_in(app_type.advice(package, spec)) == ()

    def test_remarks_are_explained(
        self, app_type: AppType[Any], package: PackageReader, spec: PackageSpec
    ) -> None:
        """Each code has one rule, of the type or of the core."""
        own = [rule.code for rule in app_type.rules()]
        remarks = [*app_type.validate(spec), *app_type.advice(package, spec)]

        assert len(own) == len(set(own))
        assert {remark.code for remark in remarks} <= rules_by_code(app_type.rules()).keys()

    def test_looking_for_places_changes_nothing_else(
        self, app_type: AppType[Any], package: PackageReader, spec: PackageSpec
    ) -> None:
        """The same findings come back in the same order; a line has at most been added."""
        nowhere = Finding(level=Level.INFO, code="suite.none", message="no place")
        made_up = [
            attrs.evolve(nowhere, file=file, pointer=pointer)
            for file in (*package.index.files, "no-such-file")
            for pointer in ("", "/no/such/place")
        ]
        remarks = [nowhere, *app_type.validate(spec), *app_type.advice(package, spec), *made_up]

        located = app_type.located(package, remarks)

        assert [_placeless(f) for f in located] == [_placeless(f) for f in remarks]
        assert all(f.line is None or f.line >= 1 for f in located)


def _placeless(finding: Finding) -> Finding:
    return attrs.evolve(finding, line=None, column=None)
