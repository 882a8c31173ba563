"""Reading ``config.json``: the attributes of parameters, and what is said of odd ones."""

import json
from typing import Any

import pytest
from vm_packages import config_json, group, leaf

from pitrix_core.errors import PackageInvalidError
from pitrix_core.findings import Level
from pitrix_core.package import violations
from pitrix_vm.form import (
    Dependency,
    Form,
    Leaf,
    flat_values,
    form_schema,
    parse_form,
    read_form,
    sample_values,
)


def form_of(*leaves: dict[str, Any], below: str = "cluster") -> Form:
    """Return a form of these parameters."""
    others = [] if below == "cluster" else [group("cluster")]
    return read_form(config_json(*others, group(below, *leaves)))


def only_leaf(form: Form) -> Leaf:
    """Return the one parameter of a form."""
    (found,) = form.root.leaves()
    return found


def remarks(form: Form) -> list[tuple[Level, str, str]]:
    """Return level, code and place below the parameter's node of every finding."""
    return [
        (f.level, f.code, f.pointer.removeprefix("/properties/0/properties/0"))
        for f in form.findings
    ]


@pytest.mark.parametrize(
    ("a_leaf", "field", "expected"),
    [
        (leaf("a", step=10), "step", 10),
        (leaf("a", auto_scale_step=10), "auto_scale_step", 10),
        (leaf("a", min="1"), "minimum", 1),
        (leaf("a", "number", max=0.5), "maximum", 0.5),
        (leaf("a", changeable=False), "is_changeable", False),
        (leaf("a", changeable="no"), "is_changeable", False),
        (leaf("a", changeable_when_create=False, default=1), "is_changeable_when_create", False),
        (leaf("a", expanded=True), "is_expanded", True),
        (leaf("a"), "is_expanded", None),
        (leaf("a", multiline=True), "is_multiline", True),
        (leaf("a", disable_when_scale=True), "is_disabled_when_scaled", True),
        (leaf("a", old_version_default=3), "old_version_default", 3),
        (leaf("a", is_node=True), "is_node", True),
        (leaf("a", unique=True), "is_unique", True),
        (leaf("a", "service", tag=["ZK"]), "tags", ("ZK",)),
        (leaf("a", "service", tag="ZK"), "tags", ("ZK",)),
        (leaf("a", "service", limits={"app": ["v"]}), "limits", {"app": ("v",)}),
        (leaf("a", "service", allowed_operations=["add"]), "allowed_operations", ("add",)),
        (leaf("a", "loadbalancer", port=80), "ports", (80,)),
        (leaf("a", "loadbalancer", port=[80, 81]), "ports", (80, 81)),
        (leaf("a", "eip", associate_mode=1), "associate_mode", 1),
        (leaf("a", "string", range=["x"], separator="|"), "separator", "|"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_an_attribute_is_in_the_record(a_leaf: dict[str, Any], field: str, expected: Any) -> None:
    """Each is read as what it means."""
    assert getattr(only_leaf(form_of(a_leaf)), field) == expected


def test_dependencies_are_read() -> None:
    """The other parameter, its values, and whether it must not have them."""
    other = leaf("mode", "string", range=["a", "b"])
    dependency = {"refkey": "mode", "values": ["a"], "operator": "nin"}

    *_, found = form_of(other, leaf("a", dependencies=[dependency])).root.leaves()

    assert found.dependencies == (Dependency(refkey="mode", values=("a",), is_excluding=True),)


def test_a_group_has_its_words_and_members() -> None:
    """Keys may hold dots; a path is never split."""
    form = form_of({**group("db.x", leaf("a.b")), "label": "Database", "description": "d"})

    (cluster,) = form.root.members
    found = cluster.member("db.x")
    assert (found.label, found.description) == ("Database", "d")
    assert [each.path for each in found.leaves()] == ["cluster.db.x.a.b"]


# -- attributes that cannot be read ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("a_leaf", "name"),
    [
        (leaf("a", min="x"), "min"),
        (leaf("a", max=[]), "max"),
        (leaf("a", min=2**70), "min"),
        (leaf("a", step=0), "step"),
        (leaf("a", step=2.5), "step"),
        (leaf("a", range=5), "range"),
        (leaf("a", required="nos"), "required"),
        (leaf("a", required=1), "required"),
        (leaf("a", changeable="maybe"), "changeable"),
        (leaf("a", "string", pattern=[]), "pattern"),
        (leaf("a", "string", separator=""), "separator"),
        (leaf("a", dependencies=["x"]), "dependencies"),
        (leaf("a", dependencies=[{"refkey": "b", "values": 1}]), "dependencies"),
        (leaf("a", dependencies=[{"refkey": "b", "values": [], "operator": []}]), "dependencies"),
        (leaf("a", resource_group=3), "resource_group"),
        (leaf("a", "service", limits=[]), "limits"),
        (leaf("a", "service", limits={"app": 3}), "limits"),
        (leaf("a", "service", tag=3), "tag"),
        (leaf("a", "service", allowed_operations=["burn"]), "allowed_operations"),
        (leaf("a", "loadbalancer", port=0), "port"),
        (leaf("a", "loadbalancer", port=["x"]), "port"),
        (leaf("a", "eip", associate_mode=2), "associate_mode"),
        (leaf("a", label=[]), "label"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_attribute_of_a_wrong_kind_is_left_out(a_leaf: dict[str, Any], name: str) -> None:
    """Its author is told what it should be, and the parameter is as if it were not there."""
    form = form_of(a_leaf)

    without = {key: value for key, value in a_leaf.items() if key != name}
    assert remarks(form) == [(Level.WARNING, "form.attribute", f"/{name}")]
    assert form.root == form_of(without).root


@pytest.mark.parametrize(
    ("a_leaf", "place", "value"),
    [
        pytest.param(leaf("a", default="10"), "/default", 10, id="text-for-integer"),
        pytest.param(leaf("a", "number", default="1.5"), "/default", 1.5, id="text-for-number"),
        pytest.param(leaf("a", "boolean", default="true"), "/default", True, id="text-for-boolean"),
        pytest.param(leaf("a", "string", default=10), "/default", "10", id="number-for-text"),
        pytest.param(leaf("a", "string", default=True), "/default", "true", id="boolean-for-text"),
        pytest.param(leaf("a", "eip", default=["x", "y"]), "/default", "x y", id="addresses"),
        pytest.param(leaf("a", default="many"), "/default", 0, id="no-number"),
        pytest.param(leaf("a", default=1.5), "/default", 0, id="no-integer"),
        pytest.param(leaf("a", "boolean", default=3), "/default", False, id="no-boolean"),
        pytest.param(leaf("a", "string", default=["x"]), "/default", "", id="no-text"),
        pytest.param(leaf("a", default=1, range=[1, "2", "x"]), "/range", 1, id="choices"),
    ],
)
def test_a_value_of_another_type_is_taken_where_it_is_plain(
    a_leaf: dict[str, Any], place: str, value: object
) -> None:
    """Otherwise there is none; either is remarked on."""
    form = form_of(a_leaf)

    assert {(level, code) for level, code, _ in remarks(form)} == {(Level.WARNING, "form.value")}
    assert all(at.startswith(place) for _, _, at in remarks(form))
    assert flat_values(form, {}) == {"cluster.a": value}
    assert type(flat_values(form, {})["cluster.a"]) is type(value)


@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "loadbalancer", "accesskey"])
def test_an_empty_default_is_none(kind: str) -> None:
    """Packages write an empty text where there is no default."""
    assert remarks(form_of(leaf("a", kind, default=""))) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("integer", 0), ("number", 0.0), ("boolean", False), ("loadbalancer", [])),
        *(("string", ""), ("password", ""), ("service", ""), ("accesskey", "")),
        *(("vxnet", ""), ("eip", "")),
    ],
)
def test_something_stands_for_a_value_that_nobody_gave(kind: str, value: object) -> None:
    """A template never sees Python's None."""
    assert flat_values(form_of(leaf("a", kind)), {}) == {"cluster.a": value}


def test_whole_numbers_are_written_as_integers() -> None:
    """For JSON Schema 3.0 is an integer; a cluster counts with 3."""
    values = flat_values(form_of(leaf("a")), {"cluster": {"a": 3.0}})

    assert json.dumps(values) == '{"cluster.a": 3}'


@pytest.mark.parametrize(
    ("kind", "default", "taken"),
    [
        ("interger", 1, "integer"),
        ("String", "x", "string"),
        ("colour", True, "boolean"),
        ("colour", 1, "integer"),
        ("colour", 0.5, "number"),
        ("colour", None, "string"),
        ([], None, "string"),
        (None, 3, "integer"),
    ],
)
def test_an_unknown_type_is_taken_as_the_likeliest(
    kind: object, default: object, taken: str
) -> None:
    """The nearest word counts, then the default."""
    form = form_of({"key": "a", "type": kind, "default": default})

    assert only_leaf(form).type == taken
    assert remarks(form) == [(Level.WARNING, "form.type", "/type")]


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("rnage", "range"), ("defualt", "default"), ("requried", "required"), ("Min", "min")),
        *(("nim", "min"), ("paterrn", "pattern"), ("dependency", "dependencies")),
        *(("resource-group", "resource_group"), ("range ", "range"), ("steps", "step")),
    ],
)
def test_a_misspelt_limit_is_an_error(name: str, meant: str) -> None:
    """What the author meant to rule out would be allowed."""
    with pytest.raises(PackageInvalidError) as caught:
        form_of(leaf("a", **{name: 1}))

    (finding,) = caught.value.findings
    assert (finding.code, finding.pointer) == (
        "form.unknown",
        f"/properties/0/properties/0/{name}",
    )
    assert f"is it '{meant}'?" in finding.message


@pytest.mark.parametrize(
    ("a_leaf", "level", "code", "place"),
    [
        pytest.param(leaf("a", colour=1), Level.WARNING, "form.unknown", "/colour", id="unknown"),
        pytest.param(
            leaf("a", **{"a" * 99: 1}), Level.WARNING, "form.unknown", "/" + "a" * 99, id="long"
        ),
        pytest.param(
            leaf("a", descripton=""), Level.WARNING, "form.unknown", "/descripton", id="misspelt"
        ),
        pytest.param(
            leaf("a", default=1, default1=2),
            Level.WARNING,
            "form.unknown",
            "/default1",
            id="kept-beside-the-right-one",
        ),
        pytest.param(
            leaf("a", _default=2), Level.WARNING, "form.unknown", "/_default", id="taken-out"
        ),
        pytest.param(
            leaf("a", unique=True), Level.INFO, "form.undocumented", "/unique", id="undocumented"
        ),
        pytest.param(
            leaf("a", pattern="^1$"), Level.WARNING, "form.ignored", "/pattern", id="pattern"
        ),
        pytest.param(
            leaf("a", "string", min=1), Level.WARNING, "form.ignored", "/min", id="min-of-text"
        ),
        pytest.param(leaf("a", port=80), Level.WARNING, "form.ignored", "/port", id="port"),
        pytest.param(
            leaf("a", "string", multichoice=True),
            Level.WARNING,
            "form.ignored",
            "/multichoice",
            id="multichoice-of-nothing",
        ),
        pytest.param(leaf("a", system=True), Level.WARNING, "form.ignored", "/system", id="system"),
        pytest.param(
            leaf("a", customizable=False),
            Level.WARNING,
            "form.ignored",
            "/customizable",
            id="customizable",
        ),
        pytest.param(
            {**group("a"), "required": "yes"},
            Level.WARNING,
            "form.ignored",
            "/required",
            id="group",
        ),
        pytest.param(leaf("a b"), Level.WARNING, "form.blank", "/key", id="blank-in-key"),
        pytest.param(
            leaf("a", min=2, max=1), Level.WARNING, "form.limits", "/min", id="min-above-max"
        ),
        pytest.param(
            leaf("a", range=[1, 5], max=4), Level.WARNING, "form.limits", "/range", id="choice"
        ),
        pytest.param(
            leaf("a", default=5, max=4), Level.WARNING, "form.default", "/default", id="default"
        ),
        pytest.param(
            leaf("a", "string", default="b", pattern="^a"),
            Level.WARNING,
            "form.default",
            "/default",
            id="default-and-pattern",
        ),
        pytest.param(
            leaf("a", "string", pattern="(?i)a"),
            Level.WARNING,
            "form.pattern",
            "/pattern",
            id="pattern-of-python",
        ),
        pytest.param(
            leaf("a", required="yes", changeable_when_create=False),
            Level.WARNING,
            "form.fixed",
            "/changeable_when_create",
            id="fixed-to-nothing",
        ),
    ],
)
def test_an_oddity_is_remarked_on(
    a_leaf: dict[str, Any], level: Level, code: str, place: str
) -> None:
    """Once, and at its place."""
    assert remarks(form_of(a_leaf)) == [(level, code, place)]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        pytest.param([group("env", leaf("a"))], "form.section", id="no-cluster"),
        pytest.param([group("cluster"), group("other")], "form.section", id="other-group"),
        pytest.param([group("cluster"), leaf("a")], "form.section", id="no-group"),
        pytest.param(
            [group("cluster", group("a", leaf("b.c")), group("a.b", leaf("c")))],
            "form.path",
            id="same-path",
        ),
        pytest.param([group("cluster", leaf("a"), leaf("a"))], "form.duplicate", id="same-key"),
    ],
)
def test_an_odd_tree_is_remarked_on(members: list[dict[str, Any]], code: str) -> None:
    """It can be used all the same."""
    assert [f.code for f in read_form(config_json(*members)).findings] == [code]


def test_a_form_of_endless_length_is_refused() -> None:
    """Nobody fills in ten thousand parameters."""
    with pytest.raises(PackageInvalidError, match="more than 10000"):
        form_of(*(leaf(f"a{number}") for number in range(10_001)))


def test_a_form_without_end_is_refused() -> None:
    """A tree deeper than any real one is refused, not followed."""
    tree = group("a", leaf("b"))
    for _ in range(12):
        tree = group("a", tree)

    with pytest.raises(PackageInvalidError, match="deeper than 12"):
        read_form(config_json(tree))


def test_wrong_commas_are_put_right() -> None:
    """The form is read, and the place named."""
    text = json.dumps(config_json(group("cluster", leaf("a")))).replace("}]}]}", "},]}]}")

    (finding,) = parse_form(text).findings

    assert (finding.code, finding.file, finding.line) == ("json.comma", "config.json", 1)


def test_a_repaired_form_that_is_refused_says_both() -> None:
    """All that is wrong is said at once."""
    with pytest.raises(PackageInvalidError) as caught:
        parse_form('{"properties": [{"key": "a", "type": "array"},]}')

    assert [f.code for f in caught.value.findings][:2] == ["json.comma", "form.group"]


# -- samples ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a_leaf", "value"),
    [
        pytest.param(leaf("a", default=3), 3, id="default"),
        pytest.param(leaf("a"), 1, id="one"),
        pytest.param(leaf("a", min=3), 3, id="min"),
        pytest.param(leaf("a", min=3, step=10), 10, id="min-and-step"),
        pytest.param(leaf("a", max=-2), -2, id="max"),
        pytest.param(leaf("a", "number", min=0.5), 0.5, id="fraction"),
        pytest.param(leaf("a", min=0.5), 1, id="whole"),
        pytest.param(leaf("a", range=[5, 7]), 5, id="choice"),
        pytest.param(leaf("a", range=[5, 7], default=6, required="yes"), 5, id="bad-default"),
        pytest.param(leaf("a", "boolean", required="yes"), False, id="boolean"),
        pytest.param(leaf("a", "string"), "", id="optional-text"),
        pytest.param(leaf("a", "string", required="yes"), "sample", id="required-text"),
        pytest.param(leaf("a", "string", range=["x"], required="yes"), "x", id="text-choice"),
        pytest.param(
            leaf("a", "string", pattern=r"^(\d+\.){3}\d+$", required="yes"),
            "10.0.0.1",
            id="address",
        ),
        pytest.param(
            leaf("a", "password", pattern="(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8}", required="yes"),
            "Sample-1234",
            id="password",
        ),
        pytest.param(leaf("a", "string", pattern="^zz$", required="yes"), "sample", id="no-match"),
        pytest.param(leaf("a", "service", required="yes"), "", id="link"),
    ],
)
def test_a_sample_is_plausible(a_leaf: dict[str, Any], value: object) -> None:
    """It is within the limits as far as possible."""
    assert sample_values(form_of(a_leaf)) == {"cluster.a": value}


@pytest.mark.parametrize("kind", ["integer", "number", "string", "password"])
def test_a_number_that_no_program_can_hold_is_remarked_on(kind: str) -> None:
    """Whatever it stands for, it is no value and no choice."""
    form = form_of(leaf("a", kind, default=10**400, range=[10**400]))

    assert {code for _, code, _ in remarks(form)} == {"form.value"}
    assert only_leaf(form).choices == ()


@pytest.mark.parametrize(
    ("attributes", "default"),
    [
        pytest.param({"required": "yes"}, 101, id="required"),
        pytest.param({"required": "yes", "min": 150}, 202, id="a-choice-that-will-do"),
        pytest.param({"required": "no"}, 0, id="optional"),
    ],
)
def test_where_a_choice_is_required_the_first_one_is_the_default(
    attributes: dict[str, Any], default: int
) -> None:
    """A package whose own default is not among them can be deployed as it is."""
    form = form_of(leaf("instance_class", default=0, range=[101, 202], **attributes))

    [chosen] = form.root.leaves()
    config = {"cluster": {"instance_class": chosen.default}}
    assert chosen.default == default
    assert violations(config, form_schema(form)) == []
