"""Reads a template with logic into Jinja's syntax tree, and refuses what is not allowed.

Jinja's lexer and parser are used, and nothing else of it: what a tree may hold is listed here, and
:mod:`pitrix_vm.template.machine` works it out. Nothing is compiled to Python, so nothing in a
template can become Python, and nothing is worked out before there is somebody who counts.

Jinja keeps the line of every node. The lexer here gives each token its offset in the text in place
of its line, so that whatever is said of a node has a line and a column.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs
from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import Lexer
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pitrix_vm.template.filters import FILTERS
from pitrix_vm.template.predicates import TESTS
from pitrix_vm.template.records import TemplateFaultError

#: Longest text, in characters: five times the largest real template that was seen.
_TEXT_LIMIT: Final = 100_000
#: Most nodes of a syntax tree; bounds what checking and looking through it costs.
_NODES_LIMIT: Final = 20_000
#: Deepest nesting of a syntax tree. Working it out takes about three Python frames a level, of the
#: thousand that Python allows.
_DEPTH_LIMIT: Final = 100
_DIGITS_LIMIT: Final = 18

_STATEMENTS: Final = (nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign)
_VALUES: Final = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Name)
_LOOKUPS: Final = (nodes.Getattr, nodes.Getitem, nodes.Slice)
_OPERATIONS: Final = (
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
    *(nodes.Neg, nodes.Pos, nodes.Not, nodes.And, nodes.Or, nodes.Concat),
    *(nodes.Compare, nodes.Operand, nodes.CondExpr),
)
_CALLS: Final = (nodes.Filter, nodes.Test, nodes.Call, nodes.Keyword)
_ALLOWED: Final = frozenset(
    {nodes.Template, *_STATEMENTS, *_VALUES, *_LOOKUPS, *_OPERATIONS, *_CALLS}
)

_NO_ASTERISKS: Final = "arguments are written one by one, without asterisks"
_ONE_FILE: Final = "a template is one file; there is no {0}"
#: Why other constructs of Jinja are refused, by node.
_REFUSED: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Macro: "macros are not allowed; write a loop",
    nodes.CallBlock: "call blocks are not allowed",
    nodes.FilterBlock: "filter blocks are not allowed; apply the filter to a value",
    nodes.AssignBlock: "set blocks are not allowed; write {% set name = value %}",
    nodes.With: "with blocks are not allowed; write {% set name = value %}",
    nodes.NSRef: "a name is set as a whole; there are no namespaces",
    nodes.Extends: _ONE_FILE.format("extends"),
    nodes.Block: _ONE_FILE.format("block"),
    nodes.Include: _ONE_FILE.format("include"),
    nodes.Import: _ONE_FILE.format("import"),
    nodes.FromImport: _ONE_FILE.format("import"),
    nodes.ScopedEvalContextModifier: "values are written as JSON; there is no autoescape",
}

#: An escape of Python's texts; one without a group is not known, or Python warns of it. Source:
#: https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences, read 2026-08.
_ESCAPE: Final = re.compile(
    r"""\\([\\'"abfnrtv\n]|[0-3][0-7]{2}|[0-7]{1,2}(?![0-7])|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})?"""
)
_POSITION: Final = re.compile(r" at \d+$")


@attrs.frozen
class Program:
    """A template's syntax tree, with nothing in it that is not allowed."""

    tree: nodes.Template = attrs.field(repr=False)


def read_program(text: str) -> Program:
    """Read a template's text.

    :param text: with line feeds only.
    :raises TemplateFaultError: it is not Jinja, or holds what is not allowed.
    """
    if len(text) > _TEXT_LIMIT:
        raise _limit(f"it has more than {_TEXT_LIMIT} characters", 0)
    try:
        tree = Parser(_environment(), text).parse()
    except TemplateSyntaxError as ex:
        raise _fault(_POSITION.sub("", ex.message or "not Jinja"), ex.lineno) from ex
    except RecursionError as ex:
        raise _limit("nested too deeply", 0) from ex
    _check(tree)
    return Program(tree)


class _Lexer(Lexer):
    """Gives every token its offset in the text in place of its line."""

    def tokeniter(
        self,
        source: str,
        name: str | None,
        filename: str | None = None,
        state: str | None = None,
    ) -> Iterator[tuple[int, str, str]]:
        """Return the tokens of a text: offset, kind, text."""
        cursor = 0
        tokens = super().tokeniter(source, name, filename, state)
        while True:
            try:
                _, kind, text = next(tokens)
            except StopIteration:
                return
            except TemplateSyntaxError as ex:
                message = _POSITION.sub("", ex.message or "not Jinja")
                raise _fault(message, cursor) from ex
            # NOTE(blanks): a minus sign in a tag takes blanks away, and only blanks lie between
            cursor = source.index(text, cursor)
            _check_token(kind, text, cursor)
            yield cursor, kind, text
            cursor += len(text)


class _Environment(ImmutableSandboxedEnvironment):
    """Carries the parser's settings; nothing is ever run in it."""

    @functools.cached_property
    def lexer(self) -> Lexer:
        """What turns texts into tokens."""
        return _Lexer(self)


@functools.cache
def _environment() -> _Environment:
    return _Environment(keep_trailing_newline=True)


def _check_token(kind: str, text: str, offset: int) -> None:
    if kind == "string":
        for escape in _ESCAPE.finditer(text):
            if escape.group(1) is None:
                raise _fault("this escape is unknown", offset + escape.start())
    if kind == "integer" and len(text) > _DIGITS_LIMIT:
        raise _fault(f"a number has at most {_DIGITS_LIMIT} digits", offset)
    if kind == "float" and float(text.replace("_", "")) == float("inf"):
        raise _fault("this number is too large", offset)


def _check(tree: nodes.Template) -> None:
    """Refuse a tree that holds what is not listed above."""
    level: list[nodes.Node] = [tree]
    count = depth = 0
    while level:
        depth += 1
        count += len(level)
        if depth > _DEPTH_LIMIT or count > _NODES_LIMIT:
            raise _limit(
                f"nested deeper than {_DEPTH_LIMIT}"
                if depth > _DEPTH_LIMIT
                else f"more than {_NODES_LIMIT} parts",
                level[0].lineno,
            )
        for node in level:
            _check_node(node)
        level = [child for node in level for child in node.iter_child_nodes()]


def _check_node(node: nodes.Node) -> None:
    if type(node) not in _ALLOWED:
        reason = _REFUSED.get(type(node), f"{type(node).__name__} is not allowed")
        raise _fault(reason, node.lineno)
    if isinstance(node, nodes.For) and node.recursive:
        raise _fault("a loop cannot be recursive", node.lineno)
    if isinstance(node, nodes.Filter):
        _check_call("filter", node, FILTERS)
    elif isinstance(node, nodes.Test):
        _check_call("test", node, TESTS)
    elif isinstance(node, nodes.Call) and (node.dyn_args or node.dyn_kwargs):
        raise _fault(_NO_ASTERISKS, node.lineno)


def _check_call(
    what: str, node: nodes.Filter | nodes.Test, known: Mapping[str, Callable[..., object]]
) -> None:
    if node.name not in known:
        raise TemplateFaultError(
            f"there is no {what} {node.name!r}",
            code="template.syntax",
            offset=node.lineno,
            next_step=f"Take one of: {', '.join(sorted(known))}.",
        )
    if node.dyn_args or node.dyn_kwargs:
        raise _fault(_NO_ASTERISKS, node.lineno)
    named = {str(argument.key): None for argument in node.kwargs}
    try:
        inspect.signature(known[node.name]).bind(None, None, *node.args, **named)
    except TypeError as ex:
        raise _fault(f"{what} {node.name!r}: {ex}", node.lineno) from ex


def _fault(reason: str, offset: int) -> TemplateFaultError:
    return TemplateFaultError(
        reason,
        code="template.syntax",
        offset=offset,
        next_step="Write it with expressions, if, for and set only.",
    )


def _limit(reason: str, offset: int) -> TemplateFaultError:
    return TemplateFaultError(
        reason, code="template.limit", offset=offset, next_step="Make the template smaller."
    )
