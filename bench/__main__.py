"""``python -m bench NAME``: measures, and prints where the time goes beside the least possible."""

import argparse
import json
import sys

from bench import crash, demo, engine, load, packages, takeover
from bench.results import MeasurementError

_BENCHES = {
    "crash": crash,
    "demo": demo,
    "engine": engine,
    "load": load,
    "packages": packages,
    "takeover": takeover,
}


def main() -> int:
    """Run one measurement.

    :returns: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, bench in _BENCHES.items():
        about = (bench.__doc__ or "").partition("\n")[0]
        own = names.add_parser(name, help=about, description=bench.__doc__)
        bench.add_arguments(own)
        own.add_argument("--json", action="store_true", help="one object on the last line")
    typed = parser.parse_args()
    bench = _BENCHES[typed.name]
    try:
        result = bench.measure(typed)
    except MeasurementError as ex:
        sys.stderr.write(f"Error: {ex}\n")
        return 1
    print(json.dumps(bench.to_json(result)) if typed.json else bench.table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
