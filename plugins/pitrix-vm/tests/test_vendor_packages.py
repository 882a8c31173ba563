"""Packages as vendors write them are read, valid, rendered and planned, whatever their oddities."""

from typing import Any

from hypothesis import given, settings
from vendor_packages import vendor_packages
from vm_packages import VM, planned

from pitrix_core.findings import errors_in
from pitrix_core.package import Package, violations
from pitrix_core.service.configs import with_defaults

#: What a user who fills in nothing may lack.
MISSING = {"schema.required", "schema.minLength"}
by_chance = settings(max_examples=50, deadline=None, derandomize=True, database=None)


def completed(config: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Return a configuration with what its schema asks the user for."""
    for finding in violations(config, schema):
        inner, part = config, schema
        *groups, key = finding.pointer.split("/")[1:]
        for name in groups:
            inner, part = inner.setdefault(name, {}), part["properties"][name]
        inner[key] = part["properties"][key].get("enum", ["sample"])[0]
    return config


@by_chance
@given(vendor_packages())
def test_it_is_read_without_an_error(package: Package) -> None:
    """What is odd about it is remarked on."""
    spec = VM.parse(package)

    assert errors_in(VM.validate(spec)) == ()
    assert spec.sample.roles


@by_chance
@given(vendor_packages())
def test_its_defaults_are_valid_and_can_be_planned(package: Package) -> None:
    """A user who fills in nothing lacks only what has to be given."""
    spec = VM.parse(package)
    schema = VM.config_schema(spec)
    config = with_defaults({}, schema)

    assert {finding.code for finding in violations(config, schema)} <= MISSING
    assert planned(spec, completed(config, schema)).nodes
