"""Asks Helm's own library, in a process of its own: ``helm_worker.py VERB ARGUMENT…``; prints JSON.

The library is Go's: it starts threads of its own, which a test process should not have.
"""

import json
import sys
from pathlib import Path

import helm_python
from helm_python import registry


def chart(folder: str, name: str, version: str) -> str:
    """Make a chart, and pack it; return the archive's path."""
    helm_python.Chart.create(name, folder)
    path = Path(folder, name)
    return str(helm_python.package(path, destination=folder, version=version))


def index(url: str) -> object:
    """Read a repo's index as Helm does."""
    return registry.repo_index(url)["entries"]


def pull(reference: str, version: str, folder: str, url: str) -> list[str]:
    """Fetch a chart; return the names of what is in the folder then."""
    registry.pull(
        reference, version=version, destination=folder, repo_url=url or None, plain_http=True
    )
    return sorted(path.name for path in Path(folder).iterdir())


def push(archive: str, remote: str) -> object:
    """Put a chart into a registry."""
    return registry.push(archive, remote, plain_http=True)


def list_folder(folder: str) -> object:
    """Write a folder's index as Helm does."""
    return registry.repo_index_generate(folder)["entries"]


if __name__ == "__main__":
    verbs = {each.__name__: each for each in (chart, index, pull, push, list_folder)}
    print(json.dumps(verbs[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
