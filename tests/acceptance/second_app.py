"""An application that is not in the repository's examples: web servers that know one another, and
another cluster of theirs.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

PASSWORD: Final = "planted-secret-7f3a"

_START: Final = """#!/bin/sh
cd "${PITRIX_ROOT:-}/data" || exit 1
setsid python3 -m http.server --bind "$PITRIX_ADDRESS" 8080 > http.log 2>&1 < /dev/null &
echo $! > pid
"""

#: A server that is gone is started again within seconds.
_SUPERVISION: Final = {
    "health_check": {
        "enable": True,
        "check_cmd": "kill -0 $(cat ${PITRIX_ROOT:-}/data/pid)",
        "action_cmd": "${PITRIX_ROOT:-}/opt/hello/start.sh",
        "interval_sec": 1,
        "timeout_sec": 10,
        "healthy_threshold": 1,
        "unhealthy_threshold": 1,
    },
    "monitor": {
        "enable": True,
        "cmd": """printf '{"peers": %d}' $(wc -l < ${PITRIX_ROOT:-}/data/peers)""",
        "items": {"peers": {"unit": "servers"}},
    },
}
_TABS: Final = {
    "Addresses": {
        "cmd": """printf '{"labels": ["address"], "data": [["%s"]]}' $PITRIX_ADDRESS""",
        "roles_to_execute_on": ["web"],
    }
}

_RESOURCE: Final = """[template]
src = "{name}.tmpl"
dest = "/data/{name}"
keys = ["/"]
"""

_TEMPLATE: Final = '{{range gets "/self/hosts/web/*/ip"}}{{.Value}}\n{{end}}'

#: What is known of the cluster that this one is linked to, if it is.
_LINKED_TEMPLATE: Final = (
    '{{range gets "/self/links/other/hosts/web/*/ip"}}{{.Value}}\n{{end}}'
    '{{getv "/self/links/other/env/web/password" "none"}}\n'
)
_TEMPLATES: Final = {"peers": _TEMPLATE, "linked": _LINKED_TEMPLATE}


def to_appcenter(package: Path, images: Path) -> None:
    """Write a package and its image again, in AppCenter's dialect."""
    template = package / "cluster.json.tmpl"
    text = re.sub(r'"\{\{\.([^}]*)\}\}"', r"{{\1}}", template.read_text())
    template.unlink()
    (package / "cluster.json.mustache").write_text(text)
    for name, written in _TEMPLATES.items():  # keys below /self are written without it
        file = images / f"hello/etc/confd/templates/{name}.tmpl"
        file.write_text(written.replace("/self/", "/"))


def write_package(folder: Path, *, name: str = "hello") -> Path:
    """Write the package's folder, and return it."""
    package = folder / name
    package.mkdir(parents=True)
    info = {"api_version": "v1", "name": name, "version": "0.1.0", "description": "Web servers"}
    (package / "package.json").write_text(json.dumps(info))
    (package / "config.json").write_text(json.dumps(_form()))
    (package / "cluster.json.tmpl").write_text(_cluster())
    return package


def write_image(folder: Path) -> None:
    """Write the image ``hello`` into a folder of images."""
    root = folder / "hello"
    files = {"opt/hello/start.sh": _START}
    for name, template in _TEMPLATES.items():
        files[f"etc/confd/conf.d/{name}.toml"] = _RESOURCE.format(name=name)
        files[f"etc/confd/templates/{name}.tmpl"] = template
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / "opt/hello/start.sh").chmod(0o755)


def _form() -> dict[str, Any]:
    return _group(
        "",
        _group(
            "cluster",
            _leaf("name", "string", "hello"),
            _leaf("description", "string", ""),
            _leaf("subnet", "string", ""),
            _leaf("other", "service", "", limits={"hello": []}),
            _group(
                "web",
                _leaf("count", "integer", 2, min=1, max=5),
                _leaf("cpu", "integer", 1, range=[1, 2]),
                _leaf("memory", "integer", 1024),
                _leaf("volume_size", "integer", 10, step=10),
            ),
        ),
        _group("env", _group("web", _leaf("password", "password", "changeme-now"))),
    )


def _group(key: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "description": key, "type": "array", "properties": list(members)}


def _leaf(key: str, kind: str, default: object, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": key, "type": kind, "default": default, "required": False, **more}


def _cluster() -> str:
    node = {
        "role": "web",
        "container": {"type": "kvm", "image": {"aws": {"us-east-1": "ami-1"}, "local": "hello"}},
        "count": "{{.cluster.web.count}}",
        "cpu": "{{.cluster.web.cpu}}",
        "memory": "{{.cluster.web.memory}}",
        "volume": {"size": "{{.cluster.web.volume_size}}", "mount_point": "/data"},
        "env": {"password": "{{.env.web.password}}"},
        **_SUPERVISION,
        "services": {
            "start": {"cmd": "${PITRIX_ROOT:-}/opt/hello/start.sh"},
            "stop": {"cmd": "kill $(cat ${PITRIX_ROOT:-}/data/pid)"},
        },
    }
    names = {name: f"{{{{.cluster.{name}}}}}" for name in ("name", "description", "subnet")}
    links = {"other": "{{.cluster.other}}"}
    endpoints = {"http": {"port": 8080}}
    more = {"links": links, "endpoints": endpoints, "display_tabs": _TABS}
    return json.dumps({**names, "nodes": [node], **more})
