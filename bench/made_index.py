"""A large repository index, as Helm writes them: made, so that everybody measures the same."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SEED: Final = 2026
#: Versions of one app. Source: bitnami's index of 2023 lists 17,000 versions of 130 charts.
_VERSIONS: Final = 100
_ENTRY: Final = """\
  - annotations:
      category: Database
      images: |
        - name: {name}
          image: docker.io/acme/{name}:{version}-debian-12-r{number}
        - name: exporter
          image: docker.io/acme/{name}-exporter:{version}-debian-12-r{number}
    apiVersion: v2
    appVersion: {version}
    created: "2026-01-{day:02d}T10:42:06.796876-04:00"
    dependencies:
    - name: common
      repository: https://charts.example.org/common
      tags:
      - acme-common
      version: 1.x.x
    description: {name} does what things of this kind do, and its description goes on
      for a second line as those of real charts do.
    digest: {digest}
    home: https://example.org/{name}
    icon: https://example.org/{name}/assets/stacks/{name}/img/{name}-stack-220x234.png
    keywords:
    - {name}
    - database
    - sql
    maintainers:
    - email: someone@example.org
      name: Some One
    name: {name}
    sources:
    - https://example.org/containers/tree/main/acme/{name}
    urls:
    - https://charts.example.org/{name}-{version}.tgz
    version: {version}
"""


def write(path: Path, *, entries: int, changed: int = 0) -> int:
    """Write an index of so many versions; return its size in bytes.

    :param changed: how many apps have one version more at their top.
    """
    with path.open("w", encoding="utf-8") as file:
        file.write("apiVersion: v1\nentries:\n")
        file.writelines(_apps(entries, changed))
        file.write(f'generated: "2026-01-01T00:00:0{min(changed, 9)}Z"\n')
    return path.stat().st_size


def _apps(entries: int, changed: int) -> Iterator[str]:
    chance = random.Random(_SEED)  # noqa: S311  the same index every time
    for app in range((entries + _VERSIONS - 1) // _VERSIONS):
        name = f"app-{app:04d}-{chance.choice(('server', 'operator', 'db'))}"
        count = min(_VERSIONS, entries - app * _VERSIONS)
        yield f"  {name}:\n"
        for number in reversed(range(count + (app < changed))):
            yield _entry(name, number)


def _entry(name: str, number: int) -> str:
    version = f"{number // 10}.{number % 10}.0"
    return _ENTRY.format(
        name=name,
        version=version,
        number=number,
        day=1 + number % 28,
        digest=hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
    )
