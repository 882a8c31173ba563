"""An application for the lab: what runs on its nodes is noted down in one ledger."""

import json
from pathlib import Path
from typing import Any, Final

#: What a node runs in its life; each has to be there once.
SERVICES: Final = ("init", "start", "stop", "destroy")
_RESOURCE: Final = """[template]
src = "peers.tmpl"
dest = "/opt/peers"
keys = ["/"]
"""
_TEMPLATE: Final = '{{range gets "/self/hosts/web/*/ip"}}{{.Value}}\n{{end}}'
#: A service takes a moment, so that it may be cut off in the middle.
_COMMAND: Final = 'echo "{name} $PITRIX_INSTANCE" >> {ledger}; sleep 0.3'


def write_package(folder: Path, *, image: str, ledger: Path) -> Path:
    """Write the package's folder, and return it.

    :param ledger: file that commands append a line to: their service and their machine.
    """
    package = folder / "noted"
    package.mkdir(parents=True)
    info = {"api_version": "v1", "name": "noted", "version": "0.1.0", "description": "Notes it all"}
    (package / "package.json").write_text(json.dumps(info))
    (package / "config.json").write_text(json.dumps(_form()))
    (package / "cluster.json.tmpl").write_text(_cluster(image, ledger))
    return package


def write_image(root: Path) -> None:
    """Write the root folder of a node."""
    for path, text in {"conf.d/peers.toml": _RESOURCE, "templates/peers.tmpl": _TEMPLATE}.items():
        file = root / "etc/confd" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / "opt").mkdir()


def _form() -> dict[str, Any]:
    names = (_leaf(name, "string", "") for name in ("name", "description", "subnet"))
    web = _group("web", _leaf("count", "integer", 3, min=1, max=5))
    return _group("", _group("cluster", *names, web))


def _group(key: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "description": key, "type": "array", "properties": list(members)}


def _leaf(key: str, kind: str, default: object, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": key, "type": kind, "default": default, "required": False, **more}


def _cluster(image: str, ledger: Path) -> str:
    node = {
        "role": "web",
        "container": {"type": "kvm", "image": image},
        "count": "{{.cluster.web.count}}",
        "cpu": 1,
        "memory": 1024,
        "services": {
            name: {"cmd": _COMMAND.format(name=name, ledger=ledger), "timeout": 60}
            for name in SERVICES
        },
    }
    names = {name: f"{{{{.cluster.{name}}}}}" for name in ("name", "description", "subnet")}
    return json.dumps({**names, "nodes": [node]})
