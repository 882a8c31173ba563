"""The command line: ``run``, ``check``, ``etcd``, ``status``, ``version``."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pitrix_drone.etcd import EtcdError
from pitrix_frontgate import __version__, config, gate, status
from pitrix_frontgate.errors import FrontgateError
from pitrix_frontgate.etcd_binary import find_etcd


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    :param arguments: those of the process by default.
    :returns: the exit code: 0, or 1 after an error, which is on standard error.
    """
    chosen = _parser().parse_args(arguments)
    places = config.places(os.environ)
    try:
        if chosen.command == "run":
            _run(places, chosen.config or places.config)
        elif chosen.command == "check":
            config.load(chosen.config or places.config)
        elif chosen.command == "etcd":
            throw_away = config.load(chosen.config or places.config).throw_away
            _print(find_etcd(throw_away=throw_away).path)
        elif chosen.command == "status":
            found = status.collect(places)
            _print(json.dumps(found, indent=2) if chosen.json else status.told(found))
        else:
            _print(__version__)
    except (FrontgateError, EtcdError, OSError) as ex:
        sys.stderr.write(f"frontgate: {ex}\n")
        return 1
    return 0


def _run(places: config.Places, path: Path) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("websockets").setLevel(logging.WARNING)
    gate.run(config.load(path), places, address=config.own_address(os.environ))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frontgate", description="The gate of a private network to pitrix."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run in the foreground until SIGTERM")
    run.add_argument("--config", type=Path, help="default: $PITRIX_ROOT/etc/pitrix/frontgate.json")
    check = commands.add_parser("check", help="say whether this Frontgate takes a configuration")
    check.add_argument("--config", type=Path, help="default: as for run")
    etcd = commands.add_parser("etcd", help="print where the etcd is that would be run")
    etcd.add_argument("--config", type=Path, help="default: as for run")
    told = commands.add_parser("status", help="tell what the running Frontgate holds")
    told.add_argument("--json", action="store_true", help="as JSON")
    commands.add_parser("version", help="print the version")
    return parser
