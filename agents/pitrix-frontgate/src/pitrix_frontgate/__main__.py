"""Lets ``python3 -m pitrix_frontgate`` and the zipapp start the command line."""

import sys

from pitrix_frontgate.cli import main

if __name__ == "__main__":
    sys.exit(main())
