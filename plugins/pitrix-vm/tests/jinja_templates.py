"""Templates with logic for tests, and the values they are filled in with."""

from typing import Any, Final

from pitrix_vm.template import Filled, Secret, Template, Values, fill, read_template

#: Values as a form gives them.
TREE: Final = {
    "cluster": {"name": "shop", "db": {"count": 3}, "zones": ["b", "a"]},
    "env": {
        "log.level": "info",
        "items": 7,
        "ratio": 0.5,
        "flag": True,
        "none": None,
        "list": "x,y",
        "password": Secret({"$secret": "sec-1"}),
        "key": {"id": "k", "secret": {"$secret": "sec-2"}},
    },
}


def template(text: str, **names: Any) -> Template:
    """Return a template with logic.

    :param names: what plugins add.
    """
    return read_template(text, file="cluster.json.j2", names=names)


def filled(text: str, **names: Any) -> Filled:
    """Return what a template gives."""
    return fill(template(text, **names), Values(tree=TREE))


def document(text: str, **names: Any) -> object:
    """Return the document a template gives."""
    return filled(text, **names).document
