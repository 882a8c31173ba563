"""How many real packages of virtual machines can be read, and how fast.

Every package below a folder is read, validated with its defaults filled in, rendered and planned.
Beside it: the least there is to do (both JSON texts parsed, the rendered one from memory), and a
Mustache library that is given the same values in JSON. Then, on one core, as many packages as make
a thousand; and mutated ones, of which none may crash.
"""

import argparse
import collections
import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from bench import package_peer
from bench.package_steps import Outcome, outcome_of, steps_of
from bench.results import MeasurementError
from pitrix_core.errors import PitrixError
from pitrix_core.package import Package, read_archive

_TEMPLATES: Final = "cluster.json.*"
_ARCHIVES: Final = ("*.tgz", "*.tar.gz", "*.zip")
_UNNAMED: Final = b'{"name": "unnamed", "version": "0.0.0"}'
_THOUSAND: Final = 1000
_SEED: Final = 2026


@attrs.frozen(kw_only=True)
class Result:
    """What was measured; times in milliseconds of one core."""

    folder: str
    packages: int
    #: Read, valid with their defaults, rendered, parsed.
    sound: int
    #: Sound, and nothing keeps a server from offering and planning them.
    deployable: int
    #: Deployable, and nothing has to be given by the user.
    deployable_as_they_are: int
    #: Code of what keeps a sound package from being deployed → packages.
    objections: Mapping[str, int]
    #: Code of the first error → packages.
    refused: Mapping[str, int]
    #: Package → what is wrong with it.
    reasons: Mapping[str, str]
    #: Package → what was raised that is no error of ours.
    crashes: Mapping[str, str]
    dialects: Mapping[str, int]
    #: Code of a remark → how often.
    remarks: Mapping[str, int]
    package_ms: Mapping[str, float]
    step_ms: Mapping[str, float]
    thousand_s: float
    ideal_ms: float
    peer: str
    peer_ms: float | None
    #: Packages that the peer's text is JSON of.
    peer_sound: int | None
    mutated: int
    mutated_crashes: Mapping[str, str]
    peak_mib: float

    @property
    def share(self) -> float:
        """Share of packages that are sound."""
        return self.sound / self.packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="DIR",
        type=Path,
        help="folder of packages, at any depth: folders and archives; otherwise "
        "$PITRIX_SHARED/corpus, or the examples",
    )
    parser.add_argument(
        "--mutated", type=int, default=500, metavar="N", help="mutated packages to try"
    )


def measure(typed: argparse.Namespace) -> Result:
    """Read every package below the folder.

    :raises MeasurementError: there is none.
    """
    folder = typed.folder or _usual_folder()
    found = dict(_packages(folder))
    if not found:
        raise MeasurementError(f"{folder}: there is no package below it")
    outcomes = {name: outcome_of(package) for name, package in found.items()}
    usable = [found[name] for name, outcome in outcomes.items() if _is_deployable(outcome)]
    steps = [steps_of(package) for package in usable]
    totals = [sum(step.values()) for step in steps]
    peer = package_peer.measure(usable)
    mutated = {
        f"{number} of {name}": outcome
        for number, name, package in _mutations(found, typed.mutated)
        if (outcome := outcome_of(package).crash)
    }
    return Result(
        folder=str(folder),
        packages=len(found),
        sound=sum(o.is_sound for o in outcomes.values()),
        deployable=sum(_is_deployable(o) for o in outcomes.values()),
        deployable_as_they_are=sum(_is_deployable(o) and not o.asks_for for o in outcomes.values()),
        objections=_counted(o.objection for o in outcomes.values() if o.objection),
        refused=_counted(o.code for o in outcomes.values() if o.code),
        reasons={
            name: o.reason or o.objection_reason
            for name, o in outcomes.items()
            if o.reason or o.objection_reason
        },
        crashes={name: o.crash for name, o in outcomes.items() if o.crash},
        dialects=_counted(o.dialect for o in outcomes.values() if o.dialect),
        remarks=_counted(code for o in outcomes.values() for code in o.remarks),
        package_ms=_spread(totals),
        step_ms=_medians(steps),
        thousand_s=round(_thousand_s(usable), 2) if usable else 0.0,
        ideal_ms=peer.ideal_ms,
        peer=peer.name,
        peer_ms=peer.peer_ms,
        peer_sound=peer.sound,
        mutated=typed.mutated,
        mutated_crashes=mutated,
        peak_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    return {**attrs.asdict(result), "share": round(result.share, 5)}


def table(result: Result) -> str:
    """Return the result for people."""
    lines = [
        f"{result.packages} packages below {result.folder}",
        f"{'sound':<34}{result.sound:6}  {result.share:8.2%}",
        f"{'  can be deployed':<34}{result.deployable:6}",
        f"{'    nothing has to be filled in':<34}{result.deployable_as_they_are:6}",
        f"{'crashed':<34}{len(result.crashes):6}",
        *(f"  refused: {code:<23}{count:6}" for code, count in result.refused.items()),
        *(f"  objected to: {code:<19}{count:6}" for code, count in result.objections.items()),
        *(f"  dialect: {name:<23}{count:6}" for name, count in result.dialects.items()),
        *(f"    {name}: {reason}" for name, reason in result.reasons.items()),
        *(f"    {name}: {crash}" for name, crash in result.crashes.items()),
        "",
        "milliseconds a package, one core",
        *(f"  {name:<30}{value:10.2f}" for name, value in result.package_ms.items()),
        *(f"    {name:<28}{value:10.2f}" for name, value in result.step_ms.items()),
        f"  {'ideal: parse both JSON texts':<30}{result.ideal_ms:10.2f}",
        _peer_line(result),
        f"{'1,000 packages':<32}{result.thousand_s:10.2f} s",
        f"{'peak memory':<32}{result.peak_mib:10.1f} MiB",
        f"{'crashed of the mutated ones':<32}{len(result.mutated_crashes):10} of {result.mutated}",
        *(f"    {name}: {crash}" for name, crash in result.mutated_crashes.items()),
    ]
    return "\n".join(lines)


def _peer_line(result: Result) -> str:
    if result.peer_ms is None:
        return f"  peer: {result.peer}"
    about = f"peer: {result.peer} + json"
    return f"  {about:<30}{result.peer_ms:10.2f}   JSON comes of {result.peer_sound} packages"


def _is_deployable(outcome: Outcome) -> bool:
    return outcome.is_sound and not outcome.objection


def _usual_folder() -> Path:
    shared = os.environ.get("PITRIX_SHARED")
    return Path(shared) / "corpus" if shared else Path("examples/packages")


def _packages(folder: Path) -> Iterator[tuple[str, Package]]:
    """Return every package below a folder, by its path; those without a name get one."""
    tops = {path.parent for path in folder.rglob(_TEMPLATES) if path.is_file()}
    for top in sorted(tops):
        if (top / "config.json").is_file():
            files = {
                path.relative_to(top).as_posix(): path.read_bytes()
                for path in sorted(top.rglob("*"))
                if path.is_file()
            }
            yield str(top.relative_to(folder)), _named(files)
    for archive in sorted(path for kind in _ARCHIVES for path in folder.rglob(kind)):
        try:
            package = read_archive(archive.read_bytes())
        except PitrixError:
            continue  # NOTE(archives): of other kinds, too; what is no archive is no package
        if package.index.has("config.json"):
            yield str(archive.relative_to(folder)), _named(package.files)


def _named(files: Mapping[str, bytes]) -> Package:
    return Package(digest="", files={"package.json": _UNNAMED, **files})


def _mutations(packages: Mapping[str, Package], number: int) -> Iterator[tuple[int, str, Package]]:
    chance = random.Random(_SEED)  # noqa: S311  the same mutations every time
    names = sorted(packages)
    for count in range(number):
        name = chance.choice(names)
        files = dict(packages[name].files)
        path = chance.choice(sorted(files))
        files[path] = _mutated(files[path], chance)
        yield count, name, Package(digest="", files=files)


def _mutated(content: bytes, chance: random.Random) -> bytes:
    """Return a file with a few pieces of it copied, cut out or overwritten."""
    broken = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(broken) + 1)
        piece = bytes(broken[start : start + chance.randint(1, 40)])
        at = chance.randrange(len(broken) + 1)
        pieces = (piece, b"", b"null", b'"x"', b"-1", b"{{", b"1e999", b"\xff", b"[[[[")
        broken[at : at + chance.choice((0, len(piece), 3))] = chance.choice(pieces)
    return bytes(broken)


def _thousand_s(packages: list[Package]) -> float:
    began = time.process_time()
    for number in range(_THOUSAND):
        outcome_of(packages[number % len(packages)])
    return time.process_time() - began


def _counted(codes: Any) -> dict[str, int]:
    return dict(collections.Counter(codes).most_common())


def _medians(steps: list[Mapping[str, float]]) -> dict[str, float]:
    names = steps[0] if steps else ()
    return {name: round(statistics.median(step[name] for step in steps), 3) for name in names}


def _spread(totals: list[float]) -> dict[str, float]:
    if not totals:
        return {}
    ordered = sorted(totals)
    parts: Mapping[str, Callable[[list[float]], float]] = {
        "median": statistics.median,
        "95th percentile": lambda values: values[min(len(values) - 1, len(values) * 95 // 100)],
        "longest": max,
    }
    return {name: round(part(ordered), 3) for name, part in parts.items()}
