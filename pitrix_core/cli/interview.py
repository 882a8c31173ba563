"""Asks a person for a configuration, field by field, and asks again for what is not allowed."""

import copy
import sys
from collections.abc import Mapping
from typing import Any, Final

import click

from pitrix_core.cli.forms import Field, sections_of
from pitrix_core.cli.output import text_of
from pitrix_core.cli.problems import CliError
from pitrix_core.cli.terminal import say, visible
from pitrix_core.cli.values import typed
from pitrix_core.model import JsonObject
from pitrix_core.service.defaults import with_defaults
from pitrix_core.validation import is_visible, violations

#: How often a field is asked for; whoever still has no answer needs the form in front of them.
_ATTEMPTS: Final = 10


def interview(schema: JsonObject, given: JsonObject) -> dict[str, Any]:
    """Ask for every field that was not given and shows; what is answered with return stays default.

    :param given: from ``--set`` and ``--values``; not asked for, and not checked here.
    :returns: what was given, and what was answered.
    :raises CliError: nobody sits at a terminal, or one answer after the other is not allowed.
    """
    if not sys.stdin.isatty():
        raise CliError(
            "--ask needs a terminal.", next_step="Say what is to be set: --set or --values"
        )
    config: dict[str, Any] = copy.deepcopy(dict(given))
    for section in sections_of(schema):
        is_begun = False
        for field in section.fields:
            if field.is_fixed or _has(config, field.names) or not _is_shown(field, config, schema):
                continue
            if section.title and not is_begun:
                say(click.style(f"\n{section.title}", bold=True), err=True)
            is_begun = True
            config = _answered(field, config, schema)
    return config


def _answered(field: Field, config: dict[str, Any], schema: JsonObject) -> dict[str, Any]:
    """Return the configuration with the answer for one field."""
    for line in (field.description, field.facts()):
        if line:
            say(f"  {line}", err=True)
    for _ in range(_ATTEMPTS):
        tried = _with_answer(field, config, schema)
        problems = _problems(field, tried, schema)
        if not problems:
            return tried
        for problem in problems:
            say(f"  {problem}", err=True)
    raise CliError(
        f"{field.label}: no answer was allowed.",
        next_step=f"See what is, and say it with: --set {field.path}=VALUE",
    )


def _with_answer(field: Field, config: dict[str, Any], schema: JsonObject) -> dict[str, Any]:
    default = _shown(_siblings(field, config, schema).get(field.names[-1]))
    if field.is_secret:
        text = _secret(field.label)
    else:
        text = click.prompt(
            visible(field.label), default=default, show_default=bool(default), err=True
        )
    if text in {"", default}:
        return config
    return _with(config, field.names, typed(text, field.schema, schema=schema))


def _secret(label: str) -> str:
    """Return what is typed twice without being shown; nothing has to be typed once only."""
    while True:
        text = _hidden(label)
        if not text or text == _hidden("Once more"):
            return text
        say("  The two differ.", err=True)


def _hidden(label: str) -> str:
    prompted = click.prompt(
        visible(label), default="", show_default=False, hide_input=True, err=True
    )
    return str(prompted)


def _problems(field: Field, config: JsonObject, schema: JsonObject) -> list[str]:
    place = field.pointer
    return [
        found.message
        for found in violations(with_defaults(config, schema), schema)
        if found.pointer == place or found.pointer.startswith(f"{place}/")
    ]


def _is_shown(field: Field, config: JsonObject, schema: JsonObject) -> bool:
    return is_visible(field.schema, _siblings(field, config, schema))


def _siblings(field: Field, config: JsonObject, schema: JsonObject) -> Mapping[str, Any]:
    """Return the object that a field is in, defaults filled in, as if it had been begun."""
    group = field.names[:-1]
    if group and not _has(config, group):
        config = _with(config, group, {})
    found = _value_at(with_defaults(config, schema), group)
    return found if isinstance(found, Mapping) else {}


def _value_at(value: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _has(config: JsonObject, names: tuple[str, ...]) -> bool:
    """Say whether a value was given; what is no object holds none, and is for the server to say."""
    value: Any = config
    for name in names:
        if not isinstance(value, Mapping):
            return True
        if name not in value:
            return False
        value = value[name]
    return True


def _with(config: JsonObject, names: tuple[str, ...], value: object) -> dict[str, Any]:
    first, *rest = names
    if rest:
        value = _with(config.get(first, {}), tuple(rest), value)
    return {**config, first: value}


def _shown(value: object) -> str:
    return "" if value in (None, [], {}) else text_of(value)
