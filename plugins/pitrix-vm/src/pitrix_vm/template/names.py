"""Finds the parameters that a template with logic names, without working it out."""

from collections.abc import Iterator

import attrs
from jinja2 import nodes

#: Filters and tests after which a parameter need not be there.
_GUARDS = frozenset({"default", "d", "defined", "undefined"})


@attrs.frozen(kw_only=True)
class Reference:
    """A name and the members that are taken of it: ``env["log.level"]``."""

    #: Its parts joined with dots, as flat paths are.
    path: str
    root: str
    offset: int
    #: Whether the template gets along without it.
    is_guarded: bool


def references(tree: nodes.Template) -> Iterator[Reference]:
    """Return what a template refers to, in no order; as far as it is written down.

    A member that is only known when the template is worked out ends the path before it.
    """
    level: list[tuple[nodes.Node, bool]] = [(tree, False)]
    while level:
        node, is_guarded = level.pop()
        found = _reference(node, is_guarded)
        if found is not None:
            yield found
            level += [(part, False) for part in _unknown_parts(node)]
            continue
        guards = isinstance(node, nodes.Filter | nodes.Test) and node.name in _GUARDS
        level += [(child, guards) for child in node.iter_child_nodes()]


def bound_names(tree: nodes.Template) -> frozenset[str]:
    """Return the names a template sets itself, anywhere."""
    names = tree.find_all(nodes.Name)
    return frozenset(name.name for name in names if name.ctx != "load")


def _reference(node: nodes.Node, is_guarded: bool) -> Reference | None:
    parts: list[str] = []
    offset = node.lineno
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        part = _part(node)
        # NOTE(unknown): what follows an unknown member cannot be told
        parts = [part, *parts] if part is not None else []
        node = node.node
    if not isinstance(node, nodes.Name) or node.ctx != "load":
        return None
    path = ".".join([node.name, *parts])
    return Reference(path=path, root=node.name, offset=offset, is_guarded=is_guarded)


def _part(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.arg.value
    return None


def _unknown_parts(node: nodes.Node) -> Iterator[nodes.Node]:
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem) and _part(node) is None:
            yield node.arg
        node = node.node
