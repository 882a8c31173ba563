"""Carries out a parsed template, within limits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Final, NamedTuple

from pitrix_drone.gotemplate import tree
from pitrix_drone.gotemplate.errors import ExecError, TemplateError
from pitrix_drone.gotemplate.values import (
    NO_VALUE,
    Function,
    NilList,
    Record,
    is_int,
    truth,
    type_name,
)
from pitrix_drone.gotemplate.verbs import show

#: Named types, and the one without a name that takes their values, too.
_ALSO_FITS: Final = {"memkv.KVPairs": "[]memkv.KVPair"}
#: About what an item of a list or map takes, and the short text it may be.
_ITEM_BYTES: Final = 64
_NOTHING: Final = object()  # no value came through the pipe


class Limits(NamedTuple):
    """How far a template may go before it is stopped."""

    depth: int = 100
    steps: int = 1_000_000
    output_chars: int = 8 * 1024 * 1024
    made_bytes: int = 128 * 1024 * 1024
    seconds: float = 60.0


class _BreakLoop(Exception):  # noqa: N818 - not an error
    """``{{break}}`` was reached."""


class _ContinueLoop(Exception):  # noqa: N818 - not an error
    """``{{continue}}`` was reached."""


class _Variable:
    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value


class Execution:
    """One rendering; use one object for one."""

    def __init__(
        self,
        name: str,
        *,
        templates: Mapping[str, tree.Body],
        functions: Mapping[str, Function],
        limits: Limits,
    ) -> None:
        self._name = name
        self._templates = templates
        self._functions = functions
        self._limits = limits
        self._variables: list[_Variable] = []
        self._out: list[str] = []
        self._chars = 0
        self._made_bytes = 0
        self._steps = 0
        self._depth = 0
        self._deadline = time.monotonic() + limits.seconds

    def run(self, data: Any) -> str:
        """Return what the template writes for *data*.

        :raises ExecError: the template failed, or went beyond a limit.
        """
        dot = NO_VALUE if data is None else data
        self._variables = [_Variable("$", dot)]
        try:
            self._walk(self._templates[self._name], dot)
        except RecursionError:
            raise ExecError(f"template: {self._name}: nested too deeply") from None
        return "".join(self._out)

    def _error(self, line: int, message: str) -> ExecError:
        return ExecError(f"template: {self._name}:{line}: {message}")

    def _write(self, line: int, text: str) -> None:
        self._chars += len(text)
        if self._chars > self._limits.output_chars:
            raise self._error(line, f"wrote more than {self._limits.output_chars} characters")
        self._out.append(text)

    def _walk(self, body: tree.Body, dot: Any) -> None:
        for node in body:
            self._step(node.line)
            if isinstance(node, tree.Text):
                self._write(node.line, node.text)
            elif isinstance(node, tree.Action):
                self._action(node, dot)
            elif isinstance(node, tree.Branch):
                self._branch(node, dot)
            elif isinstance(node, tree.Include):
                self._include(node, dot)
            else:
                raise _BreakLoop if node.kind == "break" else _ContinueLoop

    def _step(self, line: int) -> None:
        self._steps += 1
        if self._steps > self._limits.steps:
            raise self._error(line, f"took more than {self._limits.steps} steps")
        if time.monotonic() > self._deadline:
            raise self._error(line, f"took longer than {self._limits.seconds:g} s")

    def _action(self, node: tree.Action, dot: Any) -> None:
        value = self._pipe(node.pipe, dot)
        if not node.pipe.variables:
            self._write(node.line, "<no value>" if value is NO_VALUE else show(value))

    def _branch(self, node: tree.Branch, dot: Any) -> None:
        known = len(self._variables)
        if node.kind == "range":
            self._range(node, dot)
        else:
            value = self._pipe(node.pipe, dot)
            if truth(value):
                self._walk(node.body, value if node.kind == "with" else dot)
            elif node.otherwise is not None:
                self._walk(node.otherwise, dot)
        del self._variables[known:]

    def _range(self, node: tree.Branch, dot: Any) -> None:
        value = self._pipe(node.pipe, dot)
        is_empty = True
        try:
            for key, item in self._items(node, value):
                is_empty = False
                self._turn(node, key, item)
        except _BreakLoop:
            pass
        if is_empty and node.otherwise is not None:
            self._walk(node.otherwise, dot)

    def _turn(self, node: tree.Branch, key: Any, item: Any) -> None:
        known = len(self._variables)
        names = node.pipe.variables
        values = [item] if len(names) == 1 else [key, item][: len(names)]
        for name, value in zip(names, values):
            if node.pipe.is_assignment:
                self._set(node.line, name, value)
            else:
                self._variables.append(_Variable(name, value))
        try:
            self._walk(node.body, item)
        except _ContinueLoop:
            pass
        finally:
            del self._variables[known:]
        self._step(node.line)

    def _items(self, node: tree.Branch, value: Any) -> Iterable[tuple[Any, Any]]:
        if value is None or value is NO_VALUE:
            return ()
        if isinstance(value, dict):
            return [(key, value[key]) for key in sorted(value)]
        if isinstance(value, (list, tuple)):
            return list(enumerate(value))
        if is_int(value):
            return self._numbers(node, value)
        raise self._error(node.line, f"range can't iterate over {show(value)}")

    def _numbers(self, node: tree.Branch, last: int) -> Iterable[tuple[Any, Any]]:
        if len(node.pipe.variables) > 1:
            raise self._error(node.line, f"can't use {last} to iterate over more than one variable")
        if last > self._limits.steps:
            raise self._error(node.line, f"range over more than {self._limits.steps} steps")
        return ((None, type(last)(number)) for number in range(last))

    def _include(self, node: tree.Include, dot: Any) -> None:
        if node.name not in self._templates:
            raise self._error(node.line, f'template "{node.name}" not defined')
        if self._depth >= self._limits.depth:
            raise self._error(node.line, "exceeded maximum template depth")
        value = self._pipe(node.pipe, dot) if node.pipe else NO_VALUE
        outer, self._variables = self._variables, [_Variable("$", value)]
        self._depth += 1
        self._walk(self._templates[node.name], value)
        self._depth -= 1
        self._variables = outer

    def _variable(self, line: int, name: str) -> _Variable:
        for variable in reversed(self._variables):
            if variable.name == name:
                return variable
        raise self._error(line, f"undefined variable: {name}")

    def _set(self, line: int, name: str, value: Any) -> None:
        self._variable(line, name).value = value

    def _pipe(self, pipe: tree.Pipe, dot: Any) -> Any:
        value: Any = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, value)
            value = NO_VALUE if value is None else value
        for name in pipe.variables:
            if pipe.is_assignment:
                self._set(pipe.line, name, value)
            else:
                self._variables.append(_Variable(name, value))
        return value

    def _command(self, command: tuple[Any, ...], dot: Any, piped: Any) -> Any:
        first, arguments = command[0], command[1:]
        if isinstance(first, tree.Call):
            return self._call(first, arguments, dot, piped)
        if isinstance(first, (tree.Field, tree.Chain)):
            receiver = dot if isinstance(first, tree.Field) else self._argument(first.operand, dot)
            return self._fields(first.line, first.names, receiver, (arguments, dot, piped))
        if isinstance(first, tree.Variable) and first.fields:
            value = self._variable(first.line, first.name).value
            return self._fields(first.line, first.fields, value, (arguments, dot, piped))
        if arguments or piped is not _NOTHING:
            raise self._error(first.line, "can't give argument to non-function")
        if isinstance(first, tree.Nil):
            raise self._error(first.line, "nil is not a command")
        return self._argument(first, dot)

    def _argument(self, operand: Any, dot: Any) -> Any:
        if isinstance(operand, tree.Literal):
            return operand.value
        if isinstance(operand, tree.Dot):
            return dot
        if isinstance(operand, tree.Pipe):
            return self._pipe(operand, dot)
        if isinstance(operand, tree.Variable) and not operand.fields:
            return self._variable(operand.line, operand.name).value
        if isinstance(operand, tree.Number):
            if operand.value is None:
                raise self._error(operand.line, f"{operand.text} overflows int")
            return operand.value
        return None if isinstance(operand, tree.Nil) else self._command((operand,), dot, _NOTHING)

    def _fields(
        self, line: int, names: tuple[str, ...], receiver: Any, call: tuple[Any, Any, Any]
    ) -> Any:
        operands, dot, piped = call
        for name in names[:-1]:
            receiver = self._member(line, name, receiver, [])
        arguments = [self._argument(operand, dot) for operand in operands]
        arguments += [] if piped is _NOTHING else [piped]
        return self._member(line, names[-1], receiver, arguments)

    def _member(self, line: int, name: str, receiver: Any, arguments: list[Any]) -> Any:
        if receiver is NO_VALUE:
            return NO_VALUE
        if isinstance(receiver, Record) and name in receiver.methods:
            return self._guarded(line, name, getattr(receiver, name), arguments)
        value = self._field(line, name, receiver)
        if arguments:
            raise self._error(line, f"{name} is not a method but has arguments")
        return value

    def _field(self, line: int, name: str, receiver: Any) -> Any:
        if isinstance(receiver, dict):
            return receiver.get(name, NO_VALUE)
        if isinstance(receiver, Record) and name in receiver.fields:
            return getattr(receiver, name)
        if receiver is None:
            raise self._error(line, f"nil pointer evaluating interface {{}}.{name}")
        raise self._error(line, f"can't evaluate field {name} in type {type_name(receiver)}")

    def _call(self, node: tree.Call, operands: tuple[Any, ...], dot: Any, piped: Any) -> Any:
        function = self._functions.get(node.name)
        if function is None:
            return self._lazily(node, operands, dot, piped)
        kinds = self._kinds(node, function, len(operands) + (piped is not _NOTHING))
        arguments = [
            self._fitted(node.line, kind, self._constant(operand, kind, dot))
            for kind, operand in zip(kinds, operands)
        ]
        if piped is not _NOTHING:
            arguments.append(self._fitted(node.line, kinds[-1], piped))
        return self._guarded(node.line, node.name, function.call, arguments)

    def _constant(self, operand: Any, kind: str, dot: Any) -> Any:
        """Evaluate an argument; ``1e3`` serves as an int where one is wanted."""
        if kind == "int" and isinstance(operand, tree.Number) and operand.whole is not None:
            return operand.whole
        return self._argument(operand, dot)

    def _lazily(self, node: tree.Call, operands: tuple[Any, ...], dot: Any, piped: Any) -> Any:
        """Evaluate ``and`` and ``or``, which stop at the first operand that decides."""
        value: Any = _NOTHING
        for operand in operands:
            value = self._argument(operand, dot)
            if truth(value) == (node.name == "or"):
                return value
        value = value if piped is _NOTHING else piped
        if value is _NOTHING:
            raise self._error(node.line, f"wrong number of args for {node.name}: want at least 1")
        return value

    def _guarded(self, line: int, name: str, call: Callable[..., Any], arguments: list[Any]) -> Any:
        self._step(line)
        try:
            value = call(*arguments)
        except (TemplateError, ArithmeticError, ValueError, TypeError, LookupError, OSError) as ex:
            raise self._error(line, f"error calling {name}: {ex}") from ex
        self._charge(line, name, value)
        return value

    def _charge(self, line: int, name: str, value: Any) -> None:
        """Count what a function made, whether or not it is kept, for memory has an end."""
        if not isinstance(value, (str, list, dict)):
            return
        if len(value) > self._limits.output_chars:
            raise self._error(line, f"error calling {name}: the result is too long")
        self._made_bytes += len(value) * (1 if isinstance(value, str) else _ITEM_BYTES)
        if self._made_bytes > self._limits.made_bytes:
            made_mib = self._limits.made_bytes >> 20
            raise self._error(
                line, f"error calling {name}: functions made more than {made_mib} MiB"
            )

    def _kinds(self, node: tree.Call, function: Function, given: int) -> list[str]:
        """Return the type of each argument."""
        wanted = len(function.parameters)
        if given < wanted or (given > wanted and not function.rest):
            least = "at least " if function.rest else ""
            raise self._error(
                node.line, f"wrong number of args for {node.name}: want {least}{wanted} got {given}"
            )
        return list(function.parameters) + [function.rest] * (given - wanted)

    def _fitted(self, line: int, kind: str, value: Any) -> Any:
        """Return *value* as Go would hand it over to a parameter of type *kind*."""
        if value is NO_VALUE or value is None:
            if kind == "any":
                return None
            if kind.startswith("[]"):
                return NilList(kind)
        elif kind == "any" or type_name(value) == kind or kind == _ALSO_FITS.get(type_name(value)):
            return value
        raise self._error(line, f"wrong type for value; expected {kind}; got {type_name(value)}")
