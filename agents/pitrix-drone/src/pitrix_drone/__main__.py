"""Lets ``python -m pitrix_drone`` do what the zipapp does."""

import sys

from pitrix_drone.cli import main

sys.exit(main(sys.argv[1:]))
