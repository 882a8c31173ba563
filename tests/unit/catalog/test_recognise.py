"""A package is of the one app type that claims it."""

from typing import Any

import core_world
import pytest

from pitrix_core.catalog.recognise import read_package, recognise
from pitrix_core.errors import AmbiguousPackageError, UnknownPackageError
from pitrix_core.model import PackageIndex

INDEX = PackageIndex(files={"note.json": 2})


class Raising(core_world.NoteType):
    """Fails to say whether a package is its own."""

    def claims(self, index: Any) -> bool:
        raise RuntimeError("no claims today")


def types(*made: core_world.NoteType) -> dict[str, Any]:
    """Return app types by their names."""
    return {one.name: one for one in made}


def test_the_one_that_claims_it_is_taken() -> None:
    """The others are asked all the same."""
    note = core_world.NoteType()

    assert recognise(INDEX, types(core_world.NoteType("other", "other.json"), note)) is note


def test_nobodys_package_is_unknown() -> None:
    """With what is installed, and what to do."""
    with pytest.raises(UnknownPackageError, match="installed: other") as caught:
        recognise(INDEX, types(core_world.NoteType("other", "other.json")))

    assert "Install the plugin" in (caught.value.next_step or "")


def test_without_any_app_type_everything_is_unknown() -> None:
    """The core alone has none."""
    with pytest.raises(UnknownPackageError, match="installed: none"):
        recognise(INDEX, {})


def test_two_claims_are_told_with_both_names() -> None:
    """And with a way out."""
    with pytest.raises(AmbiguousPackageError, match="a and b") as caught:
        recognise(INDEX, types(core_world.NoteType("b"), core_world.NoteType("a")))

    assert caught.value.next_step is not None


def test_one_that_fails_to_say_takes_nothing_from_the_others() -> None:
    """A broken plugin beside a good one."""
    note = core_world.NoteType()

    assert recognise(INDEX, types(Raising("broken"), note)) is note


def test_one_that_fails_to_say_is_named_where_nobody_claims_it() -> None:
    """It may be the one that should have."""
    with pytest.raises(UnknownPackageError, match=r"broken failed to look at the package.*today"):
        recognise(INDEX, types(Raising("broken")))


def test_a_package_is_read_with_its_type() -> None:
    """The reader goes on to hooks, the spec to plans."""
    package = read_package(core_world.note("app", "1.2.3"), types(core_world.NoteType()))

    assert package.app_type.name == "note"
    assert package.spec.info.version == "1.2.3"
    assert package.reader.index.has("note.json")
