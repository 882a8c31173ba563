"""A stand-in for docker, and what it sees: a registry, images and containers."""

from __future__ import annotations

import pathlib
import shutil
from typing import Any, Final

IMAGE: Final = "docker.io/example/web:1"
#: What the image of these tests is configured by.
RESOURCE: Final = """
[template]
src = "web.tmpl"
dest = "/etc/web.conf"
mode = "0640"
reload_cmd = "echo reloaded with $(cat etc/web.conf) >> reloads"
"""


class Docker:
    """The world of the stand-in."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Put the programs into the folder ``programs``, to be found before all others."""
        self.folder = folder / "world"
        self.programs = folder / "programs"
        for name in ("registry", "images", "containers"):
            (self.folder / name).mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(
            pathlib.Path(__file__).with_name("docker_stand_in.sh"), self.programs / "docker"
        )
        (self.programs / "podman").write_text("#!/bin/sh\necho no podman; exit 125\n")
        for program in self.programs.iterdir():
            program.chmod(0o755)

    def add_image(self, name: str = IMAGE, *, number: int = 1, where: str = "registry") -> Any:
        """Offer an image, and return the folder of its files."""
        image = self.folder / where / name.replace("/", "_").replace(":", "_")
        (image / "root/etc").mkdir(parents=True)
        (image / "id").write_text(f"sha256:{number:064d}\n")
        return image / "root"

    def configure_by_files(self, root: Any, template: str = '{{getv "/env/colour"}}') -> None:
        """Give an image a resource."""
        for folder in ("conf.d", "templates"):
            (root / "etc/confd" / folder).mkdir(parents=True)
        (root / "etc/confd/conf.d/web.toml").write_text(RESOURCE)
        (root / "etc/confd/templates/web.tmpl").write_text(template)

    @property
    def container(self) -> pathlib.Path:
        """The node's container."""
        return self.folder / "containers/pitrix-cln-1"

    def calls(self) -> list[str]:
        """Return what was called since the last time."""
        calls = self.folder / "calls"
        found = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return found
