"""What is installed is listed without importing it, and conflicts are named."""

import importlib.metadata

import pytest

from pitrix_core import errors
from pitrix_core.plugins import PROVIDERS, discovery
from pitrix_core.testing.entry_points import entry_point


def test_a_listing_imports_nothing() -> None:
    """Listing a plugin that cannot be imported works."""
    broken = entry_point(PROVIDERS, "tiny", ImportError("no"), distribution="tiny", version="2.1")

    found = discovery.installed(PROVIDERS, entry_points=[broken])

    assert (found["tiny"].source, found["tiny"].target) == ("tiny 2.1", "tiny:tiny")


def test_the_fake_is_installed_with_the_core() -> None:
    """Without given entry points, those of the installed distributions are listed."""
    assert discovery.installed(PROVIDERS)["fake"].distribution == "pitrix-core"


def test_two_owners_of_a_name_are_named() -> None:
    """A name claimed twice, with others between, is an error naming both and their versions."""
    claims = [
        entry_point(PROVIDERS, "tiny", object, distribution="one", version="1.0"),
        entry_point(PROVIDERS, "other", object, distribution="between"),
        entry_point(PROVIDERS, "tiny", object, distribution="two", version="2.0"),
    ]

    with pytest.raises(errors.PluginConflictError, match=r"'tiny'.*one 1\.0 and two 2\.0"):
        discovery.installed(PROVIDERS, entry_points=claims)


def test_a_conflict_hides_no_other() -> None:
    """A listing shows the conflict beside everything else."""
    claims = [
        entry_point(PROVIDERS, "tiny", object, distribution="one"),
        entry_point(PROVIDERS, "tiny", object, distribution="two"),
        entry_point(PROVIDERS, "good", object),
    ]

    found = discovery.listing(PROVIDERS, entry_points=claims)

    assert set(found.plugins) == {"good"}
    assert [info.distribution for info in found.conflicts["tiny"]] == ["one", "two"]


def test_one_distribution_seen_twice_is_no_conflict() -> None:
    """The same entry point found in two places on the path is one plugin."""
    claims = [entry_point(PROVIDERS, "tiny", object)] * 2

    assert set(discovery.installed(PROVIDERS, entry_points=claims)) == {"tiny"}


def test_other_groups_are_left_out() -> None:
    """A listing is of one group."""
    claims = [entry_point("pitrix.plugins", "tiny", object)]

    assert discovery.installed(PROVIDERS, entry_points=claims) == {}


def test_a_plugin_without_a_distribution_is_listed() -> None:
    """Whose it is may be unknown; its name is not."""
    orphan = importlib.metadata.EntryPoint(name="tiny", value="a:b", group=PROVIDERS)

    assert discovery.installed(PROVIDERS, entry_points=[orphan])["tiny"].distribution == "unknown"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(ImportError("no such module"), id="an-import"),
        pytest.param(SystemExit(3), id="an-exit"),
        pytest.param(AssertionError("never"), id="an-assertion"),
    ],
)
def test_a_failing_import_names_the_distribution(failure: BaseException) -> None:
    """Whatever a module raises while it is imported becomes one error that says whose it is."""
    broken = entry_point(PROVIDERS, "tiny", failure, distribution="tiny", version="2.1")

    with pytest.raises(errors.PluginLoadError, match=r"tiny 2\.1.*" + type(failure).__name__):
        discovery.load(broken)


@pytest.mark.parametrize("value", [None, 0, (), ""], ids=["none", "zero", "empty", "no-text"])
def test_what_is_falsy_is_loaded_as_it_is(value: object) -> None:
    """A falsy object is answered itself, nothing in its place."""
    assert discovery.load(entry_point(PROVIDERS, "tiny", value)) == value
