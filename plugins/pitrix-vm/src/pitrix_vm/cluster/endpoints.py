"""Resolves a cluster's endpoints: a port is a number, or names the parameter that holds it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pitrix_core.findings import Finding, Level
from pitrix_core.model import JsonObject, JsonValue
from pitrix_core.package import pointer_to
from pitrix_core.validation import quoted
from pitrix_vm.cluster.records import Role

#: Source: RFC 9293, section 3.1: a port has 16 bits.
_HIGHEST_PORT: Final = 65535
_DIGITS: Final = re.compile("[0-9]{1,5}")


def resolved_endpoints(
    endpoints: Mapping[str, JsonObject],
    *,
    roles: Sequence[Role],
    env: Mapping[str, JsonValue],
    file: str,
) -> tuple[Mapping[str, JsonObject], tuple[Finding, ...]]:
    """Return each endpoint with its port, and a finding for each that has none.

    :param env: the cluster's own parameters.
    """
    resolved: dict[str, JsonObject] = {}
    findings: list[Finding] = []
    for name, endpoint in endpoints.items():
        if name == "reserved_ips":  # addresses, no service
            continue
        port = _port(endpoint.get("port"), roles=roles, env=env)
        if port is None:
            findings.append(_finding(name, endpoint.get("port"), file))
        else:
            protocol = endpoint.get("protocol", "")
            resolved[name] = {"port": port, "protocol": str(protocol)}
    return resolved, tuple(findings)


def _port(port: JsonValue, *, roles: Sequence[Role], env: Mapping[str, JsonValue]) -> int | None:
    number = _number(port)
    if number is not None or not isinstance(port, str):
        return number
    return next((n for v in _candidates(port, roles, env) if (n := _number(v)) is not None), None)


def _candidates(
    reference: str, roles: Sequence[Role], env: Mapping[str, JsonValue]
) -> Iterable[JsonValue]:
    """Return what ``env.PARAM`` or ``ROLE.env.PARAM`` may mean; either name may hold dots."""
    for role in roles:
        # NOTE(unnamed): the only role may go without the name that it has in config.json
        name = role.name or reference.partition(".env.")[0]
        if reference.startswith(f"{name}.env."):
            yield role.env.get(reference.removeprefix(f"{name}.env."))
    if reference.startswith("env."):
        parameter = reference.removeprefix("env.")
        yield env.get(parameter)
        yield from (role.env.get(parameter) for role in roles)


def _number(value: JsonValue) -> int | None:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _HIGHEST_PORT:
        return value
    return None


def _finding(name: str, port: JsonValue, file: str) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="cluster.endpoint",
        message=f"endpoint {quoted(name)}: {quoted(port)} leads to no port; it is left out",
        pointer=pointer_to(("endpoints", name, "port")),
        file=file,
    )
