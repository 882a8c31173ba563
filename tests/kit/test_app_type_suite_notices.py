"""The suite of app types: a sound one passes, and a broken one fails exactly the tests of that."""

from collections import defaultdict
from pathlib import Path

import pytest

BROKEN = {
    "ClaimsEverything": {"test_it_leaves_other_packages"},
    "TakesAnotherName": {"test_names_for_templates_leave_it_itself"},
    "IsNoSchema": {"test_the_schema_is_one", "test_the_defaults_fit"},
    "HasBadDefaults": {"test_the_defaults_fit"},
    "HasNoTitles": {"test_every_property_has_a_title"},
    "CountsItsPlans": {"test_planning_is_repeatable"},
    "RefersForward": {"test_references_lead_back"},
    "PlansTheImpossible": {"test_kinds_are_offered"},
    "RequiresTooLittle": {"test_what_it_requires_is_known_before"},
    "AsksForWords": {"test_inputs_fit_their_kinds"},
    "ForgetsItsNode": {"test_nodes_have_their_tasks"},
    "HidesItsImage": {"test_images_are_known_before"},
    "ShowsTwins": {"test_what_can_be_looked_at_has_names"},
    "LinksNowhere": {"test_links_are_where_they_say"},
    "ShowsSnapshots": {"test_metadata_is_texts_at_relative_paths"},
    "LeavesVolumes": {"test_everything_made_is_removed"},
    "RendersNumbers": {"test_metadata_is_texts_at_relative_paths"},
    "MakesMetadataAnew": {"test_metadata_is_repeatable"},
    "ShowsNoJson": {"test_documents_are_json"},
    "ShowsErrors": {"test_documents_are_json"},
    "ShowsAnew": {"test_documents_are_repeatable"},
    "OutlinesAnew": {"test_the_outline_is_json"},
    "LosesItself": {"test_an_upgrade_to_itself_loses_nothing"},
    "BeginsBadly": {"test_skeletons_are_sound"},
    "KnowsEveryDialect": {"test_an_unknown_dialect_is_refused"},
    "AdvisesErrors": {"test_advice_is_no_error"},
    "ExplainsNothing": {"test_remarks_are_explained"},
    "LosesFindings": {"test_looking_for_places_changes_nothing_else"},
}

HEADER = """
import pytest
import sample_app_type
from pitrix_core.package import Package
from pitrix_core.testing.app_type_suite import AppTypeSuite


class Fixtures:
    @pytest.fixture
    def app_type(self):
        return self.made()

    @pytest.fixture
    def package(self):
        files = {"sample.json": b'{"name": "sample", "version": "1.2.0"}'}
        return Package(digest="sha256:" + "0" * 64, files=files)
"""
VARIANT = """

class Test{name}(Fixtures, AppTypeSuite):
    made = sample_app_type.{name}
"""


def test_every_broken_app_type_fails_its_own_tests(pytester: pytest.Pytester) -> None:
    """Each variant fails the tests that are about what is broken in it; the sound one none."""
    suites = "".join(VARIANT.format(name=name) for name in ("Sample", *BROKEN))
    source = Path(__file__).with_name("sample_app_type.py").read_text()
    pytester.makepyfile(sample_app_type=source, test_all=HEADER + suites)
    pytester.syspathinsert()

    run = pytester.runpytest_subprocess(
        "-q", "-rfE", "--tb=no", "-p", "pitrix_core.testing.plugin", timeout=60
    )

    failed: dict[str, set[str]] = defaultdict(set)
    for line in run.outlines:
        if line.startswith(("FAILED", "ERROR")):
            _, suite, test = line.split()[1].split("::")
            failed[suite.removeprefix("Test")].add(test.partition("[")[0])
    assert failed == BROKEN
