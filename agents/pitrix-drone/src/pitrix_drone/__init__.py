"""The agent in every machine of a cluster: renders configuration, runs commands, reports.

What belongs here: everything that runs inside the machine, on the standard library alone, and the
small etcd client the Frontgate shares. What does not: anything of the core, and any dependency
that could not live in one zip file of pure Python.
"""

from __future__ import annotations

from typing import Final

#: Kept equal to the version in pyproject.toml by a test; a zipapp has no distribution metadata.
__version__: Final = "0.1.0"
