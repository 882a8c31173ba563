"""The least there is to do for a package, and what a Mustache library makes of its template."""

import contextlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from pitrix_core.model import JsonObject
from pitrix_core.package import Package
from pitrix_core.service.defaults import with_defaults
from pitrix_vm.apptype import VmAppType

_TYPE = VmAppType()


@attrs.frozen(kw_only=True)
class Peer:
    """Medians in milliseconds of a processor, a package."""

    #: Parsing config.json and the filled text, and nothing else.
    ideal_ms: float
    name: str
    #: None where the library is not installed.
    peer_ms: float | None = None
    #: Packages whose template becomes JSON.
    sound: int | None = None


def measure(packages: Sequence[Package]) -> Peer:
    """Take every package that way."""
    ideals = [_ideal_ms(package) for package in packages]
    ideal_ms = round(statistics.median(ideals), 3) if ideals else 0.0
    try:
        import chevron  # noqa: PLC0415  # only here
    except ImportError:
        return Peer(ideal_ms=ideal_ms, name="not installed (pip install chevron)")
    tries = [_try(package, chevron.render) for package in packages]
    return Peer(
        ideal_ms=ideal_ms,
        name="chevron",
        peer_ms=round(statistics.median(ms for ms, _ in tries), 3) if tries else 0.0,
        sound=sum(is_json for _, is_json in tries),
    )


def _ideal_ms(package: Package) -> float:
    spec = _TYPE.parse(package)
    filled = json.dumps(dict(_TYPE.documents(spec, _defaults(package)).files))
    form = package.read_text("config.json")
    began = time.process_time()
    with contextlib.suppress(ValueError):  # its commas may be wrong; the attempt is what is timed
        json.loads(form)
    json.loads(filled)
    return (time.process_time() - began) * 1000


def _try(package: Package, render: Callable[[str, Any], str]) -> tuple[float, bool]:
    template = next(name for name in package.files if name.startswith("cluster.json."))
    text = package.read_text(template)
    values = _encoded(_defaults(package))
    began = time.process_time()
    try:
        json.loads(render(text, values))
        is_json = True
    except Exception:  # noqa: BLE001  whatever the library makes of it
        is_json = False
    return (time.process_time() - began) * 1000, is_json


def _defaults(package: Package) -> JsonObject:
    return with_defaults({}, _TYPE.config_schema(_TYPE.parse(package)))


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encoded(member) for key, member in value.items()}
    return json.dumps(value)
