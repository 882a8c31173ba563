"""``python -m bench WHAT``: measures, and prints where the time goes beside the least possible."""

import argparse
import json
import sys

from bench import demo


def main() -> int:
    """Run one measurement.

    :returns: the exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=["demo"])
    parser.add_argument("-n", type=int, default=3, help="how often; the medians are shown")
    parser.add_argument("--mode", choices=["auto", "namespace", "prefix"], default="auto")
    parser.add_argument("--json", action="store_true", help="one object on the last line")
    typed = parser.parse_args()
    if typed.n < 1:
        parser.error("-n: at least 1")
    try:
        result = demo.measure(typed.n, mode=typed.mode)
    except demo.MeasurementError as ex:
        sys.stderr.write(f"Error: {ex}\n")
        return 1
    print(json.dumps(demo.to_json(result)) if typed.json else demo.table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
