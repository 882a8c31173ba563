"""The clauses about what an application type does for authors of packages."""

import json
from typing import Any

import pytest

from pitrix_core.contracts import AppType
from pitrix_core.convert import to_json
from pitrix_core.errors import InvalidInputError
from pitrix_core.findings import errors_in
from pitrix_core.model import JsonObject, PackageSpec
from pitrix_core.package import Package


class AuthoringSuite:
    """Documents, outline, upgrades and skeletons; part of the suite of app types."""

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
