"""``python -m bench NAME``: measures, and prints where the time goes beside the least possible."""

import argparse
import importlib
import json
import sys

from bench.results import MeasurementError

_NAMES = (
    "agents",
    "catalog",
    "crash",
    "demo",
    "engine",
    "index",
    "load",
    "packages",
    "takeover",
    "usage",
)


def main() -> int:
    """Run one measurement.

    :returns: the exit code: 1 where something was found that must not be, or nothing was measured.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=_NAMES, metavar="NAME", help=", ".join(_NAMES))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="what NAME asks for: NAME --help")
    typed = parser.parse_args()
    # NOTE(imports): only what is asked for; what others measure need not be installed
    bench = importlib.import_module(f"bench.{typed.name}")
    own = argparse.ArgumentParser(prog=f"python -m bench {typed.name}", description=bench.__doc__)
    bench.add_arguments(own)
    own.add_argument("--json", action="store_true", help="one object on the last line")
    asked = own.parse_args(typed.rest)
    try:
        result = bench.measure(asked)
    except MeasurementError as ex:
        sys.stderr.write(f"Error: {ex}\n")
        if asked.json:
            print(json.dumps({"error": str(ex)}))
        return 1
    print(json.dumps(bench.to_json(result)) if asked.json else bench.table(result))
    is_sound = getattr(bench, "is_sound", None)  # of those that look for what must not be
    return 0 if is_sound is None or is_sound(result) else 1


if __name__ == "__main__":
    sys.exit(main())
