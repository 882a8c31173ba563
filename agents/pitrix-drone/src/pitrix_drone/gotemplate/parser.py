"""Builds the tree of a template from its tokens."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pitrix_drone.gotemplate import literals, tree
from pitrix_drone.gotemplate.errors import ParseError
from pitrix_drone.gotemplate.lexer import END, KEYWORD, LEFT, RIGHT, SPACE, TEXT, Token, tokens

_QUOTED: Final = ("string", "raw")
_COMMAND_ENDS: Final = (RIGHT, ")", "|")
#: Operands that cannot take the value of the command before them.
_NOT_EXECUTABLE: Final = (tree.Literal, tree.Number, tree.Nil, tree.Dot)
_MAX_RANGE_VARIABLES: Final = 2
_NUMBER_READERS: Final = {
    "number": literals.number,
    "complex": literals.complex_number,
    "character": literals.character,
}


def parse(source: str, *, name: str, functions: Collection[str]) -> dict[str, tree.Body]:
    """Return every template defined in *source*, its own body under *name*.

    :param functions: the names of all functions there are.
    :raises ParseError: not a template; the message begins with the name and the line.
    """
    try:
        return Parser(source, name=name, functions=functions).run()
    except RecursionError:
        raise ParseError(f"template: {name}: nested too deeply") from None


class Parser:
    """Reads one source; use one object for one source."""

    def __init__(self, source: str, *, name: str, functions: Collection[str]) -> None:
        self._name = name
        self._functions = functions
        self._next = 0
        self._variables = ["$"]
        self._loops = 0
        self._defined: dict[str, tree.Body] = {}
        try:
            self._tokens = tokens(source)
        except ParseError as ex:
            raise ParseError(f"template: {name}:{ex}") from None

    def run(self) -> dict[str, tree.Body]:
        """Parse the whole source."""
        body: list[tree.Node] = []
        while True:
            token = self._take()
            if token.kind == END:
                break
            if token.kind == TEXT:
                body.append(tree.Text(token.line, token.text))
            elif self._peek_solid().text == "define" and self._peek().kind == KEYWORD:
                self._take()
                self._define()
            else:
                body.append(self._action(token.line))
        self._store(self._name, tuple(body))
        return self._defined

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        if token.kind != END:  # which is never gone past
            self._next += 1
        return token

    def _peek_solid(self) -> Token:
        token = self._tokens[self._next]
        if token.kind == SPACE:  # one at most: the lexer joins them
            self._next += 1
            token = self._tokens[self._next]
        return token

    def _take_solid(self) -> Token:
        self._peek_solid()
        return self._take()

    def _error(self, message: str) -> ParseError:
        return ParseError(f"template: {self._name}:{self._peek().line}: {message}")

    def _unexpected(self, token: Token, where: str) -> ParseError:
        what = "EOF" if token.kind == END else token.text
        return ParseError(f"template: {self._name}:{token.line}: unexpected {what} in {where}")

    def _store(self, name: str, body: tree.Body) -> None:
        if tree.is_blank(self._defined.get(name, ())):
            self._defined[name] = body
        elif not tree.is_blank(body):
            raise self._error(f'multiple definition of template "{name}"')

    def _body(self) -> tuple[tree.Body, str]:
        """Read up to an ``end`` or ``else``; the word itself is taken and returned."""
        body: list[tree.Node] = []
        while True:
            token = self._take()
            if token.kind == TEXT:
                body.append(tree.Text(token.line, token.text))
                continue
            if token.kind != LEFT:
                raise self._unexpected(token, "an unfinished block")
            word = self._peek_solid()
            if word.kind == KEYWORD and word.text in {"end", "else"}:
                self._take()
                return tuple(body), word.text
            body.append(self._action(token.line))

    def _action(self, line: int) -> tree.Node:
        token = self._peek_solid()
        if token.kind != KEYWORD or token.text == "nil":
            pipe = self._pipe("command", RIGHT)
            self._right("command")
            return tree.Action(line, pipe)
        self._take()
        if token.text in {"if", "with", "range"}:
            return self._branch(token.text, line)
        if token.text in {"break", "continue"}:
            return self._jump(token.text, line)
        if token.text == "template":
            return self._template(line)
        if token.text == "block":
            return self._block(line)
        raise self._unexpected(token, "this place")

    def _right(self, where: str) -> None:
        token = self._take_solid()
        if token.kind != RIGHT:
            raise self._unexpected(token, where)

    def _jump(self, kind: str, line: int) -> tree.Jump:
        self._right(kind)
        if not self._loops:
            raise self._error(f"{{{{{kind}}}}} outside {{{{range}}}}")
        return tree.Jump(line, kind)

    def _branch(self, kind: str, line: int) -> tree.Branch:
        known = len(self._variables)
        pipe = self._pipe(kind, RIGHT)
        self._right(kind)
        self._loops += kind == "range"
        body, end = self._body()
        self._loops -= kind == "range"
        otherwise = self._otherwise(kind) if end == "else" else None
        if end == "end":
            self._right("end")
        del self._variables[known:]
        return tree.Branch(line, kind, pipe, body, otherwise)

    def _otherwise(self, kind: str) -> tree.Body:
        word = self._peek_solid()
        if word.kind == KEYWORD and word.text == kind and kind != "range":
            self._take()
            return (self._branch(kind, word.line),)
        self._right("else")
        body, end = self._body()
        if end != "end":
            raise self._error("expected end; found {{else}}")
        self._right("end")
        return body

    def _template(self, line: int) -> tree.Include:
        name = self._quoted_name("template clause")
        pipe = None
        if self._peek_solid().kind != RIGHT:
            pipe = self._pipe("template", RIGHT)
        self._right("template clause")
        return tree.Include(line, name, pipe)

    def _block(self, line: int) -> tree.Include:
        name = self._quoted_name("block clause")
        pipe = self._pipe("block", RIGHT)
        self._definition(name, "block clause")
        return tree.Include(line, name, pipe)

    def _define(self) -> None:
        self._definition(self._quoted_name("define clause"), "define clause")

    def _definition(self, name: str, where: str) -> None:
        """Read a body that knows none of the variables around it."""
        self._right(where)
        outer, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        body, end = self._body()
        if end != "end":
            raise self._error(f"unexpected {{{{else}}}} in {where}")
        self._right(where)
        self._variables, self._loops = outer, loops
        self._store(name, body)

    def _quoted_name(self, where: str) -> str:
        token = self._take_solid()
        if token.kind not in _QUOTED:
            raise self._unexpected(token, where)
        return self._literal(token)

    def _literal(self, token: Token) -> str:
        try:
            return literals.unquote(token.text)
        except ParseError as ex:
            raise self._error(str(ex)) from None

    def _pipe(self, where: str, end: str) -> tree.Pipe:
        """Read a pipeline up to, but not with, the token *end*."""
        line = self._peek_solid().line
        names, is_assignment = self._declared(where)
        commands: list[tuple[tree.Operand, ...]] = []
        while self._peek_solid().kind != end:
            commands.append(self._command())
            if self._peek_solid().kind == "|":
                self._take()  # Go does not mind when nothing follows
        if not commands:
            raise self._error(f"missing value for {where}")
        for command in commands[1:]:
            if isinstance(command[0], _NOT_EXECUTABLE):
                raise self._error("non executable command in pipeline")
        return tree.Pipe(line, names, is_assignment, tuple(commands))

    def _declared(self, where: str) -> tuple[tuple[str, ...], bool]:
        """Read ``$x :=``, ``$x, $y :=`` or the same with ``=``, if one of them is there."""
        start = self._next
        names: list[str] = []
        while self._peek_solid().kind == "variable":
            names.append(self._take().text)
            separator = self._take_solid()
            if separator.kind in {":=", "="}:
                if len(names) > _MAX_RANGE_VARIABLES:
                    raise self._error(f"too many declarations in {where}")
                self._variables += names
                return tuple(names), separator.kind == "="
            if separator.kind != "," or where != "range":
                break
        if len(names) > 1 or (names and self._tokens[self._next - 1].kind == ","):
            raise self._error("range can only initialize variables")
        self._next = start
        return (), False

    def _command(self) -> tuple[tree.Operand, ...]:
        operands: list[tree.Operand] = []
        while self._peek_solid().kind not in _COMMAND_ENDS:
            operands.append(self._operand())
            token = self._peek()
            if token.kind != SPACE and token.kind not in _COMMAND_ENDS:
                raise self._unexpected(token, "operand")
        if not operands:
            raise self._error("empty command")
        return tuple(operands)

    def _operand(self) -> tree.Operand:
        term = self._term()
        names: list[str] = []
        while self._peek().kind == "field":
            names.append(self._take().text[1:])
        if not names:
            return term
        if isinstance(term, tree.Field):
            return term._replace(names=term.names + tuple(names))
        if isinstance(term, tree.Variable):
            return term._replace(fields=tuple(names))
        if isinstance(term, _NOT_EXECUTABLE):
            raise self._error("unexpected . after term")
        return tree.Chain(term.line, term, tuple(names))

    def _term(self) -> tree.Operand:
        token = self._take()
        if token.kind in {"identifier", "variable"}:
            return self._identifier(token)
        if token.kind == "field":
            return tree.Field(token.line, (token.text[1:],))
        if token.kind == ".":
            return tree.Dot(token.line)
        if token.kind == "(":
            pipe = self._pipe("parenthesized pipeline", ")")
            self._take()
            return pipe
        if token.text == "nil":
            return tree.Nil(token.line)
        return self._constant(token)

    def _identifier(self, token: Token) -> tree.Operand:
        if token.kind == "variable":
            if token.text not in self._variables:
                raise self._error(f'undefined variable "{token.text}"')
            return tree.Variable(token.line, token.text, ())
        if token.text in {"true", "false"}:
            return tree.Literal(token.line, token.text == "true")
        if token.text not in self._functions:
            raise self._error(f'function "{token.text}" not defined')
        return tree.Call(token.line, token.text)

    def _constant(self, token: Token) -> tree.Operand:
        if token.kind in _QUOTED:
            return tree.Literal(token.line, self._literal(token))
        read = _NUMBER_READERS.get(token.kind)
        if read is None:
            raise self._unexpected(token, "operand")
        try:
            constant = read(token.text)
        except ParseError as ex:
            raise self._error(str(ex)) from None
        return tree.Number(token.line, token.text, constant.value, constant.whole)
