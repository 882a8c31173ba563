"""The parsed form of a template.

Operands are what commands are made of; a command's first operand may be a function, the others
are its arguments. A pipeline in parentheses is an operand, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Union


class Text(NamedTuple):
    """Text between actions, trimmed already."""

    line: int
    text: str


class Literal(NamedTuple):
    """A constant: string or boolean."""

    line: int
    value: Any


class Number(NamedTuple):
    """A numeric constant.

    :param value: None for a whole number no int can hold.
    :param whole: what it is where an int is wanted; None when it is no whole number.
    """

    line: int
    text: str
    value: Any
    whole: int | None


class Nil(NamedTuple):
    """The word ``nil``."""

    line: int


class Dot(NamedTuple):
    """The current value."""

    line: int


class Field(NamedTuple):
    """``.a.b``: fields of the current value."""

    line: int
    names: tuple[str, ...]


class Variable(NamedTuple):
    """``$x.a.b``: a variable, and fields of it."""

    line: int
    name: str
    fields: tuple[str, ...]


class Call(NamedTuple):
    """The name of a function."""

    line: int
    name: str


class Chain(NamedTuple):
    """``(…).a.b``: fields of another operand."""

    line: int
    operand: Any
    names: tuple[str, ...]


class Pipe(NamedTuple):
    """Commands, each given the value of the one before; perhaps kept in variables."""

    line: int
    variables: tuple[str, ...]
    is_assignment: bool
    commands: tuple[tuple[Any, ...], ...]


class Action(NamedTuple):
    """A pipeline whose value is written out, unless it goes into a variable."""

    line: int
    pipe: Pipe


class Branch(NamedTuple):
    """``if``, ``with`` or ``range``."""

    line: int
    kind: str
    pipe: Pipe
    body: tuple[Any, ...]
    otherwise: tuple[Any, ...] | None


class Include(NamedTuple):
    """``template`` or ``block``: another template, given a value."""

    line: int
    name: str
    pipe: Pipe | None


class Jump(NamedTuple):
    """``break`` or ``continue``."""

    line: int
    kind: str


Operand = Union[Literal, Number, Nil, Dot, Field, Variable, Call, Chain, Pipe]
Node = Union[Text, Action, Branch, Include, Jump]
Body = tuple[Node, ...]


def is_blank(body: Body) -> bool:
    """Tell whether nothing but white space is written, ever."""
    return all(isinstance(node, Text) and not node.text.strip() for node in body)
