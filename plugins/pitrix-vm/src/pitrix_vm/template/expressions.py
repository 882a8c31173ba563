"""Works out the expressions of templates with logic."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

from jinja2 import nodes

from pitrix_vm.template import operations
from pitrix_vm.template.filters import FILTERS
from pitrix_vm.template.fuel import Fuel
from pitrix_vm.template.predicates import TESTS
from pitrix_vm.template.records import TemplateFaultError
from pitrix_vm.template.values import (
    Missing,
    Value,
    integer,
    items,
    kind_of,
    members,
    number,
    plain,
    present,
    spelling,
    text,
    truth,
    value_fault,
    wrong_kind,
)

#: Filters and tests that may be given what is not there.
_LENIENT: Final = frozenset({"default", "d", "defined", "undefined"})


class Expressions:
    """The names that can be seen, and the values of expressions in them."""

    def __init__(self, *, names: Mapping[str, Any], values: Mapping[str, Any], fuel: Fuel) -> None:
        """Begin with the names of plugins and the values of the form."""
        self._fuel = fuel
        self._scopes: list[Mapping[str, Value]] = [{"range": self._range}, names, values]
        self._own: list[dict[str, Value]] = [{}]
        #: Where what was worked out last stands in the template.
        self.offset = 0

    @contextlib.contextmanager
    def scope(self, names: dict[str, Value]) -> Iterator[None]:
        """See some more names inside the block; those set there are gone after it."""
        self._own.append(names)
        yield
        self._own.pop()

    def bind(self, name: str, value: Value) -> None:
        """Give a name a value, as far as the innermost block."""
        self._own[-1][name] = value

    def value(self, node: nodes.Node) -> Value:
        """Return the value of an expression.

        :raises TemplateFaultError: there is none.
        """
        found = self._look(node)
        if isinstance(found, Missing):
            self.offset = node.lineno
        return present(found)

    def _look(self, node: nodes.Node) -> Value:
        """Return the value of an expression, or what says that there is none."""
        self._fuel.step()
        self.offset = node.lineno
        return self._EVALUATED[type(node)](self, node)

    # -- names and members -------------------------------------------------------------------------

    def _name(self, node: nodes.Name) -> Value:
        for scope in (*reversed(self._own), *reversed(self._scopes)):
            if node.name in scope:
                return scope[node.name]
        return Missing(
            reason=f"there is no {node.name!r} here",
            next_step="Set it before, or correct the name.",
            name=node.name,
            known=tuple(self._scopes[-1]),
        )

    def _attribute(self, node: nodes.Getattr) -> Value:
        whole = self._look(node.node)
        return whole if isinstance(whole, Missing) else _member(members(whole), node.attr)

    def _item(self, node: nodes.Getitem) -> Value:
        whole = self._look(node.node)
        if isinstance(whole, Missing):
            return whole
        if isinstance(node.arg, nodes.Slice):
            bounds = (node.arg.start, node.arg.stop, node.arg.step)
            parts = [None if bound is None else self.value(bound) for bound in bounds]
            return operations.sliced(whole, parts, self._fuel)
        key = self.value(node.arg)
        if kind_of(whole) != "list":
            return _member(members(whole), key)
        found, place = items(whole), integer(key)
        if -len(found) <= place < len(found):
            return found[place]
        return Missing(
            reason=f"the list has no item {place}",
            next_step=f"It has {len(found)} items, counted from 0.",
        )

    # -- literals ----------------------------------------------------------------------------------

    def _constant(self, node: nodes.Const) -> Value:
        if isinstance(node.value, str):
            self._fuel.text(len(node.value))
        return node.value

    def _list(self, node: nodes.List | nodes.Tuple) -> Value:
        return [self.value(item) for item in node.items]

    def _object(self, node: nodes.Dict) -> Value:
        return {text(self.value(pair.key)): self.value(pair.value) for pair in node.items}

    # -- operators ---------------------------------------------------------------------------------

    def _binary(self, node: nodes.BinExpr) -> Value:
        name = type(node).__name__.lower()
        return operations.calculate(name, self.value(node.left), self.value(node.right), self._fuel)

    def _negative(self, node: nodes.Neg) -> Value:
        return operations.negative(self.value(node.node))

    def _positive(self, node: nodes.Pos) -> Value:
        return number(self.value(node.node))

    def _not(self, node: nodes.Not) -> Value:
        return not truth(self.value(node.node))

    def _and(self, node: nodes.And) -> Value:
        left = self.value(node.left)
        return self.value(node.right) if truth(left) else left

    def _or(self, node: nodes.Or) -> Value:
        left = self.value(node.left)
        return left if truth(left) else self.value(node.right)

    def _condition(self, node: nodes.CondExpr) -> Value:
        if truth(self.value(node.test)):
            return self._look(node.expr1)
        if node.expr2 is not None:
            return self._look(node.expr2)
        return Missing(
            reason="this has no value if its condition does not hold", next_step="Add an else."
        )

    def _concatenated(self, node: nodes.Concat) -> Value:
        return "".join([spelling(self.value(part), self._fuel) for part in node.nodes])

    def _compared(self, node: nodes.Compare) -> Value:
        left = self.value(node.expr)
        for operand in node.ops:
            right = self.value(operand.expr)
            if not operations.compare(operand.op, left, right, self._fuel):
                return False
            left = right
        return True

    # -- filters, tests, functions -----------------------------------------------------------------

    def _filtered(self, node: nodes.Filter) -> Value:
        return self._applied(node, node.node, FILTERS[node.name])

    def _tested(self, node: nodes.Test) -> Value:
        return self._applied(node, node.node, TESTS[node.name])

    def _applied(
        self, node: nodes.Filter | nodes.Test, given: Any, apply: Callable[..., Value]
    ) -> Value:
        value = self._look(given) if node.name in _LENIENT else self.value(given)
        arguments = [self.value(argument) for argument in node.args]
        named = {str(argument.key): self.value(argument.value) for argument in node.kwargs}
        self.offset = node.lineno
        return apply(self._fuel, value, *arguments, **named)

    def _called(self, node: nodes.Call) -> Value:
        function = self.value(node.node)
        if kind_of(function) != "function":
            raise wrong_kind(function, "a function")
        fuel = self._fuel
        arguments = [plain(self.value(argument), fuel) for argument in node.args]
        named = {argument.key: plain(self.value(argument.value), fuel) for argument in node.kwargs}
        self.offset = node.lineno
        try:
            answer = function(*arguments, **named)
        except TemplateFaultError:
            raise
        except Exception as ex:  # a plugin's own failure, told as one of the template
            raise value_fault(f"the function failed: {type(ex).__name__}: {ex}") from ex
        return plain(answer, fuel)

    def _range(self, *bounds: Value) -> Value:
        if not 1 <= len(bounds) <= 3:  # noqa: PLR2004  as in Python
            raise value_fault("range takes an end; or a begin, an end and a step")
        begin, end = (0, bounds[0]) if len(bounds) == 1 else bounds[:2]
        step = bounds[2] if len(bounds) == 3 else 1  # noqa: PLR2004
        if integer(step) == 0:
            raise value_fault("a step of 0 leads nowhere")
        # NOTE(before): the list is not made before it is paid for
        self._fuel.step(max(0, (integer(end) - integer(begin)) // step + 1))
        return list(range(begin, end, step))

    #: What works out which kind of node.
    _EVALUATED: ClassVar[Mapping[type[nodes.Node], Callable[["Expressions", Any], Value]]] = {
        nodes.Name: _name,
        nodes.Getattr: _attribute,
        nodes.Getitem: _item,
        nodes.Const: _constant,
        nodes.List: _list,
        nodes.Tuple: _list,
        nodes.Dict: _object,
        **dict.fromkeys(
            (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
            _binary,
        ),
        nodes.Neg: _negative,
        nodes.Pos: _positive,
        nodes.Not: _not,
        nodes.And: _and,
        nodes.Or: _or,
        nodes.CondExpr: _condition,
        nodes.Concat: _concatenated,
        nodes.Compare: _compared,
        nodes.Filter: _filtered,
        nodes.Test: _tested,
        nodes.Call: _called,
    }


def _member(found: Mapping[str, Value], key: Value) -> Value:
    name = text(key)
    if name in found:
        return found[name]
    return Missing(
        reason=f"there is no member {name!r}",
        next_step="Add it to config.json, or correct the name.",
        name=name,
        known=found,
    )
