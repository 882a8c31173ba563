"""Shares the world of the services' tests: their store, their app type, their packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
