"""The suites themselves: a provider that is broken in one way fails exactly the tests of that."""

from collections import defaultdict
from pathlib import Path

import pytest

#: Broken machines → the tests that have to fail.
COMPUTE = {
    "ForgetsTheKey": {
        "test_the_same_key_makes_the_same_thing",
        "test_two_threads_with_one_key_make_one_thing",
    },
    "WaitsForTheCloud": {"test_a_start_does_not_wait_for_the_cloud"},
    "PollsAndStarts": {"test_polling_changes_nothing"},
    "PollRestarts": {"test_polling_leaves_a_machine_as_it_is"},
    "KeepsOperationsInMemory": {"test_another_process_goes_on_polling"},
    "AdvancesAnew": {"test_advancing_again_goes_no_further"},
    "HandleIsTooBig": {"test_the_handle_is_json_and_small"},
    "HandleIsNoJson": {"test_the_handle_is_json_and_small"},
    "FindsTheGone": {"test_it_is_not_found_when_it_is_gone"},
    "MissesTheUnfinished": {"test_it_is_found_before_its_start_was_saved"},
    "ChangesAddresses": {"test_a_machine_comes_back_with_its_address"},
    "ForgetsTheCluster": {"test_it_carries_its_tags"},
    "TakesLessUserData": {"test_it_takes_as_much_user_data_as_it_says"},
    "TellsUserData": {"test_user_data_is_in_no_answer_and_no_log"},
    "TellsTheCredential": {"test_the_credential_is_in_no_answer_and_no_log"},
    "StumblesOverTheAbsent": {
        "test_deleting_what_is_not_there_is_done",
        "test_deleting_twice_is_done",
    },
    "HalfMakes": {"test_an_unknown_image_makes_nothing", "test_an_unknown_volume_makes_nothing"},
    "BootsDockerImages": {"test_a_docker_image_that_cannot_be_run_makes_nothing"},
    "AnswersNumbers": {"test_it_ends_with_an_id"},
    "AnswersForAnother": {
        "test_an_operation_names_its_request",
        "test_many_are_polled_as_each_alone",
    },
    "MixesAnswersUp": {"test_many_are_polled_as_each_alone"},
}
#: Another broken thing → its suite, and the tests that have to fail.
OTHERS = {
    "ListsTheNeighbours": ("ComputeSuite", {"test_it_belongs_to_no_other_installation"}),
    "MissesDockerImages": ("ImageSuite", {"test_a_docker_image_is_found_or_refused_by_name"}),
    "RemovesWhatIsInUse": ("VolumeSuite", {"test_an_attached_volume_is_not_removed"}),
    "OffersByMood": ("ProviderSuite", {"test_offers_never_change"}),
}
#: What makes a provider of the other variants.
WITH = {"VolumeSuite": "with_volume", "ImageSuite": "with_image"}
#: What a variant needs to be seen.
SETTINGS = {
    "AdvancesAnew": {"stages": 3},
    "AnswersForAnother": {"delay_polls": 1},
    "MissesTheUnfinished": {"delay_polls": 1},
    "MixesAnswersUp": {"polls_at_once": 2},
}

HEADER = """
import pytest
import broken_fakes
from broken_fakes import with_compute, with_image, with_volume
from pitrix_core import Context
from pitrix_core.model import Runtime
from pitrix_core.testing.compute_suite import ComputeSuite
from pitrix_core.testing.fake_provider import FakeCredential, FakeSettings
from pitrix_core.testing.image_suite import ImageSuite
from pitrix_core.testing.provider_suite import ProviderSuite
from pitrix_core.testing.volume_suite import VolumeSuite


class Fixtures:
    @pytest.fixture
    def provider(self, tmp_path):
        return self.made(
            Runtime(id="rt-1", name="broken", provider="fake", owner="admin"),
            settings=FakeSettings(**self.set),
            credential=FakeCredential(api_key="k3y-of-the-account"),
            context=Context(installation_id="a" * 32, state_dir=tmp_path / "state"),
        )

    @pytest.fixture
    def reopen(self, provider):
        return lambda context=None: provider.reopened(context)

    @pytest.fixture
    def start_limit_s(self):
        return self.limit_s
"""
VARIANT = """

class Test{name}(Fixtures, {suite}):
    made = {made}
    set = {settings}
    limit_s = {limit_s}
"""


def test_every_broken_fake_fails_its_own_tests(pytester: pytest.Pytester) -> None:
    """Each variant fails the tests that are about what is broken in it, and no other."""
    wanted = {name: tests for name, (_, tests) in OTHERS.items()} | COMPUTE
    pytester.makepyfile(
        broken_fakes=Path(__file__).with_name("broken_fakes.py").read_text(), test_all=_suites()
    )
    pytester.syspathinsert()

    run = pytester.runpytest_subprocess(
        "-q", "-rfE", "--tb=no", "-p", "pitrix_core.testing.plugin", timeout=100
    )

    assert _failed(run.outlines) == wanted


def test_a_failure_says_what_the_contract_wants(pytester: pytest.Pytester) -> None:
    """The test's sentence, with the clause it cites, stands under its traceback."""
    variant = _variant("FindsTheGone", "ComputeSuite", "with_compute(broken_fakes.FindsTheGone)")
    pytester.makepyfile(
        broken_fakes=Path(__file__).with_name("broken_fakes.py").read_text(),
        test_one=HEADER + variant,
    )
    pytester.syspathinsert()
    words = ("-q", "-k", "test_it_is_not_found_when_it_is_gone")

    run = pytester.runpytest_subprocess(*words, "-p", "pitrix_core.testing.plugin", timeout=60)

    run.stdout.fnmatch_lines(["*The contract*", "*(clauses 6 and 22)*"])


def _suites() -> str:
    variants = [
        _variant(name, "ComputeSuite", f"with_compute(broken_fakes.{name})") for name in COMPUTE
    ]
    for name, (suite, _) in OTHERS.items():
        made = f"broken_fakes.{name}"
        made = f"{WITH[suite]}({made})" if suite in WITH else made
        variants.append(_variant(name, suite, made))
    return HEADER + "".join(variants)


def _variant(name: str, suite: str, made: str) -> str:
    limit_s = 0.1 if name == "WaitsForTheCloud" else 30.0
    settings = SETTINGS.get(name, {})
    return VARIANT.format(name=name, suite=suite, made=made, settings=settings, limit_s=limit_s)


def _failed(lines: list[str]) -> dict[str, set[str]]:
    """Read pytest's summary: class without ``Test`` → functions that failed or went wrong."""
    failed: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.startswith(("FAILED", "ERROR")):
            _, suite, test = line.split()[1].split("::")
            failed[suite.removeprefix("Test")].add(test.partition("[")[0])
    return dict(failed)
