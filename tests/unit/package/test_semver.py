"""Ordering of versions."""

import itertools

import pytest

from pitrix_core.package import Version

#: The order of SemVer 2, section 11, with a few around it.
ORDERED = (
    *("0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
    *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"),
)


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(ORDERED)))
def test_versions_are_ordered_as_semver_says(older: str, newer: str) -> None:
    """Numbers compare as numbers, prereleases come first."""
    assert Version.parse(older) < Version.parse(newer)


def test_build_metadata_does_not_count() -> None:
    """Two builds of one version are equal, and hash alike."""
    assert Version.parse("1.0.0+a") == Version.parse("1.0.0+b")
    assert len({Version.parse("1.0.0+a"), Version.parse("v1.0")}) == 1


def test_a_version_writes_itself() -> None:
    """Text goes round."""
    assert str(Version.parse("1.2.3-rc.1+b5")) == "1.2.3-rc.1+b5"


@pytest.mark.parametrize("text", ["", "one", "1.2.3.4", "01.2.3", "1.2.3-", "1" * 300, "1.2.3\n"])
def test_other_texts_are_no_versions(text: str) -> None:
    """They are refused."""
    with pytest.raises(ValueError, match="is not a version"):
        Version.parse(text)
