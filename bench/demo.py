"""Where the demo's time goes: medians over several runs, beside what cannot be avoided."""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from bench import bare_etcd
from bench.results import MeasurementError

#: In the order they happen; what else the demo reports comes after them.
_PARTS: Final = ("serve", "package", "register", "plan", "deploy", "prove", "cleanup", "total")
_LIMIT_S: Final = 300.0


@attrs.frozen(kw_only=True)
class Result:
    """What was measured; seconds, medians."""

    runs: int
    mode: str
    parts_s: Mapping[str, float]
    #: Task kind → from its first task's start to its last one's end.
    kinds_s: Mapping[str, float]
    #: A bare etcd cluster of three by the same binary.
    ideal_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("-n", type=int, default=3, help="how often; the medians are shown")
    parser.add_argument("--mode", choices=["auto", "namespace", "prefix"], default="auto")


def measure(typed: argparse.Namespace) -> Result:
    """Run the demo and a bare etcd in turn.

    :raises MeasurementError: a run failed.
    """
    runs, mode = typed.n, typed.mode
    if runs < 1:
        raise MeasurementError("-n: at least 1")
    answers: list[dict[str, Any]] = []
    ideals: list[float] = []
    for number in range(1, runs + 1):
        sys.stderr.write(f"run {number} of {runs}\n")
        try:
            ideals.append(bare_etcd.start_s())
        except (OSError, TimeoutError) as ex:
            raise MeasurementError(str(ex)) from ex
        answers.append(_run(mode))
    return Result(
        runs=runs,
        mode=answers[0]["mode"],
        parts_s=_medians([answer["timings_s"] for answer in answers]),
        kinds_s=_medians([answer["job"] for answer in answers]),
        ideal_s=round(statistics.median(ideals), 3),
    )


def to_json(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    return attrs.asdict(result)


def table(result: Result) -> str:
    """Return the result for people."""
    parts = {part: result.parts_s[part] for part in _PARTS if part in result.parts_s}
    lines = [f"pitrix demo, mode {result.mode}, medians of {result.runs}", ""]
    lines += [f"{part:<24}{seconds:8.2f} s" for part, seconds in parts.items()]
    lines += ["", "of the deployment (parts overlap)"]
    lines += [f"  {kind:<22}{seconds:8.2f} s" for kind, seconds in result.kinds_s.items()]
    ratio = result.parts_s.get("deploy", 0.0) / result.ideal_s
    lines += ["", f"{'three etcd by hand':<24}{result.ideal_s:8.2f} s"]
    lines.append(f"{'deploy / by hand':<24}{ratio:8.1f} x")
    return "\n".join(lines)


def _run(mode: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "pitrix_core.cli.main", "demo", "--json", "--mode", mode]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            out, err = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # it takes away what it made, and then ends
            out, err = process.communicate()
    try:
        answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        raise MeasurementError(err.strip() or "the demo said nothing") from None
    if answer["status"] != "ok":
        raise MeasurementError(str(answer["error"]))
    return answer


def _medians(samples: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {
        name: round(statistics.median(sample[name] for sample in samples if name in sample), 3)
        for name in samples[0]
    }
