"""New packages, in every dialect."""

import json

import pytest
from vm_packages import VM, planned

from pitrix_core.errors import InvalidInputError
from pitrix_core.package import Package
from pitrix_vm.spec import VmSpec

DIALECTS = VM.dialects


def made(name: str, dialect: str) -> VmSpec:
    """Return a new package as the type reads it."""
    return VM.parse(Package(digest="sha256:0", files=VM.skeleton(name, dialect=dialect)))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_new_package_is_without_remarks(dialect: str) -> None:
    """There is nothing to say against what an author begins with."""
    assert VM.validate(made("shop", dialect)) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_new_package_is_written_in_its_dialect(dialect: str) -> None:
    """It is recognised as what was asked for."""
    assert made("shop", dialect).dialect == dialect


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_new_package_can_be_deployed(dialect: str) -> None:
    """It gives a plan with one machine, and an endpoint."""
    draft = planned(made("shop", dialect))

    assert len(draft.nodes) == 1
    assert draft.endpoints["client"] == {"port": 8080, "protocol": "http"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_dialects_give_the_same_cluster(dialect: str) -> None:
    """What differs is how it is written, and the name of the network."""
    document = dict(VM.documents(made("shop", dialect), {}).files["cluster.json"])
    first = dict(VM.documents(made("shop", DIALECTS[0]), {}).files["cluster.json"])

    assert document.pop("subnet", "") == document.pop("vxnet", "") == ""
    first.pop("subnet")
    assert document == first


@pytest.mark.parametrize("name", ["a", "My.App_2-x", "9lives"])
def test_the_name_is_where_it_belongs(name: str) -> None:
    """Every name that a package may have is that of its image and its commands."""
    spec = made(name, "")

    [role] = VM.documents(spec, {}).files["cluster.json"]["nodes"]
    assert spec.info.name == name
    assert role["container"]["image"] == name
    assert role["services"]["start"]["cmd"] == f"/opt/{name}/bin/start.sh"


def test_nothing_is_left_to_be_filled_in() -> None:
    """No placeholder of ours is in what an author gets."""
    for dialect in DIALECTS:
        texts = VM.skeleton("shop", dialect=dialect).values()

        assert [text for text in texts if b"@" in text.replace(b"you@example.com", b"")] == []


def test_every_text_of_the_form_is_translated() -> None:
    """The form reads as whole in each language."""
    files = VM.skeleton("shop")
    schemas = [VM.config_schema(made("shop", ""), language=name) for name in ("en", "zh-cn")]

    assert [schema["properties"]["cluster"]["title"] for schema in schemas] == ["Cluster", "集群"]
    assert (
        json.loads(files["locale/en.json"]).keys() == json.loads(files["locale/zh-cn.json"]).keys()
    )


def test_a_template_names_its_dialect_as_well() -> None:
    """Who knows the ending of the file need not know the dialect's name."""
    assert "cluster.json.mustache" in VM.skeleton("shop", dialect="mustache")


def test_an_unknown_dialect_names_the_known_ones() -> None:
    """The next step says what there is."""
    with pytest.raises(InvalidInputError) as caught:
        VM.skeleton("shop", dialect="helm")

    assert all(name in (caught.value.next_step or "") for name in DIALECTS)
