"""What the page for authors of packages shows is what is read.

It is beside this distribution in the repository only.
"""

import json
import re
from pathlib import Path

import pytest
from vm_packages import VM, config_json, group, leaf, package

PAGE = Path(__file__).parents[3] / "docs" / "packages.md"

pytestmark = pytest.mark.skipif(
    not PAGE.is_file(), reason="in a checkout, for its docs: cd plugins/pitrix-vm && pytest"
)


def shown(language: str) -> list[str]:
    """Return the page's blocks in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE
    )


def test_members_that_are_shown_are_known() -> None:
    """A parameter, services and images as they stand on the page are read without a remark."""
    parameter, services, images = map(json.loads, shown("json"))
    role = {
        "role": "etcd",
        "container": {"type": "kvm", **images},
        "count": "{{.cluster.etcd.count}}",
        "cpu": 1,
        "memory": 1024,
        "services": services,
    }
    texts = {key: f"{{{{.cluster.{key}}}}}" for key in ("name", "description", "subnet")}
    texts_form = [leaf(key, "string", default="") for key in texts]
    form = config_json(group("cluster", *texts_form, group("etcd", parameter)))

    spec = VM.parse(package({**texts, "nodes": [role]}, form=form))

    assert VM.validate(spec) == []
    assert spec.sample.roles[0].count == 3


def test_the_template_with_logic_that_is_shown_is_read() -> None:
    """It makes both of its roles."""
    [nodes] = shown("jinja")
    roles = [group(role, leaf("count", default=1)) for role in ("db", "web")]
    level = leaf("log.level", "string", default="info")
    form = config_json(group("cluster", *roles), group("env", level))

    spec = VM.parse(package("{" + nodes + "}", form=form, file="cluster.json.j2"))

    assert [(role.name, role.env) for role in spec.sample.roles] == [
        ("db", {"log.level": "info"}),
        ("web", {"log.level": "info"}),
    ]
