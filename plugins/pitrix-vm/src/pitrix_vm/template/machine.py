"""Works out a template with logic: from its syntax tree and values to pieces of text.

A template can reach nothing but the values it is given: names are looked up in them, members in
objects, and nothing else is ever looked up. Whatever it does is paid for before it is done
(:mod:`pitrix_vm.template.fuel`), so it ends, and what it makes stays small.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from jinja2 import nodes

from pitrix_vm.template.expressions import Expressions
from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.records import Piece, TemplateFaultError
from pitrix_vm.template.values import Value, encoded, items, kind_of, truth

_ESCAPED: Final = re.compile(r"\\.", re.DOTALL)


def run(
    tree: nodes.Template, *, names: Mapping[str, Any], values: Mapping[str, Any], fuel: Fuel
) -> list[Piece]:
    """Return what a template gives.

    :param tree: with nothing in it that is not allowed.
    :param names: values and functions of plugins.
    :param values: of the form, as nested objects; they win over the names of plugins.
    :raises TemplateFaultError: it cannot be worked out.
    """
    expressions = Expressions(names=names, values=values, fuel=fuel)
    machine = _Machine(expressions, fuel)
    try:
        machine.body(tree.body)
    except TemplateFaultError as ex:
        if ex.offset is None:
            ex.offset = expressions.offset
        raise
    except RecursionError as ex:
        raise TemplateFaultError(
            "nested too deeply", code="template.limit", offset=expressions.offset
        ) from ex
    return machine.pieces


class _Machine:
    """Carries out statements; which ones there are is said at the end."""

    def __init__(self, expressions: Expressions, fuel: Fuel) -> None:
        self._expressions = expressions
        self._fuel = fuel
        self._is_in_text = False
        self.pieces: list[Piece] = []

    def body(self, statements: Iterable[nodes.Node]) -> None:
        for statement in statements:
            self._fuel.step()
            self._expressions.offset = statement.lineno
            if isinstance(statement, nodes.Output):
                self._output(statement)
            elif isinstance(statement, nodes.If):
                self._if(statement)
            elif isinstance(statement, nodes.For):
                self._for(statement)
            elif isinstance(statement, nodes.Assign):
                self._bind(statement.target, self._expressions.value(statement.node))

    def _output(self, node: nodes.Output) -> None:
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                self._data(part)
            else:
                self._value(part)

    def _data(self, node: nodes.TemplateData) -> None:
        self._fuel.text(len(node.data))
        if _ESCAPED.sub("", node.data).count('"') % 2:
            self._is_in_text = not self._is_in_text
        end = node.lineno + len(node.data)
        self.pieces.append(Piece(node.data, node.lineno, end, is_verbatim=True))

    def _value(self, node: nodes.Expr) -> None:
        if self._is_in_text:
            raise TemplateFaultError(
                "this stands inside a text, or the text before it has no closing quote",
                code="template.text",
                offset=node.lineno,
                next_step='Write the whole text as one value, as in {{ "a-" ~ cluster.name }}.',
            )
        value = self._expressions.value(node)
        # NOTE(blanks): without them two values side by side would be one
        written = f" {encoded(value, self._fuel)} "
        self.pieces.append(Piece(written, node.lineno, node.lineno))

    def _if(self, node: nodes.If) -> None:
        for case in (node, *node.elif_):
            if truth(self._expressions.value(case.test)):
                self.body(case.body)
                return
        self.body(node.else_)

    def _for(self, node: nodes.For) -> None:
        value = self._expressions.value(node.iter)
        found = list(value if kind_of(value) == "object" else items(value))
        self._fuel.step(len(found))
        if node.test is not None:
            found = [item for item in found if self._is_chosen(node, node.test, item)]
        for place, item in enumerate(found):
            with self._expressions.scope({"loop": _loop(place, len(found))}):
                self._bind(node.target, item)
                self.body(node.body)
        if not found:
            with self._expressions.scope({}):
                self.body(node.else_)

    def _is_chosen(self, node: nodes.For, test: nodes.Node, item: Value) -> bool:
        with self._expressions.scope({}):
            self._bind(node.target, item)
            return truth(self._expressions.value(test))

    def _bind(self, target: nodes.Node, value: Value) -> None:
        if isinstance(target, nodes.Name):
            self._expressions.bind(target.name, value)
        elif isinstance(target, nodes.Tuple | nodes.List):
            found = items(value)
            if len(found) != len(target.items):
                raise TemplateFaultError(
                    f"{len(found)} values cannot be taken as {len(target.items)} names",
                    code="template.value",
                    offset=target.lineno,
                )
            for each, item in zip(target.items, found, strict=True):
                self._bind(each, item)


def _loop(place: int, length: int) -> Mapping[str, Value]:
    """Return what a loop knows of itself. Source: Jinja's template designer documentation."""
    return {
        "index": place + 1,
        "index0": place,
        "revindex": length - place,
        "revindex0": length - place - 1,
        "first": place == 0,
        "last": place == length - 1,
        "length": length,
    }
