"""Parameters that show only while others have certain values, and combinations of resources."""

from typing import Any

import pytest
from vm_packages import config_json, group, leaf

from pitrix_core.model import JsonObject
from pitrix_core.package import violations
from pitrix_core.service.configs import with_defaults
from pitrix_vm.form import form_schema, read_form, sample_values

TLS = leaf("tls", "string", range=["on", "off"], default="off")
MODE = leaf("mode", "string", range=["a", "b", "c"], default="a")


def shown_if(refkey: str, *values: object, operator: str = "in") -> dict[str, Any]:
    """Return a dependency."""
    return {"refkey": refkey, "values": list(values), "operator": operator}


def env_schema(*members: dict[str, Any]) -> JsonObject:
    """Return the schema of these members below ``env``."""
    form = read_form(config_json(group("cluster"), group("env", *members)))
    return form_schema(form)


def refused(schema: JsonObject, values: dict[str, Any]) -> set[str]:
    """Return the pointers of what is wrong with values below ``env``, completed with defaults."""
    completed = with_defaults({"env": values}, schema)
    return {finding.pointer.removeprefix("/env") for finding in violations(completed, schema)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, set(), id="hidden-by-default"),
        pytest.param({"tls": "off", "cert": ""}, set(), id="hidden-and-empty"),
        pytest.param({"tls": "off", "cert": "x"}, {"/cert"}, id="hidden-and-set"),
        pytest.param({"tls": "on"}, {"/cert"}, id="shown-and-missing"),
        pytest.param({"tls": "on", "cert": ""}, {"/cert"}, id="shown-and-empty"),
        pytest.param({"tls": "on", "cert": "x"}, set(), id="shown-and-set"),
    ],
)
def test_what_is_required_is_so_only_while_it_shows(
    values: dict[str, Any], expected: set[str]
) -> None:
    """Hidden it may only be empty."""
    cert = leaf("cert", "string", required="yes", dependencies=[shown_if("tls", "on")])

    assert refused(env_schema(TLS, cert), values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"secret": ""}, set(), id="hidden-and-empty"),
        pytest.param({"tls": "on", "secret": "short"}, {"/secret"}, id="shown-and-too-short"),
        pytest.param({"tls": "on", "secret": ""}, {"/secret"}, id="shown-and-empty"),
        pytest.param({"tls": "on", "secret": "longer"}, set(), id="shown-and-right"),
    ],
)
def test_a_pattern_holds_only_for_what_shows(values: dict[str, Any], expected: set[str]) -> None:
    """The empty text that stands for none need not match."""
    secret = leaf(
        "secret",
        "password",
        required="yes",
        pattern="^.{6,}$",
        dependencies=[shown_if("tls", "on")],
    )

    assert refused(env_schema(TLS, secret), values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"port": 9092}, set(), id="hidden-and-default"),
        pytest.param({"port": 9093}, {"/port"}, id="hidden-and-other"),
        pytest.param({"tls": "on", "port": 9093}, set(), id="shown"),
    ],
)
def test_a_hidden_parameter_keeps_its_default(values: dict[str, Any], expected: set[str]) -> None:
    """What stands for none is the default, where there is one."""
    port = leaf("port", default=9092, required="no", dependencies=[shown_if("tls", "on")])

    assert refused(env_schema(TLS, port), values) == expected


@pytest.mark.parametrize(
    ("dependencies", "mode", "shows"),
    [
        pytest.param([shown_if("mode", "a", "b")], "b", True, id="in"),
        pytest.param([shown_if("mode", "a", "b")], "c", False, id="not-in"),
        pytest.param([shown_if("mode", "a", operator="nin")], "b", True, id="nin"),
        pytest.param([shown_if("mode", "a", operator="nin")], "a", False, id="not-nin"),
        pytest.param([shown_if("mode", "b"), shown_if("tls", "off")], "b", True, id="both"),
        pytest.param([shown_if("mode", "b"), shown_if("tls", "on")], "b", False, id="one-of-two"),
        pytest.param(shown_if("mode", "b"), "b", True, id="not-in-a-list"),
    ],
)
def test_all_dependencies_must_hold(dependencies: Any, mode: str, *, shows: bool) -> None:
    """Each names a value, or one that must not be."""
    a_leaf = leaf("a", "string", default="", dependencies=dependencies)

    expected = set() if shows else {"/a"}
    assert refused(env_schema(TLS, MODE, a_leaf), {"mode": mode, "a": "x"}) == expected


def test_a_form_learns_when_a_parameter_shows() -> None:
    """``x-visible-if`` says the same as the schema, for those who draw."""
    dependencies = [shown_if("mode", "b"), shown_if("tls", "on", operator="nin")]
    schema = env_schema(TLS, MODE, leaf("a", default=1, dependencies=dependencies))

    assert schema["properties"]["env"]["properties"]["a"]["x-visible-if"] == [
        {"key": "mode", "in": ["b"]},
        {"key": "tls", "not_in": ["on"]},
    ]


def test_values_of_a_dependency_are_of_the_other_parameters_type() -> None:
    """A package may write a text where the other parameter is a boolean."""
    on = leaf("on", "boolean", default=True)
    schema = env_schema(on, leaf("a", default=1, dependencies=[shown_if("on", "true")]))

    assert refused(schema, {"on": True, "a": 2}) == set()


@pytest.mark.parametrize(
    ("dependency", "pointer"),
    [
        pytest.param(shown_if("lost", "on"), "/refkey", id="no-such-parameter"),
        pytest.param(shown_if("a", "on"), "/refkey", id="itself"),
        pytest.param(shown_if("group", "on"), "/refkey", id="a-group"),
        pytest.param(shown_if("tls", "maybe"), "/values", id="no-such-value"),
    ],
)
def test_a_dependency_on_nothing_does_not_hide(dependency: dict[str, Any], pointer: str) -> None:
    """The parameter is always shown, and its author told."""
    a_leaf = leaf("a", default=1, dependencies=[dependency])
    form = read_form(config_json(group("cluster", TLS, group("group"), a_leaf)))

    assert [(f.code, f.pointer) for f in form.findings] == [
        ("form.dependency", f"/properties/0/properties/2/dependencies/0{pointer}")
    ]
    assert "allOf" not in form_schema(form)["properties"]["cluster"]


# -- combinations of resources ---------------------------------------------------------------------


def combined(**attributes: Any) -> JsonObject:
    """Return the schema of a role whose CPUs depend on a choice."""
    chosen = leaf("resource_group", "string", default="Prod", range=["Test", "Prod"], **attributes)
    cpu = leaf("cpu", default=1, range=[1, 2, 4], resource_group=[1, 2], required="yes")
    disk = leaf("volume_size", default=10, step=10, resource_group=[10, 25], required="yes")
    return form_schema(read_form(config_json(group("cluster", chosen, group("db", cpu, disk)))))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {"cpu": 2, "volume_size": 25}, id="the-default-choice"),
        pytest.param({"resource_group": "Test"}, {"cpu": 1, "volume_size": 10}, id="chosen"),
        pytest.param({"db": {"cpu": 4}}, {"cpu": 4, "volume_size": 25}, id="departed-from"),
    ],
)
def test_a_choice_sets_the_defaults_of_the_roles(
    given: dict[str, Any], expected: dict[str, int]
) -> None:
    """A user may depart from it; its values are allowed though the limits are others."""
    schema = combined()

    completed = with_defaults({"cluster": given}, schema)

    assert completed["cluster"]["db"] == expected
    assert violations(completed, schema) == []


def test_a_fixed_combination_cannot_be_departed_from() -> None:
    """``customizable`` says whether it can."""
    schema = combined(customizable=False)

    completed = with_defaults({"cluster": {"db": {"cpu": 4}}}, schema)

    assert [f.pointer for f in violations(completed, schema)] == ["/cluster/db/cpu"]


def test_a_fixed_parameter_follows_the_choice() -> None:
    """What cannot be set at creation still is what the chosen combination has."""
    chosen = leaf("resource_group", "string", default="b", range=["a", "b"])
    cpu = leaf("cpu", required="yes", changeable_when_create=False, resource_group=[1, 2])
    form = read_form(config_json(group("cluster", chosen, group("db", cpu))))
    schema = form_schema(form)

    kept, other = (
        violations(with_defaults({"cluster": {"db": db}}, schema), schema)
        for db in ({}, {"cpu": 1})
    )

    assert ([f.pointer for f in kept], [f.pointer for f in other]) == ([], ["/cluster/db/cpu"])
    assert form.findings == ()


@pytest.mark.parametrize(
    ("chosen", "values"),
    [
        pytest.param([], [1, 2], id="nothing-to-choose"),
        pytest.param([leaf("resource_group", "string", default="a")], [1, 2], id="no-choices"),
        pytest.param(
            [leaf("resource_group", "string", default="a", range=["a", "b"])], [1], id="too-few"
        ),
        pytest.param(
            [leaf("resource_group", "string", default="a", range=["a"])], [1, 2], id="too-many"
        ),
    ],
)
def test_a_combination_without_its_choices_is_remarked_on(
    chosen: list[dict[str, Any]], values: list[int]
) -> None:
    """Values and choices belong together by their number."""
    cpu = leaf("cpu", default=1, resource_group=values)

    form = read_form(config_json(group("cluster", *chosen, group("db", cpu))))

    assert [finding.code for finding in form.findings] == ["form.resource_group"]


# -- samples ---------------------------------------------------------------------------------------


def test_samples_follow_the_choice_and_what_shows() -> None:
    """A package is tried with what a user gets who fills in little."""
    chosen = leaf("resource_group", "string", default="b", range=["a", "b"])
    cpu = leaf("cpu", default=1, resource_group=[1, 2])
    hidden = leaf("cert", "string", required="yes", dependencies=[shown_if("tls", "on")])
    form = config_json(group("cluster", chosen, group("db", cpu)), group("env", TLS, hidden))

    values = sample_values(read_form(form))

    assert (values["cluster.db.cpu"], values["env.cert"]) == (2, "")
