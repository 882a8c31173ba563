"""Forms nobody would write: they are refused, or give a schema that is one."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vm_packages import config_json, group, leaf

from pitrix_core.errors import PackageInvalidError
from pitrix_core.package import violations
from pitrix_core.service.configs import with_defaults
from pitrix_vm.form import (
    Form,
    flat_values,
    form_schema,
    parse_form,
    read_form,
    sample_values,
    service_schema,
)

fuzzing = settings(max_examples=150, deadline=None, derandomize=True, database=None)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from([0.5, 10.0, 1e300, 2**70, -1])
    | st.sampled_from(["", "a", "b", "on", "yes", "no", "true", "10", "x,y", "^a+$", "(", "\\d"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["a", "b", "a.b", "count", "memory", "resource_group", "vxnet", "$secret"])
TYPES = st.sampled_from(
    [
        *("integer", "number", "boolean", "string", "password", "service", "loadbalancer"),
        *("accesskey", "vxnet", "eip", "colour"),
    ]
)
VALUES = st.lists(SCALARS, max_size=3) | JSON
DEPENDENCIES = st.lists(
    st.fixed_dictionaries(
        {"refkey": KEYS, "values": st.lists(SCALARS, max_size=2)},
        optional={"operator": st.sampled_from(["in", "nin", "or"])},
    ),
    max_size=2,
)
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("default", "required", "label", "description", "separator"), SCALARS),
    **dict.fromkeys(("min", "max", "step", "auto_scale_step", "pattern"), SCALARS),
    **{name: st.booleans() | SCALARS for name in ("multichoice", "changeable", "system")},
    **{name: st.booleans() for name in ("changeable_when_create", "customizable", "expanded")},
    **dict.fromkeys(("range", "resource_group", "tag", "port", "limits"), VALUES),
    **dict.fromkeys(("allowed_operations", "associate_mode", "unique", "hint"), JSON),
    "dependencies": DEPENDENCIES | JSON,
}
LEAVES = st.fixed_dictionaries({"key": KEYS, "type": TYPES}, optional=ATTRIBUTES)
GROUPS = st.recursive(
    LEAVES,
    lambda members: st.fixed_dictionaries(
        {
            "key": st.sampled_from(["db", "web", "cluster", "a"]),
            "type": st.just("array"),
            "properties": st.lists(members, max_size=4),
        }
    ),
    max_leaves=8,
)
FORMS = st.fixed_dictionaries(
    {
        "type": st.just("array"),
        "properties": st.tuples(
            *(
                st.fixed_dictionaries(
                    {
                        "key": st.just(section),
                        "type": st.just("array"),
                        "properties": st.lists(LEAVES | GROUPS, max_size=5),
                    }
                )
                for section in ("cluster", "env", "service_params")
            )
        ).map(list),
    }
)


def outcome(read: Callable[[Any], Form], source: Any) -> Form | PackageInvalidError:
    """Return a form, or how it is refused."""
    try:
        return read(source)
    except PackageInvalidError as ex:
        return ex


@fuzzing
@given(FORMS | JSON)
def test_any_form_gives_a_schema_or_findings(document: Any) -> None:
    """The schema is valid, JSON, and all that is made of the form works."""
    form = outcome(read_form, document)

    if isinstance(form, PackageInvalidError):
        assert form.findings
        return
    for schema in (form_schema(form), service_schema(form)):
        jsonschema.Draft202012Validator.check_schema(schema or {})
        json.dumps(schema, allow_nan=False)
    assert sample_values(form).keys() == flat_values(form, {}).keys()


@fuzzing
@given(FORMS)
def test_defaults_are_never_refused(document: Any) -> None:
    """Who fills in nothing lacks at most what has to be given."""
    schema = form_schema(read_form(document))

    found = violations(with_defaults({}, schema), schema)

    assert {finding.code for finding in found} <= {"schema.required"}


@fuzzing
@given(st.text(max_size=200) | FORMS.map(json.dumps).map(lambda text: text[: len(text) // 2]))
def test_any_text_is_a_form_or_refused(text: str) -> None:
    """Nothing but our own error comes of it."""
    form = outcome(parse_form, text)

    assert form.findings or isinstance(form, Form)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            config_json(
                group("cluster", leaf("a", "string", range=[str(n) for n in range(50_000)]))
            ),
            id="choices",
        ),
        pytest.param(
            config_json(
                group(
                    "cluster",
                    leaf("resource_group", "string", range=[str(n) for n in range(2_000)]),
                    *(leaf(f"a{n}", default=1, resource_group=[n]) for n in range(2_000)),
                    leaf("b", default=1, resource_group=[*range(2_000)]),
                )
            ),
            id="combinations",
        ),
        pytest.param(
            config_json(
                group(
                    "cluster",
                    leaf("a", "string", range=[str(n) for n in range(5_000)]),
                    leaf(
                        "b",
                        default=1,
                        dependencies=[{"refkey": "a", "values": [str(n) for n in range(5_000)]}],
                    ),
                )
            ),
            id="dependencies",
        ),
        pytest.param(
            config_json(
                group(
                    "cluster",
                    *(leaf(f"a{n}", **{f"x{n}y{m}": 1 for m in range(9)}) for n in range(999)),
                )
            ),
            id="unknown-names",
        ),
        pytest.param(
            config_json(
                group(
                    "cluster",
                    *(
                        leaf(f"a{n}", "string", default="a" * 40 + "!", pattern="^(a|aa)+$")
                        for n in range(50)
                    ),
                )
            ),
            id="patterns-that-never-end",
        ),
    ],
)
@pytest.mark.timeout(20)
def test_a_large_form_takes_bounded_time(document: Any) -> None:
    """Work grows with the size of the form, not with its square."""
    form = read_form(document)

    assert form_schema(form)["properties"]["cluster"]["properties"]
    assert sample_values(form)
