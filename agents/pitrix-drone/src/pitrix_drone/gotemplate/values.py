"""Go's values in Python: which types there are, and what is true.

int, float, complex, str, bool, dict and list stand for Go's own; a plain list is
``[]interface {}``, a plain int ``int``. None is a nil interface, as a list may hold one;
:data:`NO_VALUE` is what a pipeline has where Go has no value at all.
"""

from __future__ import annotations

from typing import Any, Callable, ClassVar, Final, NamedTuple


class NoValue:
    """What a map has for a key it does not have; there is one object of it."""


NO_VALUE: Final = NoValue()


class Int64(int):
    """An ``int64``, which no parameter of type int takes."""

    go_type: ClassVar[str] = "int64"


class Byte(int):
    """A ``uint8``: one byte of a string."""

    go_type: ClassVar[str] = "uint8"


class Record:
    """A Go struct: its fields are read by name, and its methods called."""

    go_type: ClassVar[str] = "struct {}"
    fields: ClassVar[tuple[str, ...]] = ()
    methods: ClassVar[tuple[str, ...]] = ()


class Strings(list[str]):
    """A ``[]string``, which ``join`` wants and a plain list is not."""

    go_type: ClassVar[str] = "[]string"


class Ints(list[int]):
    """An ``[]int``."""

    go_type: ClassVar[str] = "[]int"


class NilMap(dict[str, Any]):
    """A ``map[string]interface {}`` that was never made; it is empty, and ``null`` in JSON."""


class NilList(list[Any]):
    """A slice that was never made; it is empty, and ``null`` in JSON."""

    def __init__(self, go_type: str = "[]interface {}") -> None:
        super().__init__()
        self.go_type = go_type


class Function(NamedTuple):
    """A function templates may call.

    :param parameters: Go types: ``string``, ``int``, ``[]string``, ``any``.
    :param rest: the type of any further arguments, or empty when there may be none.
    """

    call: Callable[..., Any]
    parameters: tuple[str, ...]
    rest: str = ""


def is_int(value: Any) -> bool:
    """Tell whether *value* is a Go integer; Python's booleans are ints, Go's are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_nil(value: Any) -> bool:
    """Tell whether *value* is Go's nil, be it of a type or of none."""
    return value is None or value is NO_VALUE or isinstance(value, (NilMap, NilList))


def truth(value: Any) -> bool:
    """Tell whether a Go template takes *value* as true; a struct always is."""
    if isinstance(value, Record):
        return True
    return value is not NO_VALUE and bool(value)


def type_name(value: Any) -> str:
    """Return the name Go has for the type of *value*."""
    named = getattr(value, "go_type", None)
    if named is not None:
        return str(named)
    if value is None or value is NO_VALUE:
        return "<nil>"
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_TYPE_NAMES: Final = (
    (str, "string"),
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (dict, "map[string]interface {}"),
    ((list, tuple), "[]interface {}"),
    (complex, "complex128"),
)
