"""The way of one package from its files to a plan, step by step."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from pitrix_core.errors import PitrixError, PlanRefusedError
from pitrix_core.findings import Finding, errors_in
from pitrix_core.model import Action, JsonObject, PlanRequest, Runtime
from pitrix_core.package import Package
from pitrix_core.service.defaults import with_defaults
from pitrix_core.validation import violations
from pitrix_vm.apptype import VmAppType

#: What a user would have to give, by the keyword that says so.
_MISSING: Final = frozenset({"schema.required", "schema.minLength"})
#: Given where a text has to be given.
_SAMPLE: Final = "Sample-1234"
_TYPE: Final = VmAppType()
_RUNTIME: Final = Runtime(id="rt-bench", name="bench", provider="bench", owner="bench")
_OFFERS: Final = frozenset(
    {
        *("network.ensure", "volume.create", "volume.delete", "compute.create", "compute.delete"),
        *("metadata.put", "metadata.delete", "agent.wait", "service.run"),
    }
)


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of a package."""

    dialect: str = ""
    #: Code of the first error that kept it from being read, validated with its defaults, rendered
    #: and parsed, and what it says; empty for a package that is sound.
    code: str = ""
    reason: str = ""
    #: The same of a sound package that a server would not offer or plan.
    objection: str = ""
    objection_reason: str = ""
    #: What was raised that is no error of ours.
    crash: str = ""
    #: Pointers of what a user has to give.
    asks_for: tuple[str, ...] = ()
    #: Codes of what its author should know.
    remarks: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Say whether it was read, valid, rendered and parsed."""
        return not self.code and not self.crash


def outcome_of(package: Package) -> Outcome:
    """Take a package all the way."""
    try:
        return _outcome(package)
    except PitrixError as ex:
        findings: tuple[Finding, ...] = errors_in(getattr(ex, "findings", ()))
        return Outcome(code=findings[0].code if findings else ex.code, reason=ex.message)
    except Exception as ex:  # noqa: BLE001  a crash is what is looked for
        return Outcome(crash=f"{type(ex).__name__}: {ex}")


def steps_of(package: Package) -> Mapping[str, float]:
    """Return how long a processor works on each step of a sound package, in milliseconds."""
    taken: dict[str, float] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        began = time.process_time()
        value = step()
        taken[name] = (time.process_time() - began) * 1000
        return value

    spec = timed("parse", lambda: _TYPE.parse(package))
    timed("remark", lambda: _TYPE.validate(spec))
    schema = timed("schema", lambda: _TYPE.config_schema(spec))
    config = timed("fill in defaults", lambda: with_defaults({}, schema))
    missing = timed("validate", lambda: violations(config, schema))
    config = _completed(config, missing, schema)
    timed("render", lambda: _TYPE.documents(spec, config))
    timed("plan", lambda: _TYPE.plan(_request(spec, config)))
    return taken


def _outcome(package: Package) -> Outcome:
    spec = _TYPE.parse(package)
    remarks = _TYPE.validate(spec)
    schema = _TYPE.config_schema(spec)
    config: JsonObject = with_defaults({}, schema)
    found = violations(config, schema)
    outcome = Outcome(
        dialect=spec.dialect,
        asks_for=tuple(finding.pointer for finding in found),
        remarks=tuple(finding.code for finding in remarks),
    )
    if wrong := [finding for finding in found if finding.code not in _MISSING]:
        return attrs.evolve(outcome, code=wrong[0].code, reason=_words(wrong[0]))
    config = _completed(config, found, schema)
    documents = _TYPE.documents(spec, config)
    if wrong := [*errors_in(remarks), *errors_in(documents.findings)]:
        return _objected(outcome, wrong[0])
    try:
        _TYPE.plan(_request(spec, config))
    except PlanRefusedError as ex:
        return _objected(outcome, errors_in(ex.findings)[0])
    return outcome


def _objected(outcome: Outcome, finding: Finding) -> Outcome:
    return attrs.evolve(outcome, objection=finding.code, objection_reason=_words(finding))


def _words(finding: Finding) -> str:
    return f"{finding.file or ''}: {finding.pointer or '/'}: {finding.message}".removeprefix(": ")


def _completed(config: JsonObject, missing: list[Finding], schema: JsonObject) -> JsonObject:
    """Give what has to be given; a missing member is named by its own pointer."""
    completed: dict[str, Any] = _copy(config)
    for finding in missing:
        *groups, key = (
            part.replace("~1", "/").replace("~0", "~") for part in finding.pointer.split("/")[1:]
        )
        inner = completed
        part: Any = schema
        for group in groups:
            inner, part = inner.setdefault(group, {}), part["properties"][group]
        inner[key] = _sample(part["properties"][key])
    return completed


def _sample(part: JsonObject) -> Any:
    if part.get("enum"):
        return part["enum"][0]
    kind = part.get("type", "")
    if not isinstance(kind, str):  # an access key: its id, or all of it
        return _SAMPLE
    least = part.get("minimum", 1)
    return {"integer": least, "number": least, "boolean": False, "array": []}.get(kind, _SAMPLE)


def _copy(value: Any) -> Any:
    """Return JSON that can be changed."""
    if isinstance(value, Mapping):
        return {key: _copy(member) for key, member in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _request(spec: Any, config: JsonObject) -> PlanRequest:
    return PlanRequest(
        action=Action.CREATE,
        cluster_id="cl-bench",
        name="bench",
        spec=spec,
        config=config,
        runtime=_RUNTIME,
        current=None,
        offers=_OFFERS,
    )
